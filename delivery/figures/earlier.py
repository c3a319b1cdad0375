"""Letters that went out before, or are on their way: what campaigns ask of the ledger."""

from collections.abc import Sequence
from typing import Final

from django.db.models import Q, Sum

from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from delivery.states import OPEN_STATES, MessageState

_ARRIVED: Final = (MessageState.SENT, MessageState.UNKNOWN)  # as far as anybody knows
# A weekly letter that leaves at nine must not miss those who got the last one at five past: half a
# day is forgiven. Asked of few people only, by the index of their messages.
_WANTS_FEWER: Final = f"""(person.frequency > 0 AND EXISTS (
    SELECT FROM delivery_message AS letter
    WHERE letter.subscriber_id = person.id AND letter.campaign_id <> %(campaign)s
        AND (
            letter.state IN ({", ".join(str(state.value) for state in _ARRIVED)})
            AND letter.attempted_at
                > %(now)s::timestamptz - person.frequency * interval '1 day' + interval '12 hours'
            OR letter.state IN ({", ".join(str(state.value) for state in sorted(OPEN_STATES))})
            {{earlier}} AND EXISTS (
                SELECT FROM campaigns_campaign AS other
                WHERE other.id = letter.campaign_id
                    AND other.status = '{CampaignStatus.SENDING.value}')
        )
))"""  # noqa: S608 - the numbers are ours


def wants_fewer(earlier_than: str) -> str:
    """Return the SQL condition that `campaigns.audience.eligibility.wants_fewer` describes."""
    return _WANTS_FEWER.format(earlier=f"AND letter.id < {earlier_than}" if earlier_than else "")


def sizes(workspace: int, newest: int) -> Sequence[int]:
    """Return to how many people each of the newest finished campaigns went, newest first."""
    went = ~Q(tallies__state=MessageState.SKIPPED)
    return [
        size or 0
        for size in Campaign.objects.filter(workspace_id=workspace, status=CampaignStatus.SENT)
        .order_by("-pk")
        .annotate(size=Sum("tallies__count", filter=went))
        .values_list("size", flat=True)[:newest]
    ]
