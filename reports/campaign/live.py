"""A campaign while it is being sent: everything that its page renews every other second.

A constant number of small queries over tallies, minutes and claims, however many people there are.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Sum
from django.utils import timezone

from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from delivery.figures import ledgers, running
from delivery.figures.ledgers import Ledger
from delivery.health import diagnosis
from delivery.health.causes import Cause, Diagnosis
from delivery.models import Dispatch, DomainLimit, SendMinute
from delivery.states import Reason
from subscribers.states import DomainGroup

WINDOW = 10  # minutes that the chart shows
TOO_EARLY = timedelta(seconds=10)  # a rate over less than this says little about the rest


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

    @property
    def is_slowed(self) -> bool:
        """Whether the provider asked us to slow down, and mails wait for that."""
        return self.ledger.reasons.get(Reason.THROTTLED_BY_SERVER, 0) > 0


@dataclass(frozen=True, kw_only=True)
class ServerAnswer:
    """What a server said about mails that wait or failed, and when it said so last."""

    text: str
    reason: Reason
    groups: list[DomainGroup]
    at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Live:
    """What the page shows of a campaign now.

    ``is_counting``: planning goes on, so the audience is still growing. ``next_slot``: when a limit
    lets mail go again. ``unfilled``: the subscriber whose mail could
    not be filled in when that paused the campaign.
    """

    ledger: Ledger
    is_counting: bool
    diagnosis: Diagnosis
    minutes: list[Minute]
    lanes: list[Lane]
    answers: list[ServerAnswer]
    messages_per_second: float
    time_left: timedelta | None
    next_slot: datetime | None
    unfilled: int | None


def now(campaign: Campaign) -> Live:
    """Read everything about a campaign that changes while it is sent."""
    ledger = ledgers.of(campaign)
    speed = running.messages_per_second(campaign)
    found = diagnosis.explain(campaign, ledger=ledger, speed=speed)
    sending = campaign.status == CampaignStatus.SENDING
    is_counting = _is_counting(campaign)
    return Live(
        ledger=ledger,
        is_counting=is_counting,
        diagnosis=found,
        minutes=minutes(campaign),
        lanes=campaign_lanes(campaign, ledger),
        answers=[
            ServerAnswer(text=text, reason=reason, groups=list(map(DomainGroup, groups)), at=at)
            for text, reason, groups, at in running.last_errors(campaign)
        ],
        messages_per_second=speed,
        time_left=_time_left(campaign, ledger, speed, is_counting=is_counting) if sending else None,
        next_slot=found.until if found.cause is Cause.THROTTLED else None,
        unfilled=_unfilled(campaign),
    )


def _time_left(
    campaign: Campaign, ledger: Ledger, speed: float, *, is_counting: bool
) -> timedelta | None:
    """Estimate how long the rest takes; None while nothing can be known about it.

    While people are still being counted, those who were confirmed count, not the few counted yet.
    """
    begun = campaign.started_at
    if not speed or begun is None or timezone.now() - begun < TOO_EARLY:
        return None
    left = ledger.to_send
    if is_counting:
        done = ledger.addressed - ledger.to_send
        left = max(left, (campaign.expected or 0) - done)
    return timedelta(seconds=round(left / speed))


def _is_counting(campaign: Campaign) -> bool:
    if campaign.status not in {CampaignStatus.SENDING, CampaignStatus.PAUSED}:
        return False
    return Dispatch.objects.filter(campaign=campaign, planning_done_at=None).exists()


def _unfilled(campaign: Campaign) -> int | None:
    if campaign.status != CampaignStatus.PAUSED:
        return None
    paused_by_it = Dispatch.objects.filter(campaign=campaign, unfilled_at=campaign.paused_at)
    return paused_by_it.values_list("unfilled_subscriber", flat=True).first()


def minutes(campaign: Campaign) -> list[Minute]:
    """Return the last ten minutes in which the campaign did something, empty ones between kept."""
    last = (
        SendMinute.objects.filter(campaign=campaign)
        .order_by("-minute")
        .values_list("minute", flat=True)
        .first()
    )
    if last is None:
        return []
    now = timezone.now().replace(second=0, microsecond=0)
    end = max(last, now) if campaign.finished_at is None else last
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


def campaign_lanes(campaign: Campaign, ledger: Ledger) -> list[Lane]:
    """Return the campaign's lanes, the largest first and "others" last."""
    now = timezone.now()
    since = now.replace(second=0, microsecond=0) - running.WINDOW
    elapsed = max((now - max(since, campaign.started_at or since)).total_seconds(), 1.0)
    rates = dict(
        SendMinute.objects.filter(campaign=campaign, minute__gte=since)
        .values_list("domain_group")
        .annotate(n=Sum("sent"))
    )
    limits = dict(
        DomainLimit.objects.filter(account__dispatches__campaign=campaign).values_list(
            "domain_group", "per_minute"
        )
    )
    found = [
        Lane(
            group=group,
            ledger=book,
            per_second=rates.get(group, 0) / elapsed,
            limit=limits.get(group),
        )
        for group, book in ledger.lanes.items()
    ]
    return sorted(found, key=lambda lane: (lane.group == DomainGroup.OTHER, -lane.ledger.audience))
