"""A campaign's ledger as people see it: every recipient in one state, adding up to the audience.

Read from the maintained tallies, never by counting messages; pages, lists, reports, the API and the
commands all read it here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import redis
from django.db.models import F, Q, Sum

from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from delivery.models import Claim, Message, MessageTally
from delivery.pipeline import journal
from delivery.states import LEFT_AS, ClaimState, MessageState, Reason
from subscribers.states import DomainGroup

# The order of the bar, everywhere. Claimed and handed-over messages are "to send" until recorded.
SHOWN: Final = (
    MessageState.SENT,
    MessageState.DEFERRED,
    MessageState.FAILED,
    MessageState.UNKNOWN,
    MessageState.SKIPPED,
    MessageState.CANCELLED,
    MessageState.PLANNED,
)


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """Counts by state; ``audience`` is their sum, so the parts always add up.

    ``reasons`` says why, for every state that has reasons. ``lanes`` holds the same by mailbox
    provider, if it was asked for.
    """

    counts: Mapping[MessageState, int]
    reasons: Mapping[Reason, int] = field(default_factory=dict)
    lanes: Mapping[DomainGroup, "Ledger"] = field(default_factory=dict)

    @cached_property
    def audience(self) -> int:
        """Everybody the campaign accounts for."""
        return sum(self.counts.values())

    @property
    def addressed(self) -> int:
        """Everybody who was to get it: the audience without those left out."""
        return self.audience - self.skipped - self.count(MessageState.CANCELLED)

    def count(self, state: MessageState) -> int:
        """Return how many messages are in this state."""
        return self.counts.get(state, 0)

    @property
    def sent(self) -> int:
        """Accepted by the server."""
        return self.count(MessageState.SENT)

    @property
    def to_send(self) -> int:
        """Still planned."""
        return self.count(MessageState.PLANNED)

    @property
    def deferred(self) -> int:
        """Waiting to retry."""
        return self.count(MessageState.DEFERRED)

    @property
    def failed(self) -> int:
        """Refused or given up."""
        return self.count(MessageState.FAILED)

    @property
    def unknown(self) -> int:
        """May have been delivered."""
        return self.count(MessageState.UNKNOWN)

    @property
    def undecided(self) -> int:
        """Unknown, and nobody has decided about them yet."""
        return sum(self.reasons.get(reason, 0) for reason in LEFT_AS)

    @property
    def skipped(self) -> int:
        """Left out with a reason."""
        return self.count(MessageState.SKIPPED)

    @cached_property
    def by_name(self) -> dict[str, int]:
        """Return the counts as the ledger bar takes them: {"sent": 12, "planned": 3, …}."""
        return {state.name.lower(): self.count(state) for state in SHOWN if self.count(state)}


Row = tuple[int, int, int]  # state, reason, count


def _book(rows: Iterable[Row], lanes: Mapping[DomainGroup, Ledger] | None = None) -> Ledger:
    counts: dict[MessageState, int] = {}
    reasons: dict[Reason, int] = {}
    for state, reason, count in rows:
        counts[MessageState(state)] = counts.get(MessageState(state), 0) + count
        if reason and count:
            reasons[Reason(reason)] = reasons.get(Reason(reason), 0) + count
    return Ledger(counts=counts, reasons=reasons, lanes=lanes or {})


def of_all(campaign_ids: Iterable[int]) -> dict[int, Ledger]:
    """Return each campaign's ledger, without lanes, in one query over the tallies."""
    found: dict[int, list[Row]] = {campaign_id: [] for campaign_id in campaign_ids}
    rows = (
        MessageTally.objects.filter(campaign_id__in=list(found))
        .values_list("campaign_id", "state", "reason")
        .annotate(n=Sum("count"))
    )
    for campaign_id, *row in rows:
        found[campaign_id].append(tuple(row))
    return {campaign_id: _book(mine) for campaign_id, mine in found.items()}


def of(campaign: Campaign) -> Ledger:
    """Return a campaign's ledger with its lanes, in one query over the tallies."""
    return with_lanes([campaign.pk])[campaign.pk]


def with_lanes(campaign_ids: Iterable[int]) -> dict[int, Ledger]:
    """Return each campaign's ledger with its lanes, in one query over the tallies."""
    found: dict[int, dict[DomainGroup, list[Row]]] = {key: {} for key in campaign_ids}
    rows = (
        MessageTally.objects.filter(campaign_id__in=list(found))
        .values_list("campaign_id", "domain_group", "state", "reason")
        .annotate(n=Sum("count"))
    )
    for campaign_id, group, *row in rows:
        found[campaign_id].setdefault(DomainGroup(group), []).append(tuple(row))
    return {key: _with_lanes(by_group) for key, by_group in found.items()}


def _with_lanes(by_group: Mapping[DomainGroup, list[Row]]) -> Ledger:
    lanes = {group: _book(mine) for group, mine in by_group.items()}
    return _book((row for mine in by_group.values() for row in mine), lanes)


def by_every_state(campaign: Campaign, ledger: Ledger) -> dict[MessageState, int]:
    """Return the counts of all states, also those not written down; they add up to the audience.

    Which of the planned messages are claimed or handed over follows from the few held claims and
    their journals (two more queries, bounded by the claims).
    """
    states = {state: ledger.count(state) for state in MessageState}
    planned = states[MessageState.PLANNED]
    if planned <= 0 or campaign.status not in {CampaignStatus.SENDING, CampaignStatus.PAUSED}:
        return states
    held = list(
        Claim.objects.filter(campaign=campaign, state=ClaimState.HELD).values_list(
            "token", "first_message", "last_message", "messages", "attempt"
        )
    )
    if not held:
        return states
    own = Q()
    for _token, first, last, messages, attempt in held:
        which = Q(pk__in=messages) if messages is not None else Q(pk__gte=first, pk__lte=last)
        own |= which & Q(attempts=attempt)
    messages_held = Message.objects.annotate(of=F("campaign_id") + 0).filter(  # by their own key
        own, of=campaign.pk, state=MessageState.PLANNED
    )
    claimed = min(messages_held.count(), planned)
    try:
        handed_over = min(claimed, journal.handed_over(token for token, *_ in held))
    except redis.RedisError:
        handed_over = 0
    states[MessageState.PLANNED] = planned - claimed
    states[MessageState.CLAIMED] = claimed - handed_over
    states[MessageState.HANDED_OVER] = handed_over
    return states
