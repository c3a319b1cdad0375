"""What sending processes tell each other through Redis: who lives, who is at work.

Nothing here is the truth about a message; losing all of it costs a second, not a mail.
"""

import os
import socket
import time
from functools import cache
from typing import Any

import redis
from django.conf import settings

WORKER_TTL = 15  # seconds without a heartbeat after which a worker counts as gone
SLICE_TTL = 20  # seconds after which a slice that no longer reports may be started anew
BEAT_SILENCE = 20  # seconds without a tick after which the beat counts as stopped

_WORKERS = "warta:workers"
_CAPACITY = "warta:capacity"
_BEAT = "warta:beat"
_SLICE = "warta:slice:"


@cache
def _client_of(_process: int) -> "redis.Redis[Any]":
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=5, health_check_interval=30
    )


def client() -> "redis.Redis[Any]":
    """Return this process's Redis client (answers in bytes)."""
    return _client_of(os.getpid())


def process_name() -> str:
    """Name this process among all hosts: ``host:pid``."""
    return f"{socket.gethostname()[:80]}:{os.getpid()}"


def worker_lives(name: str, *, senders: int) -> None:
    """Note that a worker lives and how many of its processes send."""
    with client().pipeline(transaction=False) as pipe:
        pipe.zadd(_WORKERS, {name: time.time()})
        pipe.hset(_CAPACITY, name, senders)
        pipe.execute()


def worker_leaves(name: str) -> None:
    """Forget a worker that shuts down."""
    with client().pipeline(transaction=False) as pipe:
        pipe.zrem(_WORKERS, name)
        pipe.hdel(_CAPACITY, name)
        pipe.execute()


def senders() -> int:
    """Count the processes that can send now, over all hosts."""
    since = time.time() - WORKER_TTL
    with client().pipeline(transaction=False) as pipe:
        pipe.zrangebyscore(_WORKERS, since, "+inf")
        pipe.hgetall(_CAPACITY)
        pipe.zrangebyscore(_WORKERS, "-inf", since)
        living, capacity, gone = pipe.execute()
    if gone:
        with client().pipeline(transaction=False) as pipe:
            pipe.zrem(_WORKERS, *gone)
            pipe.hdel(_CAPACITY, *gone)
            pipe.execute()
    return sum(int(capacity.get(name, 0)) for name in living)


def beat_ticks() -> None:
    """Note that the beat has just been heard."""
    client().set(_BEAT, f"{time.time():.3f}", ex=86_400)


def beat_silence() -> float | None:
    """Return for how many seconds the beat has not been heard; None: not within a day."""
    at = client().get(_BEAT)
    return None if at is None else max(0.0, time.time() - float(at))


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
