"""What sending processes tell each other through Redis: who is at work (`heartbeats`: who lives).

Nothing here is the truth about a message; losing all of it costs a second, not a mail.
"""

import os
import socket
from functools import cache
from typing import Any

import redis
from django.conf import settings

SLICE_TTL = 20  # seconds after which a slice that no longer reports may be started anew

_SLICE = "warta:slice:"


@cache
def _client_of(_process: int) -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=5, health_check_interval=30
    )


def client() -> redis.Redis:
    """Return this process's Redis client (answers in bytes)."""
    return _client_of(os.getpid())


@cache
def _script_of(_process: int, source: str) -> Any:
    return client().register_script(source)


def script(source: str) -> Any:
    """Return a Lua script that can be called; Redis keeps it by its hash."""
    return _script_of(os.getpid(), source)


def process_name() -> str:
    """Name this process among all hosts: ``host:pid``."""
    return f"{socket.gethostname()[:80]}:{os.getpid()}"


def is_gone(process: str) -> bool:
    """Say whether ``process`` (a `process_name`) certainly runs no more: it was on this host."""
    host, _, pid = process.rpartition(":")
    if host != socket.gethostname()[:80] or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


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
