"""What sending processes tell each other through Redis: who is at work (`heartbeats`: who lives).

Nothing here is the truth about a message; losing all of it costs a second, not a mail.
"""

import os
import secrets
import time
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from typing import Any, Final

import redis
from django.conf import settings

SLICE_TTL = 20  # seconds after which a slice that no longer reports may be started anew
SETTLED_SECONDS: Final = 5  # after a start of Redis, until everybody who lives has reconnected
MISSING_SECONDS: Final = 1.5  # between two looks; who lives says something to Redis in between
_SHOWN: Final = "warta-"  # begins the names of processes whose connections carry them

_SLICE = "warta:slice:"


@cache
def _client_of(_process: int) -> redis.Redis:
    try:
        return _connected(client_name=_name_of(_process))
    except redis.ResponseError:  # whoever runs this Redis does not let clients have names
        return _connected(client_name=None)


def _connected(*, client_name: str | None) -> redis.Redis:
    found = redis.Redis.from_url(
        settings.REDIS_URL,
        client_name=client_name,
        socket_timeout=5,
        socket_connect_timeout=5,
        health_check_interval=30,
    )
    with suppress(redis.ConnectionError, redis.TimeoutError):  # away: each command says so itself
        found.ping()
    return found


def client() -> redis.Redis:
    """Return this process's Redis client (answers in bytes); its connections carry our name."""
    return _client_of(os.getpid())


def has_name() -> bool:
    """Say whether our connections carry our name, so that others know when we have ended."""
    return bool(client().get_connection_kwargs().get("client_name"))


@cache
def _script_of(_process: int, source: str) -> Any:
    return client().register_script(source)


def script(source: str) -> Any:
    """Return a Lua script that can be called; Redis keeps it by its hash."""
    return _script_of(os.getpid(), source)


@cache
def _name_of(_process: int) -> str:
    return f"{_SHOWN}{secrets.token_hex(8)}"


def process_name() -> str:
    """Name this start of this process among all hosts and containers, at random."""
    return _name_of(os.getpid())


def gone(processes: Iterable[str]) -> set[str]:
    """Return those of these processes (`process_name`) that certainly run no more.

    The kernel closes a process's connections to Redis however it ends, and keeps those of one that
    is only frozen. So who has none, at two looks, has ended; where clients may have no names, or
    while Redis has just started, nobody counts as ended.

    Raises:
        redis.RedisError: Redis cannot be reached.
    """
    asked = {name for name in processes if name.startswith(_SHOWN)}
    if not asked:
        return set()
    server = client()
    try:
        if server.info("server")["uptime_in_seconds"] < SETTLED_SECONDS:
            return set()
        connected = {str(found.get("name", "")) for found in server.client_list()}
    except redis.ResponseError:
        return set()
    if process_name() not in connected:  # not even we are shown
        return set()
    missing = asked - connected
    return {name for name in missing if _has_been_missing(name)}


def _has_been_missing(name: str) -> bool:
    """Say whether an earlier look has missed this process too, long enough ago."""
    key, now = f"warta:missing:{name}", time.time()
    client().set(key, now, nx=True, ex=10)
    first = client().get(key)
    return first is not None and not 0 <= now - float(first) < MISSING_SECONDS


def reserve_slice(number: int, owner: str) -> bool:
    """Say whether slice ``number`` was free and is now ``owner``'s."""
    return bool(client().set(f"{_SLICE}{number}", owner, nx=True, ex=SLICE_TTL))


def keep_slice(number: int, owner: str) -> bool:
    """Keep a slice for another `SLICE_TTL` seconds; False if somebody else has it."""
    key = f"{_SLICE}{number}"
    held = client().get(key)
    if held is not None and held != owner.encode():
        return False
    client().set(key, owner, ex=SLICE_TTL)
    return True


def waiting(queue: str) -> int:
    """Return how many tasks of a queue nobody has taken yet."""
    return int(client().llen(queue))


def free_slice(number: int, owner: str) -> None:
    """Give a slice back, if it is still ours."""
    key = f"{_SLICE}{number}"
    if client().get(key) == owner.encode():
        client().delete(key)


def reserve(name: str, *, seconds: float) -> bool:
    """Say whether nobody has reserved ``name`` during the last ``seconds``; reserves it if so."""
    return bool(client().set(f"warta:reserved:{name}", 1, nx=True, px=int(seconds * 1000)))


def extend(name: str, *, seconds: float) -> None:
    """Keep a reservation for another while."""
    client().set(f"warta:reserved:{name}", 1, px=int(seconds * 1000))


def release(name: str) -> None:
    """Give a reservation up."""
    client().delete(f"warta:reserved:{name}")
