"""A cache that answers "don't know" while Redis is away, frozen or full.

What is remembered only saves work, so nobody is refused a page for want of it. What is counted is
another matter: `add` and `incr` raise, so that a limit never holds by not being kept.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

import redis
import structlog
from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.redis import RedisCache

QUIET_SECONDS: Final = 5.0  # nobody asks again so soon after it did not answer
T = TypeVar("T")
log = structlog.get_logger()


class ForgivingCache(RedisCache):
    """Django's Redis cache; reading and remembering never raise `redis.RedisError`."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._quiet_until = 0.0

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        """Return what is remembered, or ``default``."""
        return self._try(lambda: super(ForgivingCache, self).get(key, default, version), default)

    def get_many(self, keys: Iterable[Any], version: int | None = None) -> dict[Any, Any]:
        """Return what is remembered of these."""
        return self._try(lambda: super(ForgivingCache, self).get_many(keys, version), {})

    def set(
        self,
        key: Any,
        value: Any,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> None:
        """Remember something, if possible."""
        self._try(lambda: super(ForgivingCache, self).set(key, value, timeout, version), None)

    def set_many(
        self,
        data: Mapping[Any, Any],
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> list[Any]:
        """Remember several things; returns the keys of those that were not."""
        store = super().set_many
        return self._try(lambda: store(dict(data), timeout, version), list(data))

    def delete(self, key: Any, version: int | None = None) -> bool:
        """Forget something, if it can be."""
        return self._try(lambda: super(ForgivingCache, self).delete(key, version), False)

    def has_key(self, key: Any, version: int | None = None) -> bool:
        """Say whether something is remembered."""
        return self._try(lambda: super(ForgivingCache, self).has_key(key, version), False)

    def _try(self, ask: Callable[[], T], otherwise: T) -> T:
        # A frozen server makes each question wait for its timeout: a page has many of them.
        if time.monotonic() < self._quiet_until:
            return otherwise
        try:
            return ask()
        except redis.RedisError as error:
            self._quiet_until = time.monotonic() + QUIET_SECONDS
            log.warning("cache.away", error=type(error).__name__)
            return otherwise
