"""A campaign while it is being sent: rates by minute and lane, from what `record` kept."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Sum
from django.utils import timezone

from campaigns.models import Campaign
from delivery.models import DomainLimit, SendMinute
from reports.ledger import Ledger, lanes
from subscribers.states import DomainGroup

WINDOW = 10  # minutes that the chart shows


@dataclass(frozen=True, kw_only=True)
class Minute:
    """What left in one minute: Gmail's lane, all others, and what was asked to wait."""

    at: datetime
    gmail: int
    others: int
    deferred: int


@dataclass(frozen=True, kw_only=True)
class Lane:
    """One mailbox provider's share of a campaign; ``per_second`` over the last minutes."""

    group: DomainGroup
    ledger: Ledger
    per_second: float
    limit: int | None


def minutes(campaign: Campaign, *, now: datetime | None = None) -> list[Minute]:
    """Return the last ten minutes in which the campaign did something, empty ones between kept."""
    now = now or timezone.now()
    last = (
        SendMinute.objects.filter(campaign=campaign)
        .order_by("-minute")
        .values_list("minute", flat=True)
        .first()
    )
    if last is None:
        return []
    end = max(last, now.replace(second=0, microsecond=0)) if campaign.finished_at is None else last
    start = end - timedelta(minutes=WINDOW - 1)
    sums: dict[datetime, list[int]] = defaultdict(lambda: [0, 0, 0])
    rows = (
        SendMinute.objects.filter(campaign=campaign, minute__gte=start)
        .values_list("minute", "domain_group")
        .annotate(n=Sum("sent"), later=Sum("deferred"))
    )
    for minute, group, sent, deferred in rows:
        sums[minute][0 if group == DomainGroup.GMAIL else 1] += sent
        sums[minute][2] += deferred
    return [
        Minute(at=at, gmail=sums[at][0], others=sums[at][1], deferred=sums[at][2])
        for at in (start + timedelta(minutes=step) for step in range(WINDOW))
    ]


def campaign_lanes(campaign: Campaign, *, now: datetime | None = None) -> list[Lane]:
    """Return the campaign's lanes, the largest first and "others" last."""
    now = now or timezone.now()
    since = now.replace(second=0, microsecond=0) - timedelta(minutes=1)
    begun = max(since, campaign.started_at or since)
    elapsed = max((now - begun).total_seconds(), 1.0)
    rates = dict(
        SendMinute.objects.filter(campaign=campaign, minute__gte=since)
        .values_list("domain_group")
        .annotate(n=Sum("sent"))
    )
    account_id = getattr(getattr(campaign, "dispatch", None), "account_id", None)
    limits = dict(
        DomainLimit.objects.filter(account_id=account_id).values_list("domain_group", "per_minute")
    )
    found = [
        Lane(
            group=DomainGroup(group),
            ledger=book,
            per_second=rates.get(group, 0) / elapsed,
            limit=limits.get(group),
        )
        for group, book in lanes(campaign.pk).items()
    ]
    return sorted(found, key=lambda lane: (lane.group == DomainGroup.OTHER, -lane.ledger.audience))
