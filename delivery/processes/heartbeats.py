"""Signs of life of the background processes, kept in Redis.

Each worker writes one per queue it serves, and beat writes its own, every second or two; the
answer to "why is it not sending?" reads them.
"""

import time
from functools import cache

import redis
from django.conf import settings

SENDING = "sending"
EVENTS = "events"
DEFAULT = "default"
LONG = "long"
MAIL = "mail"
QUEUES = (SENDING, EVENTS, DEFAULT, MAIL, LONG)  # each needs a worker
BEAT = "beat"
ALIVE_SECONDS = 10.0
KEPT_SECONDS = 86_400


@cache
def _client() -> redis.Redis:
    return redis.from_url(
        settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2, decode_responses=True
    )


def record(kind: str, name: str, *, processes: int = 1) -> None:
    """Say that ``name`` serves ``kind`` (a queue, or `BEAT`) now, with so many processes.

    Raises:
        redis.RedisError: Redis cannot be reached.
    """
    now = time.time()
    with _client().pipeline(transaction=False) as pipe:
        pipe.zadd(f"heartbeat:{kind}", {name: now})
        pipe.hset(f"heartbeat-processes:{kind}", name, processes)
        pipe.expire(f"heartbeat-processes:{kind}", KEPT_SECONDS)
        pipe.zremrangebyscore(f"heartbeat:{kind}", 0, now - KEPT_SECONDS)
        pipe.expire(f"heartbeat:{kind}", KEPT_SECONDS)
        pipe.execute()


def forget(kind: str, name: str) -> None:
    """Say that process ``name`` has stopped in an orderly way."""
    _client().zrem(f"heartbeat:{kind}", name)


def alive(kind: str) -> list[str]:
    """Return the names of the processes that gave a sign of life in the last 10 seconds.

    Raises:
        redis.RedisError: Redis cannot be reached.
    """
    names = _client().zrangebyscore(f"heartbeat:{kind}", time.time() - ALIVE_SECONDS, "+inf")
    return sorted(str(name) for name in names)


def last(kind: str) -> float | None:
    """Return when the latest sign of life came (seconds since 1970), or None within a day."""
    newest = _client().zrange(f"heartbeat:{kind}", -1, -1, withscores=True)
    return float(newest[0][1]) if newest else None


def processes(kind: str) -> int:
    """Return how many processes of living workers serve ``kind``.

    Raises:
        redis.RedisError: Redis cannot be reached.
    """
    counts = _client().hgetall(f"heartbeat-processes:{kind}")
    return sum(int(counts.get(name, 1)) for name in alive(kind))
