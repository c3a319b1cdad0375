"""Which campaigns use a segment, for whoever wants to change or delete it."""

from collections.abc import Iterator

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from subscribers.models import Segment
from subscribers.segments.usage import Place

# Who gets them is settled, or nobody will: the segment may go.
OVER = frozenset({CampaignStatus.SENT, CampaignStatus.CANCELLED})


def campaigns_using(segment: Segment) -> Iterator[Place]:
    """Yield the campaigns whose audience names this segment, newest first.

    A draft holds it, too: without its segment it would go to everybody of its lists.
    """
    using = Campaign.objects.filter(
        Q(include_segments=segment) | Q(exclude_segments=segment),
        workspace_id=segment.workspace_id,
    )
    for campaign in using.distinct().order_by("-pk"):
        yield Place(
            kind=_("Campaign"),
            name=campaign.name,
            url=reverse("campaign_open", args=[campaign.pk]),
            holds=campaign.status not in OVER,
        )
