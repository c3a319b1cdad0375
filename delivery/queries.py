"""Figures of a send for its pages, commands and the API: cheap, and adding up to the audience.

Counts come from the maintained tallies, never from counting messages; what is claimed and handed
over is worked out from the few held claims and their journals.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import redis
from django.db.models import F, Q, QuerySet, Sum
from django.utils import timezone

from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from delivery import journal
from delivery.models import Claim, Message, MessageTally, SendMinute
from delivery.states import REASONS, STORED_STATES, ClaimState, MessageState, Reason
from subscribers.states import DomainGroup

WINDOW: Final = timedelta(minutes=1)  # a rate "now" looks back this far


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """How a send's messages stand; ``states`` holds every state and adds up to ``audience``."""

    states: dict[MessageState, int]
    reasons: dict[Reason, int]

    @property
    def audience(self) -> int:
        """How many messages there are in all."""
        return sum(self.states.values())

    @property
    def to_send(self) -> int:
        """How many are still to be sent or tried again."""
        return sum(self.states[state] for state in _STILL_OPEN)

    @property
    def unsettled(self) -> int:
        """How many are unknown and wait for a person's decision."""
        return self.reasons.get(Reason.NO_REPLY, 0) + self.reasons.get(Reason.JOURNAL_LOST, 0)


_STILL_OPEN: Final = (
    MessageState.PLANNED,
    MessageState.CLAIMED,
    MessageState.HANDED_OVER,
    MessageState.DEFERRED,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Lane:
    """How the mail to one mailbox provider stands."""

    group: DomainGroup
    states: dict[MessageState, int]

    @property
    def audience(self) -> int:
        """How many messages go to it in all."""
        return sum(self.states.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class Minute:
    """What happened in one minute of a send."""

    at: datetime
    sent: int
    deferred: int
    failed: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Live:
    """Everything that a page about a running send shows."""

    figures: Figures
    lanes: list[Lane]
    minutes: list[Minute]
    messages_per_second: float
    time_left: timedelta | None
    errors: list[tuple[str, int]] = field(default_factory=list)


def _count(rows: Iterable[tuple[int, int, int]]) -> dict[MessageState, int]:
    states = dict.fromkeys(MessageState, 0)
    for state, _reason, count in rows:
        states[MessageState(state)] += count
    return states


def tallies(campaigns: Iterable[int]) -> dict[int, dict[MessageState, int]]:
    """Return the stored states of several campaigns' messages (one query), for lists of campaigns.

    Claimed and handed over are counted as planned here.
    """
    found: dict[int, dict[MessageState, int]] = {}
    rows = (
        MessageTally.objects.filter(campaign_id__in=list(campaigns))
        .values_list("campaign_id", "state")
        .annotate(total=Sum("count"))
    )
    for campaign, state, total in rows:
        states = found.setdefault(campaign, dict.fromkeys(STORED_STATES, 0))
        states[MessageState(state)] += total
    return found


def figures(campaign: Campaign) -> Figures:
    """Return how a campaign's messages stand now (three small queries)."""
    rows = list(
        MessageTally.objects.filter(campaign=campaign)
        .values_list("state", "reason")
        .annotate(total=Sum("count"))
    )
    states = _count(rows)
    reasons: dict[Reason, int] = defaultdict(int)
    for _state, reason, count in rows:
        if reason and count:
            reasons[Reason(reason)] += count
    _derive(campaign, states)
    return Figures(states=states, reasons=dict(reasons))


def _derive(campaign: Campaign, states: dict[MessageState, int]) -> None:
    """Say which of the planned messages are claimed or handed over; the sum stays the same."""
    planned = states[MessageState.PLANNED]
    if planned <= 0 or campaign.status not in {CampaignStatus.SENDING, CampaignStatus.PAUSED}:
        return
    held = list(
        Claim.objects.filter(campaign=campaign, state=ClaimState.HELD).values_list(
            "token", "first_message", "last_message", "messages", "attempt"
        )
    )
    if not held:
        return
    own = Q()
    for _token, first, last, messages, attempt in held:
        which = Q(pk__in=messages) if messages is not None else Q(pk__gte=first, pk__lte=last)
        own |= which & Q(attempts=attempt)
    messages_held = Message.objects.annotate(of=F("campaign_id") + 0).filter(  # by their own key
        own, of=campaign.pk, state=MessageState.PLANNED
    )
    claimed = messages_held.count()
    claimed = min(claimed, planned)
    try:
        handed_over = min(claimed, journal.handed_over(token for token, *_ in held))
    except redis.RedisError:
        handed_over = 0
    states[MessageState.PLANNED] = planned - claimed
    states[MessageState.CLAIMED] = claimed - handed_over
    states[MessageState.HANDED_OVER] = handed_over


def lanes(campaign: Campaign) -> list[Lane]:
    """Return how a campaign's mail stands by mailbox provider, largest first."""
    by_group: dict[int, dict[MessageState, int]] = {}
    rows = (
        MessageTally.objects.filter(campaign=campaign)
        .values_list("domain_group", "state")
        .annotate(total=Sum("count"))
    )
    for group, state, total in rows:
        states = by_group.setdefault(group, dict.fromkeys(MessageState, 0))
        states[MessageState(state)] += total
    found = [Lane(group=DomainGroup(group), states=states) for group, states in by_group.items()]
    return sorted(found, key=lambda lane: (-lane.audience, lane.group))


def minutes(campaign: Campaign, *, since: datetime | None = None) -> list[Minute]:
    """Return what happened minute by minute, oldest first; minutes without mail are left out."""
    rows = SendMinute.objects.filter(campaign=campaign)
    if since is not None:
        rows = rows.filter(minute__gte=since)
    return [
        Minute(at=at, sent=sent, deferred=deferred, failed=failed)
        for at, sent, deferred, failed in rows.values_list("minute")
        .annotate(Sum("sent"), Sum("deferred"), Sum("failed"))
        .order_by("minute")
    ]


def messages_per_second(campaign: Campaign) -> float:
    """Return how fast a campaign goes now, or how fast it went if it is over."""
    if campaign.started_at is None:
        return 0.0
    now = timezone.now()
    rows = SendMinute.objects.filter(campaign=campaign)
    if campaign.status == CampaignStatus.SENDING:
        begin = max(campaign.started_at, now.replace(second=0, microsecond=0) - WINDOW)
        rows = rows.filter(minute__gte=begin.replace(second=0, microsecond=0))
        end = now
    elif campaign.finished_at is not None:
        begin, end = campaign.started_at, campaign.finished_at
    else:
        return 0.0
    attempts = rows.aggregate(n=Sum(F("sent") + F("deferred") + F("failed")))["n"] or 0
    seconds = (end - begin).total_seconds()
    return round(attempts / seconds, 1) if seconds > 0 else 0.0


def live(campaign: Campaign) -> Live:
    """Return everything that the page of a running send shows (about seven small queries)."""
    now = figures(campaign)
    speed = messages_per_second(campaign)
    left = None
    if campaign.status == CampaignStatus.SENDING and speed > 0:
        left = timedelta(seconds=round((now.to_send - now.states[MessageState.DEFERRED]) / speed))
    return Live(
        figures=now,
        lanes=lanes(campaign),
        minutes=minutes(campaign),
        messages_per_second=speed,
        time_left=left,
        errors=errors(campaign),
    )


def errors(campaign: Campaign, *, most: int = 5) -> list[tuple[str, int]]:
    """Return what servers said last about mails that were deferred or failed, and how often.

    Looks at the newest thousand exceptions, not at all of them.
    """
    newest = (
        exceptions(campaign, MessageState.FAILED, MessageState.DEFERRED)
        .filter(reply__isnull=False)
        .order_by("-reason", "-id")
        .values_list("reply__code", "reply__enhanced", "reply__text")[:1000]
    )
    counts: dict[str, int] = defaultdict(int)
    for code, enhanced, text in newest:
        counts[f"{code or ''} {enhanced} {text}".strip()] += 1
    return sorted(counts.items(), key=lambda pair: -pair[1])[:most]


def exceptions(campaign: Campaign, *states: MessageState) -> QuerySet[Message]:
    """Return a campaign's messages in states other than planned and sent, by their index."""
    reasons = [reason for state in states for reason in REASONS[state]]
    return Message.objects.filter(campaign=campaign, reason__in=reasons, state__in=states)
