"""How fast an account may send: counted in Redis for all workers together, never slept out.

An account without limits costs nothing here. With limits, whoever sends asks for permits (`gate`):
each says from when on its mail may leave, and counts until one period after that mail's answer. If
Redis cannot count, each process goes on at a small part of the tightest limit (`_Alone`):
neither unlimited nor stopped for ever.
"""

import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from importlib import resources
from itertools import count
from typing import Any, Final

import redis
from django.utils.translation import gettext_noop

from delivery.limits import warm_up
from delivery.models import DomainLimit, SendingAccount
from delivery.processes import coordination
from subscribers.states import DomainGroup

HOUR_MS: Final = 3_600_000
ALONE_SHARE: Final = 0.02  # of the tightest rate, for each process while Redis is away
ALONE_FASTEST: Final = 1.0  # seconds between two mails then, at least
ALONE_SLOWEST: Final = 300.0
BELIEVED_SECONDS: Final = 30.0  # longer than a claim's lease: what is frozen until then stays here
_numbers: Final = count(1)

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
    "refusing": gettext_noop("a mailbox provider that refuses nearly everybody"),
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
        """How many may go at once after a pause: a quarter of a second's worth, two at least.

        Never more than ``permits`` in any stretch of the period's length, whatever this allows.
        """
        return max(2.0, self.permits * 250 / self.period_ms)

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
    """The script's answer: permits, or seconds until there may be some, and what decided.

    ``moments``: from when on each permit's mail may leave (time.monotonic()), in order.
    """

    permits: int
    wait: float = 0.0
    limit: str = ""
    moments: tuple[float, ...] = field(default=(), compare=False)


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


def new_hand() -> str:
    """Name somebody who holds permits, among all processes."""
    return f"{coordination.process_name()}:{next(_numbers)}"


def _key(account: int, group: int | None = None) -> str:
    lane = "" if group is None else f":to:{group}"
    return f"warta:throttle:{{{account}}}{lane}"


def _run(  # noqa: PLR0913 - what the script reads
    key: str,
    limits: Sequence[Limit],
    action: str,
    *,
    wanted: int = 0,
    ahead: float = 0.0,
    some: int = 1,
    hand: str = "",
    words: Collection[str] = (),
) -> Any:
    told = [word for limit in limits for word in limit.words]
    arguments = [action, wanted, ahead * 1000, some, hand, BELIEVED_SECONDS * 1000, len(words)]
    return coordination.script(_script())(keys=[key], args=[*arguments, *words, *told])


def permits(  # noqa: PLR0913 - what is asked for, by whom, under which limits
    account: int,
    limits: Sequence[Limit],
    wanted: int,
    *,
    group: int | None = None,
    ahead: float = 0.0,
    some: int = 1,
    hand: str = "",
) -> Grant:
    """Ask for permits under all these limits at once. Zero: only how long there will be none.

    ``group``: towards one mailbox provider. ``ahead``: how many seconds from now their moments may
    lie; ``some``: how many are worth waiting for, if there are none. They are ``hand``'s until
    `settle`; without a hand they count from now on.
    """
    key = _key(account, group)
    ask = partial(_run, key, limits, "ask", wanted=wanted, ahead=ahead, some=some, hand=hand)
    try:
        moments, wait, name, holders = ask()
        if not moments and wanted and holders:
            gone = _gone([holder.decode() for holder in holders])
            if gone:
                moments, wait, name, _ = ask(words=gone)
    except redis.RedisError:
        return _alone.permit(account, limits, wanted)
    now = time.monotonic()  # after the answer: no moment is too early for that
    return Grant(
        permits=len(moments),
        wait=int(wait) / 1000,
        limit=name.decode(),
        moments=tuple(now + int(moment) / 1_000_000 for moment in moments),
    )


def _gone(holders: Sequence[str]) -> list[str]:
    """Return those of these hands whose process has ended."""
    ended = coordination.gone({holder.partition(":")[0] for holder in holders})
    return [holder for holder in holders if holder.partition(":")[0] in ended]


def take(account: int, limits: Sequence[Limit], mails: int, *, hand: str) -> None:
    """Take permits whatever the limits say; they are ``hand``'s until `settle`.

    Raises:
        redis.RedisError: Redis is away.
    """
    _run(_key(account), limits, "take", wanted=mails, hand=hand)


def settle(  # noqa: PLR0913 - what is reported, by whom, under which limits
    account: int,
    limits: Sequence[Limit],
    hand: str,
    answers: Iterable[float],
    *,
    group: int | None = None,
    still: int = 0,
) -> None:
    """Have mails count from their answers on (time.monotonic()).

    ``still``: how many permits the hand keeps; the others were not used.

    Raises:
        redis.RedisError: Redis is away; the hand's permits count from when it is believed no more.
    """
    now = time.monotonic()
    ages = [f"{max(0.0, now - answer) * 1000:.3f}" for answer in answers]
    _run(_key(account, group), limits, "settle", wanted=still, hand=hand, words=ages)
