"""How fast an account may send: counted in Redis for all workers together, never slept out.

An account without limits costs nothing here. With limits, permits are fetched some at a time before
anybody's row is read; when there are none, the worker turns to other work until the next are due.
If Redis cannot count, each process goes on at a small part of the tightest limit (`_Alone`):
neither unlimited nor stopped for ever.
"""

import math
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib import resources
from typing import Any, Final, Self

import redis
from django.utils.translation import gettext_noop

from delivery.limits import warm_up
from delivery.limits.connection_pool import ProviderSlots
from delivery.models import DomainLimit, SendingAccount
from delivery.processes import coordination
from subscribers.states import DomainGroup

HOUR_MS: Final = 3_600_000
ALONE_SHARE: Final = 0.02  # of the tightest rate, for each process while Redis is away
ALONE_FASTEST: Final = 1.0  # seconds between two mails then, at least
ALONE_SLOWEST: Final = 300.0
BATCH_SECONDS: Final = 0.25  # a batch of permits is worth this much of the rate
LARGEST_BATCH: Final = 1_000
STEP_MS: Final = 4  # mails that leave so much later than their permits count from then on
SLOTS: Final = {"rate": 1_000, "window": 200}  # of a period, as the script counts them
ENDLESS: Final = 1_000_000_000  # permits: more than anybody asks for at once

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
    "redis": gettext_noop("Redis, which counts for all workers"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """So many permits per period.

    ``kind``: counted in any stretch of that length (window), besides spread evenly over it (rate),
    or counted until ``ends_at`` (Unix time in ms) under a name of its own (until).
    """

    name: str
    kind: str
    permits: int
    period_ms: int
    ends_at: int = 0

    @property
    def burst(self) -> float:
        """How many may go at once after a pause: half a second's worth, two at least.

        Never more than ``permits`` in any stretch of the period's length, whatever this allows.
        """
        return max(2.0, self.permits * 500 / self.period_ms)

    @property
    def words(self) -> tuple[Any, ...]:
        """The limit as the script reads it."""
        extra = self.ends_at if self.kind == "until" else self.burst
        return (self.name, self.kind, self.permits, self.period_ms, extra)

    @property
    def slots(self) -> int:
        """In how many slots a window counts; 0: it is none."""
        return SLOTS.get(self.kind, 0)

    @property
    def interval(self) -> float:
        """Seconds between two permits if they were spread evenly."""
        return self.period_ms / 1000 / self.permits if self.permits else ALONE_SLOWEST


@dataclass(frozen=True, kw_only=True, slots=True)
class CountedLimit(Limit):
    """A limit that is counted by and never in the way."""

    @classmethod
    def of(cls, limit: Limit) -> Self:
        """Make one of a limit."""
        return cls(**asdict(limit))

    @property
    def words(self) -> tuple[Any, ...]:
        """The limit as the script reads it: a rate with an endless burst, a count without end."""
        if self.kind == "rate":
            return self.name, self.kind, self.permits, self.period_ms, ENDLESS
        return self.name, self.kind, ENDLESS, self.period_ms, self.ends_at


@dataclass(frozen=True, kw_only=True, slots=True)
class Grant:
    """The script's answer: permits now, or seconds until there may be some, and what decided."""

    permits: int
    wait: float = 0.0
    limit: str = ""
    at: float = field(default=0.0, compare=False)  # when, by Redis's clock (ms)


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
    return resources.files("delivery.limits").joinpath("throttle.lua").read_text(encoding="utf-8")


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


def _key(account: int) -> str:
    return f"warta:throttle:{{{account}}}"


def permits(
    account: int, limits: Sequence[Limit], wanted: int, *, granted_at: float = 0.0
) -> Grant:
    """Ask for permits under all these limits at once; negative ``wanted`` gives some back.

    Zero takes none, and says how long there will be none. ``granted_at``: when those that are moved
    were granted (`Grant.at`), if not now.
    """
    words = [word for limit in limits for word in limit.words]
    try:
        granted, wait, name, at = coordination.script(_script())(
            keys=[_key(account)], args=[wanted, granted_at, *words]
        )
    except redis.RedisError:
        return _alone.permit(account, limits, wanted)
    return Grant(permits=int(granted), wait=int(wait) / 1000, limit=name.decode(), at=float(at))


@dataclass(slots=True)
class _Permits:
    """Permits under some limits: those in hand, and when they were granted."""

    account: int
    limits: Sequence[Limit]
    in_hand: int = 0
    refused: Grant | None = None
    _at: float = 0.0
    since: float = 0.0  # time.monotonic(), when they were asked for

    def fetch(self, most: int) -> int:
        """Ask for a batch, at most so many; returns how many are in hand."""
        worth = min(limit.permits * BATCH_SECONDS * 1000 / limit.period_ms for limit in self.limits)
        self.since = time.monotonic()
        grant = permits(self.account, self.limits, min(most, max(1, math.ceil(worth))))
        self.in_hand, self._at = grant.permits, grant.at
        self.refused = None if grant.permits else grant
        return self.in_hand

    def use(self) -> None:
        """Take one out of the hand."""
        self.in_hand -= 1

    def close(self, answers: Sequence[float] = (), *, usual: float = 0.0) -> None:
        """Give back what was not used, and have late mails count from when they left.

        When mails take longer than usual (a connection opens, a machine or a server stalls), they
        reach the server later than those after them: it would see more of them within a second
        than the limit says. ``answers``: when each came (time.monotonic()).
        """
        if self.in_hand:
            permits(self.account, self.limits, -self.in_hand, granted_at=self._at)
        if answers and self._at:
            self._move([max(0.0, at - self.since - usual) * 1000 for at in answers])
        self.in_hand = 0

    def _move(self, delays: list[float]) -> None:
        """Count mails so many milliseconds after their permits, in every window."""
        steps = Counter(int(delay // STEP_MS) * STEP_MS for delay in delays)
        del steps[0]
        windows = [limit for limit in self.limits if limit.slots]
        if not steps or not windows:
            return
        with suppress(redis.RedisError), coordination.client().pipeline() as pipe:
            for limit in windows:
                key, slot = f"{_key(self.account)}:{limit.name}", limit.period_ms / limit.slots
                pipe.hincrby(key, str(int(self._at // slot)), -steps.total())
                for step, count in steps.items():
                    pipe.hincrby(key, str(int((self._at + step) // slot)), count)
            pipe.execute()


@dataclass(slots=True)
class Gate:
    """One claim's way through its account's limits.

    Permits for the account are asked for first, and only as many people are read as there are
    permits. Those towards single mailbox providers follow as their people come: ``waits`` says how
    long there will be none, by domain group.
    """

    account: int
    limits: list[Limit]
    groups: dict[int, Limit]
    provider_slots: ProviderSlots = field(default_factory=lambda: ProviderSlots(account=0, most={}))
    waits: dict[int, Grant] = field(default_factory=dict)
    refused: Grant | None = None  # how long the account as a whole has no permits
    _account: _Permits | None = None
    _of_group: dict[int, _Permits] = field(default_factory=dict)

    def is_open(self, domain_groups: Iterable[int]) -> bool:
        """Say whether nothing has to be asked for each mail to people in these groups."""
        if self.limits:
            return False
        return not any(
            group in self.groups or group in self.provider_slots.most
            for group in set(domain_groups)
        )

    def reserve(self, most: int) -> int:
        """Ask how many mails may go now, at most ``most``; see `refused` for none."""
        if not self.limits:
            return most
        if self._account is None:
            self._account = _Permits(account=self.account, limits=self.limits)
        found = self._account.fetch(most)
        self.refused = self._account.refused
        return found

    def reserve_for(self, group: int, most: int) -> int:
        """Ask how many of these mails may go to one mailbox provider now."""
        if group not in self.groups or not most:
            return most
        return min(most, self._permits_of(group, most))

    def admit(self, domain_group: int) -> bool:
        """Use up one permit for a mail to this group; False: there is none now."""
        if domain_group in self.groups and not self._permits_of(domain_group, LARGEST_BATCH):
            return False
        if domain_group in self._of_group:
            self._of_group[domain_group].use()
        if self._account is not None:
            self._account.use()
        return True

    def give_back(self, answers: Sequence[float] = (), *, usual: float = 0.0) -> None:
        """Return the permits that were not used; see `_Permits.close`.

        ``usual``: the seconds that this account's first mail takes from its permit to its answer.
        """
        if self._account is not None:
            self._account.close(answers, usual=usual)
        for held in self._of_group.values():
            held.close()
        self._account = None
        self._of_group.clear()

    def seconds_until(self, answer: float) -> float:
        """Return the seconds from the account's permits to an answer (time.monotonic())."""
        return answer - self._account.since if self._account is not None else 0.0

    def _permits_of(self, group: int, most: int) -> int:
        """Return the permits towards one mailbox provider that are in hand, fetched if need be."""
        held = self._of_group.get(group)
        if held is None:
            held = self._of_group[group] = _Permits(
                account=self.account, limits=[self.groups[group]]
            )
        if not held.in_hand and group not in self.waits and not held.fetch(most):
            self.waits[group] = held.refused or Grant(permits=0, wait=1.0)
        return held.in_hand
