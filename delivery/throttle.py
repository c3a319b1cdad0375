"""How fast an account may send: counted in Redis for all workers together, never slept out.

An account without limits costs nothing here. With limits, permits are fetched a few at a time; when
there are none, the claim goes back with the time of the next permit and the worker turns to other
work. If Redis cannot count, each process goes on at a small part of the tightest limit
(`_Alone`): neither unlimited nor stopped for ever.
"""

import math
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, Final

import redis
from django.utils.translation import gettext_noop

from delivery import coordination, warm_up
from delivery.connections import AGAIN_SECONDS, GroupLanes
from delivery.models import DomainLimit, SendingAccount
from subscribers.states import DomainGroup

HOUR_MS: Final = 3_600_000
ALONE_SHARE: Final = 0.02  # of the tightest rate, for each process while Redis is away
ALONE_FASTEST: Final = 1.0  # seconds between two mails then, at least
ALONE_SLOWEST: Final = 300.0
BATCH_SECONDS: Final = 0.25  # a batch of permits is worth this much of the rate
LARGEST_BATCH: Final = 200
CONNECTIONS: Final = "connections"

# How many connections mailbox providers take from one sender that delivers to them: KumoMTA's
# default traffic shaping (kumomta/assets/policy-extras/shaping.toml). They give no rates.
USUAL_CONNECTIONS: Final[dict[int, int]] = {
    DomainGroup.GMAIL: 5,
    DomainGroup.OUTLOOK: 5,
    DomainGroup.YAHOO: 5,
    DomainGroup.APPLE: 5,
    DomainGroup.GMX: 4,
    DomainGroup.ORANGE: 2,
}

# What people are told they wait for; a claim stores the word, the page translates it.
LIMITS: Final = {
    "second": gettext_noop("the limit per second"),
    "minute": gettext_noop("the limit per minute"),
    "hour": gettext_noop("the limit per hour"),
    "day": gettext_noop("the limit per day"),
    "group": gettext_noop("the limit towards a mailbox provider"),
    "warmup": gettext_noop("today's ceiling of the warm-up plan"),
    "connections": gettext_noop("a free connection to a mailbox provider"),
    "redis": gettext_noop("Redis, which counts for all workers"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """So many permits per period.

    ``kind``: spread evenly (rate), counted in any stretch of that length (window), or counted until
    ``ends_at`` (Unix time in ms) under a name of its own (until).
    """

    name: str
    kind: str
    permits: int
    period_ms: int
    ends_at: int = 0

    @property
    def burst(self) -> float:
        """How many may go at once after a pause: a quarter of a second's worth, one at least."""
        return max(1.0, self.permits * 250 / self.period_ms)

    @property
    def words(self) -> tuple[Any, ...]:
        """The limit as the script reads it."""
        extra = self.ends_at if self.kind == "until" else self.burst
        return (self.name, self.kind, self.permits, self.period_ms, extra)

    @property
    def interval(self) -> float:
        """Seconds between two permits if they were spread evenly."""
        return self.period_ms / 1000 / self.permits if self.permits else ALONE_SLOWEST


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
    limits = [
        Limit(name=name, kind=kind, permits=permits, period_ms=period)
        for name, kind, permits, period in given
        if permits
    ]
    today = warm_up.today(account)
    if today is not None and today.ceiling is not None:
        limits.append(
            Limit(
                name=f"warmup-{today.day:%Y%m%d}",
                kind="until",
                permits=today.ceiling,
                period_ms=24 * HOUR_MS,
                ends_at=int(today.ends_at.timestamp() * 1000),
            )
        )
    return limits


def connections_by_group(limits: Iterable[DomainLimit]) -> dict[int, int]:
    """Return how many connections may carry mail to single mailbox providers at once."""
    return {limit.domain_group: limit.connections for limit in limits if limit.connections}


def give_usual_connections(account: SendingAccount) -> None:
    """Give a new account the usual numbers; people change them on its page."""
    DomainLimit.objects.bulk_create(
        DomainLimit(account=account, domain_group=group, connections=most)
        for group, most in USUAL_CONNECTIONS.items()
    )


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


def word_of(limit: str) -> str:
    """Return what people are told of a limit's name, untranslated; "" for none."""
    return LIMITS.get(limit.partition("-")[0], "")


@dataclass(slots=True)
class _Alone:
    """What one process may do while Redis cannot count: one mail now and then."""

    _last: dict[int, float] = field(default_factory=dict)

    def permit(self, account: int, limits: Sequence[Limit], wanted: int) -> Grant:
        """Grant one permit if the last one is long enough ago."""
        if wanted <= 0:
            return Grant(permits=0)
        slow = max((limit.interval for limit in limits), default=0.0) / ALONE_SHARE
        pause = min(max(slow, ALONE_FASTEST), ALONE_SLOWEST)
        now = time.monotonic()
        ready = self._last.get(account, -pause) + pause
        if now < ready:
            return Grant(permits=0, wait=ready - now, limit="redis")
        self._last[account] = now
        return Grant(permits=1)


_alone: Final = _Alone()


def permits(account: int, limits: Sequence[Limit], wanted: int) -> Grant:
    """Ask for permits under all these limits at once; negative ``wanted`` gives some back.

    Zero takes none, and says how long there will be none.
    """
    words = [word for limit in limits for word in limit.words]
    try:
        granted, wait, name = coordination.script(_script())(
            keys=[f"warta:throttle:{{{account}}}"], args=[wanted, *words]
        )
    except redis.RedisError:
        return _alone.permit(account, limits, wanted)
    return Grant(permits=int(granted), wait=int(wait) / 1000, limit=name.decode())


@dataclass(slots=True)
class Gate:
    """One claim's way through its account's limits.

    ``waits`` collects per domain group (None: the whole account) how long there will be no permit.
    """

    account: int
    limits: list[Limit]
    groups: dict[int, Limit]
    lanes: GroupLanes = field(default_factory=lambda: GroupLanes(account=0, most={}))
    remaining: Counter[int] = field(default_factory=Counter)
    _in_hand: Counter[int] = field(default_factory=Counter)
    waits: dict[int | None, Grant] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        """Whether there is no limit at all."""
        return not (self.limits or self.groups or self.lanes.most)

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

    def must_wait_for_connection(self, domain_group: int) -> bool:
        """Say whether others use all connections to this group; then it waits for a moment."""
        if self.lanes.share(domain_group):
            return False
        self.waits.setdefault(domain_group, Grant(permits=0, wait=AGAIN_SECONDS, limit=CONNECTIONS))
        return True

    def give_back(self) -> None:
        """Return the permits that were not used, and the connections."""
        self.lanes.free()
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
