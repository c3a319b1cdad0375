"""What can be chosen for a draft besides its content: its name, its audience, its tracking."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from subscribers.models import MailingList, Segment


@transaction.atomic
def choose_audience(
    campaign: Campaign,
    *,
    include: Sequence[MailingList],
    exclude: Sequence[MailingList],
    include_segments: Sequence[Segment] = (),
    exclude_segments: Sequence[Segment] = (),
) -> bool:
    """Set the lists and segments of a draft; returns False when it is no draft any more."""
    won = _change(campaign)
    if won:
        campaign.include_lists.set(include)
        campaign.exclude_lists.set(exclude)
        campaign.include_segments.set(include_segments)
        campaign.exclude_segments.set(exclude_segments)
    return won


def choose_tracking(campaign: Campaign, *, opens: bool, clicks: bool, mode: str = "") -> bool:
    """Set what is tracked, and how; returns False when it is no draft any more.

    ``mode`` is one of `TrackingMode`, "" for the workspace's.
    """
    return _change(campaign, track_opens=opens, track_clicks=clicks, tracking_mode=mode)


def rename(campaign: Campaign, *, name: str) -> bool:
    """Give a campaign another name (members see it, subscribers don't), whatever its status."""
    campaign.name = name
    campaign.save(update_fields=["name", "updated_at"])
    return True


def _change(campaign: Campaign, **changes: Any) -> bool:
    changes["updated_at"] = timezone.now()
    won = Campaign.objects.filter(pk=campaign.pk, status=CampaignStatus.DRAFT).update(**changes)
    if won:
        for field, value in changes.items():
            setattr(campaign, field, value)
    return bool(won)
