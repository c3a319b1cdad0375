"""A campaign's ledger as people see it: every recipient in one of a few states, adding up."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db.models import Sum
from django.utils.functional import cached_property

from delivery.models import MessageTally
from delivery.states import MessageState

# The order of the bar, everywhere. Claimed and handed-over messages are "to send" until recorded.
SHOWN = (
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
    """Counts by state; ``audience`` is their sum, so the parts always add up."""

    counts: Mapping[int, int]

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
    def skipped(self) -> int:
        """Left out with a reason."""
        return self.count(MessageState.SKIPPED)

    @cached_property
    def by_name(self) -> dict[str, int]:
        """Return the counts as the ledger bar takes them: {"sent": 12, "planned": 3, …}."""
        return {state.name.lower(): self.count(state) for state in SHOWN if self.count(state)}


def ledgers(campaign_ids: Iterable[int]) -> dict[int, Ledger]:
    """Return each campaign's ledger in one query over the tallies."""
    ids = list(campaign_ids)
    counts: dict[int, dict[int, int]] = {campaign_id: {} for campaign_id in ids}
    rows = (
        MessageTally.objects.filter(campaign_id__in=ids)
        .values_list("campaign_id", "state")
        .annotate(n=Sum("count"))
    )
    for campaign_id, state, count in rows:
        counts[campaign_id][state] = count
    return {campaign_id: Ledger(counts=by_state) for campaign_id, by_state in counts.items()}


def lanes(campaign_id: int) -> dict[int, Ledger]:
    """Return one campaign's ledgers by domain group."""
    counts: dict[int, dict[int, int]] = {}
    rows = (
        MessageTally.objects.filter(campaign_id=campaign_id)
        .values_list("domain_group", "state")
        .annotate(n=Sum("count"))
    )
    for group, state, count in rows:
        counts.setdefault(group, {})[state] = count
    return {group: Ledger(counts=by_state) for group, by_state in counts.items()}
