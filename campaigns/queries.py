"""Reads for the editor: lists with their counts, people to preview as, templates in use."""

from collections.abc import Iterable
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, F, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from accounts.models import Workspace
from campaigns.models import Campaign, Template, WorkspaceTracking
from campaigns.states import CampaignStatus, TrackingMode
from subscribers.models import MailingList, Segment, Subscriber
from subscribers.people import search as searching
from subscribers.states import SubscriptionStatus

PEOPLE_SHOWN = 8


def lists(
    workspace: Workspace, *, archived: bool = False, chosen: Iterable[int] = ()
) -> QuerySet[MailingList]:
    """Return the workspace's lists in use, each with ``subscribed``: how many can get mail.

    ``archived``: those no longer in use, too. ``chosen``: ids of those to return in any case, so
    that what was chosen neither drops out unseen nor stays in unseen.
    """
    subscribed = Q(tallies__status=SubscriptionStatus.SUBSCRIBED)
    found = MailingList.objects.filter(workspace=workspace)
    if not archived:
        found = found.filter(Q(archived_at=None) | Q(pk__in=list(chosen)))
    return found.annotate(subscribed=Coalesce(Sum("tallies__count", filter=subscribed), 0))


def chosen(campaign: Campaign) -> dict[str, list[int]]:
    """Return the ids of the lists and segments that a campaign names, in one query."""
    chosen = {
        "include": _ids(Campaign.include_lists.through, "mailinglist_id"),
        "exclude": _ids(Campaign.exclude_lists.through, "mailinglist_id"),
        "include_segments": _ids(Campaign.include_segments.through, "segment_id"),
        "exclude_segments": _ids(Campaign.exclude_segments.through, "segment_id"),
    }
    found = Campaign.objects.filter(pk=campaign.pk).values_list(*chosen.values()).get()
    return dict(zip(chosen, found, strict=True))


def _ids(through: Any, column: str) -> ArraySubquery:
    rows = through.objects.filter(campaign_id=OuterRef("pk")).order_by(column)
    return ArraySubquery(rows.values(column))


def segments(workspace: Workspace) -> QuerySet[Segment]:
    """Return the workspace's segments, each with ``count``: how many fitted it when last asked."""
    return Segment.objects.filter(workspace=workspace).order_by("name")


def people(workspace: Workspace, search: str) -> QuerySet[Subscriber]:
    """Find people to preview a mail as, newest first, by any part of their name or address."""
    found = Subscriber.objects.filter(workspace=workspace).order_by("-pk")
    if searching.words(search):
        keys = searching.keys(workspace.pk, search, limit=PEOPLE_SHOWN)
        return found.filter(pk__in=keys)
    return found[:PEOPLE_SHOWN]


def templates(workspace: Workspace) -> QuerySet[Template]:
    """Return the workspace's templates, the default first, with ``used``: campaigns not sent yet.

    What counts is the version that a campaign has now, not those that were put away.
    """
    open_ones = Q(
        contents__campaign__content=F("contents__pk"),
        contents__campaign__status__in=[CampaignStatus.DRAFT, CampaignStatus.SCHEDULED],
    )
    return (
        Template.objects.filter(workspace=workspace)
        .annotate(used=Count("contents__campaign", filter=open_ones, distinct=True))
        .order_by("-is_default", "name")
    )


def campaigns_using(template: Template) -> QuerySet[Campaign]:
    """Return every campaign whose current content stands in this template, newest first."""
    return Campaign.objects.filter(
        workspace_id=template.workspace_id, content__template=template
    ).order_by("-pk")


def tracking_of(workspace: Workspace) -> WorkspaceTracking:
    """Return how a workspace tracks; the defaults, not stored, where it chose nothing."""
    return _tracking_of(workspace.pk)


def tracking_of_campaign(campaign: Campaign) -> WorkspaceTracking:
    """Return how a campaign is tracked: as its workspace, but by its own mode if it has one."""
    tracking = _tracking_of(campaign.workspace_id)
    tracking.mode = campaign.tracking_mode or tracking.mode
    return tracking


def _tracking_of(workspace_id: int) -> WorkspaceTracking:
    found = WorkspaceTracking.objects.filter(workspace_id=workspace_id).first()
    return found or WorkspaceTracking(workspace_id=workspace_id)


def tracking_mode(campaign: Campaign) -> TrackingMode:
    """Return how much is noted of what readers do: the campaign's own mode, or its workspace's."""
    return TrackingMode(tracking_of_campaign(campaign).mode)


def tracking_url(workspace: Workspace) -> str:
    """Return what a workspace's links and pixels begin with, "" for the installation's address."""
    tracking = tracking_of(workspace)
    return f"https://{tracking.domain}" if tracking.domain_works_since else ""
