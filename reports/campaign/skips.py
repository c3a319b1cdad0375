"""Why people were left out, refused, or left: counts by reason."""

from dataclasses import dataclass

from django.db.models import Count

from campaigns.models import Campaign
from delivery.figures.ledgers import Ledger
from delivery.models import UnsubscribeReason
from delivery.states import REASONS, MessageState, Reason


@dataclass(frozen=True, kw_only=True)
class ReasonCount:
    """How many messages are in a state for a reason."""

    state: MessageState
    reason: Reason
    count: int


def by_reason(ledger: Ledger) -> list[ReasonCount]:
    """Return the reasons of skipped, failed, deferred and unknown messages, most frequent first."""
    found = [
        ReasonCount(state=state, reason=reason, count=count)
        for reason, count in ledger.reasons.items()
        for state, reasons in REASONS.items()
        if reason in reasons and count > 0
    ]
    return sorted(found, key=lambda row: (-row.count, row.reason))


def unsubscribe_words(campaign: Campaign, *, most: int = 20) -> list[str]:
    """Return the newest of what people wrote in their own words when they left."""
    rows = UnsubscribeReason.objects.filter(campaign=campaign).exclude(words="").order_by("-at")
    return list(rows.values_list("words", flat=True)[:most])


def unsubscribe_reasons(campaign: Campaign) -> list[tuple[str, int]]:
    """Return what people answered when asked why they left, most frequent first."""
    rows = (
        UnsubscribeReason.objects.filter(campaign=campaign)
        .values_list("answer")
        .annotate(n=Count("pk"))
        .order_by("-n")
    )
    return [(str(UnsubscribeReason.Answer(answer).label), count) for answer, count in rows]
