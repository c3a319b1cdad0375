"""How often somebody may do something that reaches others, counted in Redis over all processes."""

from dataclasses import dataclass

from django.core.cache import cache


@dataclass(frozen=True, kw_only=True)
class Limit:
    """At most ``most`` in ``seconds``."""

    most: int
    seconds: int


def within(limit: Limit, what: str, *, count: int = 1) -> bool:
    """Count ``count`` more of ``what``; False when that makes too many. Too many count, too.

    Raises:
        redis.RedisError: it can't be counted now.
    """
    cache.add(what, 0, timeout=limit.seconds)
    try:
        return bool(cache.incr(what, count) <= limit.most)
    except ValueError:  # it ran out between the two
        cache.set(what, count, timeout=limit.seconds)
        return count <= limit.most
