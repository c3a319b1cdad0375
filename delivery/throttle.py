"""How fast an account may send: counted in Redis for all workers together, never slept out.

An account without limits costs nothing here. With limits, permits are fetched a few at a time; when
there are none, the claim goes back with the time of the next permit and the worker turns to other
work. If Redis is away there are no permits (and no journal either, so nothing is handed over).
"""

import math
import secrets
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, Final

import redis
from django.utils.translation import gettext_noop

from delivery import coordination
from delivery.models import DomainLimit, SendingAccount

HOUR_MS: Final = 3_600_000
LEASE_SECONDS: Final = 30
RETRY_SECONDS: Final = 2.0  # when Redis is away
BATCH_SECONDS: Final = 0.25  # a batch of permits is worth this much of the rate
LARGEST_BATCH: Final = 200

# What people are told they wait for; a claim stores the word, the page translates it.
LIMITS: Final = {
    "second": gettext_noop("the limit per second"),
    "minute": gettext_noop("the limit per minute"),
    "hour": gettext_noop("the limit per hour"),
    "day": gettext_noop("the limit per day"),
    "group": gettext_noop("the limit towards a mailbox provider"),
    "connections": gettext_noop("a free connection"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """So many permits per period; ``kind``: spread evenly (rate), or counted (window)."""

    name: str
    kind: str
    permits: int
    period_ms: int

    @property
    def burst(self) -> float:
        """How many may go at once after a pause: a quarter of a second's worth, one at least."""
        return max(1.0, self.permits * 250 / self.period_ms)

    @property
    def words(self) -> tuple[Any, ...]:
        """The limit as the script reads it."""
        return (self.name, self.kind, self.permits, self.period_ms, self.burst)


@dataclass(frozen=True, kw_only=True, slots=True)
class Grant:
    """The script's answer: permits now, or seconds until there may be one, and what decided."""

    permits: int
    wait: float = 0.0
    limit: str = ""


def limits_of(account: SendingAccount) -> list[Limit]:
    """Return the limits that hold for all mail of an account."""
    given = (
        ("second", "rate", account.per_second, 1_000),
        ("minute", "rate", account.per_minute, 60_000),
        ("hour", "window", account.per_hour, HOUR_MS),
        ("day", "window", account.per_day, 24 * HOUR_MS),
    )
    return [
        Limit(name=name, kind=kind, permits=permits, period_ms=period)
        for name, kind, permits, period in given
        if permits
    ]


def limits_by_group(limits: Iterable[DomainLimit]) -> dict[int, Limit]:
    """Return the limits towards single mailbox providers, by domain group."""
    return {
        limit.domain_group: Limit(
            name=f"group-{limit.domain_group}",
            kind="rate",
            permits=limit.per_minute,
            period_ms=60_000,
        )
        for limit in limits
        if limit.per_minute
    }


@cache
def _script() -> str:
    return resources.files("delivery").joinpath("throttle.lua").read_text(encoding="utf-8")


def permits(account: int, limits: Iterable[Limit], wanted: int) -> Grant:
    """Ask for permits under all these limits at once; negative ``wanted`` gives some back."""
    words = [word for limit in limits for word in limit.words]
    try:
        granted, wait, name = coordination.script(_script())(
            keys=[f"warta:throttle:{{{account}}}"], args=[wanted, *words]
        )
    except redis.RedisError:
        return Grant(permits=0, wait=RETRY_SECONDS)
    return Grant(permits=int(granted), wait=int(wait) / 1000, limit=name.decode())


@dataclass(slots=True)
class Gate:
    """One claim's way through its account's limits.

    ``waits`` collects per domain group (None: the whole account) how long there will be no permit.
    """

    account: int
    limits: list[Limit]
    groups: dict[int, Limit]
    remaining: Counter[int] = field(default_factory=Counter)
    _in_hand: Counter[int] = field(default_factory=Counter)
    waits: dict[int | None, Grant] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        """Whether there is no limit at all."""
        return not (self.limits or self.groups)

    def expect(self, domain_groups: Iterable[int]) -> None:
        """Say what is going to be asked for, so that no permits are fetched in vain."""
        self.remaining = Counter(map(self._lane, domain_groups))

    def admit(self, domain_group: int) -> bool:
        """Use up one permit for a mail to this group; False: there is none now."""
        lane = self._lane(domain_group)
        if not self._in_hand[lane] and not self._fetch(lane):
            return False
        self._in_hand[lane] -= 1
        self.remaining[lane] -= 1
        return True

    @property
    def is_exhausted(self) -> bool:
        """Whether the whole account has to wait."""
        return None in self.waits

    def give_back(self) -> None:
        """Return the permits that were not used."""
        for lane, count in self._in_hand.items():
            if count:
                permits(self.account, self._limits(lane), -count)
        self._in_hand.clear()

    def _lane(self, domain_group: int) -> int:
        return domain_group if domain_group in self.groups else -1

    def _limits(self, lane: int) -> list[Limit]:
        return [*self.limits, self.groups[lane]] if lane in self.groups else self.limits

    def _fetch(self, lane: int) -> bool:
        if None in self.waits or lane in self.waits:
            return False
        limits = self._limits(lane)
        if not limits:
            self._in_hand[lane] = max(1, self.remaining[lane])
            return True
        worth = min(limit.permits * BATCH_SECONDS * 1000 / limit.period_ms for limit in limits)
        batch = min(LARGEST_BATCH, max(1, self.remaining[lane]), max(1, math.ceil(worth)))
        grant = permits(self.account, limits, batch)
        if not grant.permits:
            self.waits[lane if grant.limit.startswith("group-") else None] = grant
            return False
        self._in_hand[lane] = grant.permits
        return True


_LEASE_CONNECTIONS: Final = """
local now = tonumber(redis.call('TIME')[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local free = tonumber(ARGV[2]) - redis.call('ZCARD', KEYS[1])
local count = math.max(0, math.min(free, tonumber(ARGV[3])))
for i = 1, count do
  redis.call('ZADD', KEYS[1], now + tonumber(ARGV[4]), ARGV[1] .. ':' .. i)
end
redis.call('EXPIRE', KEYS[1], tonumber(ARGV[4]) * 2)
return count
"""


@dataclass(slots=True)
class Connections:
    """A process's share of an account's connections, leased from all workers' common number."""

    account: int
    count: int = 0
    _name: str = field(default_factory=lambda: secrets.token_hex(6))

    @property
    def _key(self) -> str:
        return f"warta:connections:{{{self.account}}}"

    def lease(self, *, most: int, wanted: int) -> int:
        """Hold up to ``wanted`` connections of ``most`` in all; returns how many are held."""
        if self.count:
            self.renew()
            return self.count
        with suppress(redis.RedisError):
            self.count = int(
                coordination.script(_LEASE_CONNECTIONS)(
                    keys=[self._key], args=[self._name, most, wanted, LEASE_SECONDS]
                )
            )
        return self.count

    def renew(self) -> None:
        """Keep the leased connections for another `LEASE_SECONDS`."""
        with suppress(redis.RedisError):
            seconds = int(coordination.client().time()[0]) + LEASE_SECONDS
            members = {f"{self._name}:{number}": seconds for number in range(1, self.count + 1)}
            coordination.client().zadd(self._key, members)

    def free(self) -> None:
        """Give the connections back."""
        if self.count:
            members = [f"{self._name}:{number}" for number in range(1, self.count + 1)]
            self.count = 0
            with suppress(redis.RedisError):
                coordination.client().zrem(self._key, *members)
