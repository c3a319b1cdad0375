"""Whether a campaign went to as many people as somebody said "send" to."""

from dataclasses import dataclass

from campaigns.models import Campaign
from delivery.figures.ledgers import Ledger

A_LITTLE = 0.02  # of the number confirmed; people join and leave all the time
FEW = 5  # people


@dataclass(frozen=True, kw_only=True)
class AudienceDifference:
    """How many were to get it when it was confirmed, and how many are to get it in truth."""

    expected: int
    planned: int


def difference(campaign: Campaign, ledger: Ledger) -> AudienceDifference | None:
    """Compare a wholly planned campaign with what was confirmed; None: (nearly) the same."""
    if campaign.expected is None or campaign.started_at is None:
        return None
    planned = ledger.audience - ledger.skipped
    if abs(planned - campaign.expected) <= max(FEW, A_LITTLE * campaign.expected):
        return None
    return AudienceDifference(expected=campaign.expected, planned=planned)
