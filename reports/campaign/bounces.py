"""What came back of a campaign: bounces by what they mean, complaints, confirmed deliveries."""

from dataclasses import dataclass

from django.db.models import Count, Q
from django.utils.translation import gettext as _

from campaigns.models import Campaign
from delivery.models import Event
from delivery.states import EventKind, MessageState
from reports.campaign.recipients import BOUNCED


@dataclass(frozen=True, kw_only=True)
class BounceCount:
    """How many mails came back, or were refused, for a kind of reason; ``state`` filters people."""

    state: str
    label: str
    note: str
    count: int


def by_effect(campaign: Campaign) -> list[BounceCount]:
    """Return the kinds of bounces there are, in one query over the campaign's bounces."""
    came_back = Q(message__bounced_at__isnull=False) | Q(message__state=MessageState.FAILED)
    rows = (
        Event.objects.filter(campaign=campaign, kind=EventKind.BOUNCED)
        .filter(came_back)
        .aggregate(
            **{
                state: Count("message_id", filter=Q(effect__in=found), distinct=True)
                for state, found in BOUNCED.items()
            }
        )
    )
    words = {
        "bounced_hard": (_("Hard bounces"), _("the address does not exist")),
        "bounced_soft": (_("Soft bounces"), _("mailbox full, switched off or in trouble")),
        "bounced_blocked": (_("Blocked"), _("for the sender or the content, not the person")),
    }
    return [
        BounceCount(state=state, label=label, note=note, count=rows[state])
        for state, (label, note) in words.items()
        if rows[state]
    ]
