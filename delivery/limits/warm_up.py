"""Warm-up: a new sender begins slowly, so that mailbox providers get to know it.

The usual plan grows by 40 % a day, as SendGrid's automatic one does, from 200 mails on the first
day to about 170,000 on the twenty-first; Postmark's and iPost's guides lie around it. Days are the
workspace's. When the plan is over there is no ceiling any more.
"""

import math
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.utils import timezone

from accounts.workspaces import zones
from delivery.models import SendingAccount, WarmUp

FIRST_DAY: Final = 200
GROWTH: Final = 40  # percent a day
DAYS: Final = 21
MOST_DAYS: Final = 90
MOST: Final = 10_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Today:
    """Where a plan stands. ``number`` counts from 1; ``ceiling`` None: it is over or to come."""

    day: date
    number: int
    ceiling: int | None
    ends_at: datetime


def usual_plan(*, first: int = FIRST_DAY, growth: int = GROWTH, days: int = DAYS) -> list[int]:
    """Return a ceiling for each day, growing by ``growth`` percent, in round numbers."""
    return [_round(first * math.pow(1 + growth / 100, day)) for day in range(days)]


def _round(value: float) -> int:
    """Keep two digits: nobody plans 1,537 mails."""
    whole = round(value)
    step = 10 ** max(0, len(str(whole)) - 2)
    return min(MOST, int(round(whole / step) * step))


def today(account: SendingAccount, *, now: datetime | None = None) -> Today | None:
    """Return where an account's plan stands; None: it has none.

    Before the first day the ceiling is zero.
    """
    plan: WarmUp | None = getattr(account, "warm_up", None)
    return None if plan is None else stand(account, plan, now=now)


def stand(account: SendingAccount, plan: WarmUp, *, now: datetime | None = None) -> Today:
    """Return where a plan stands."""
    zone = zone_of(account)
    local = (now or timezone.now()).astimezone(zone)
    day = local.date()
    number = (day - plan.starts_on).days + 1
    tomorrow = datetime.combine(day + timedelta(days=1), time.min, tzinfo=zone)
    ceiling: int | None = None
    if number <= len(plan.ceilings):
        ceiling = plan.ceilings[number - 1] if number >= 1 else 0
    return Today(day=day, number=number, ceiling=ceiling, ends_at=tomorrow)


def zone_of(account: SendingAccount) -> ZoneInfo:
    """Return the time zone whose days count."""
    workspace = account.workspace if account.workspace_id else None
    return zones.first_known(workspace.time_zone if workspace else "")
