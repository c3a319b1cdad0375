"""A campaign with its ledger and engagement, for lists of campaigns."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from accounts.models import Workspace
from campaigns import queries
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from delivery.figures import ledgers
from delivery.figures.ledgers import Ledger
from delivery.models import Message
from delivery.states import REASONS, MessageState
from reports.campaign.engagement import UniqueEvents, engagement
from reports.campaign.recipients import attach_people
from subscribers.models import SubscriberTally

PAGE = 25


@dataclass(frozen=True, kw_only=True)
class Card:
    """One campaign with what lists show of it."""

    campaign: Campaign
    ledger: Ledger
    engagement: UniqueEvents

    @property
    def at_most(self) -> int:
        """How many people a campaign that has not begun could reach now: a bound, at no cost.

        As many as are subscribed to its lists, or, where segments choose among all lists, as many
        as there are. What a segment counted last is no bound: it may have grown since.
        """
        lists = self.campaign.include_lists.all()
        if not lists:
            everybody = getattr(self.campaign, "everybody", 0)
            return everybody if self.campaign.include_segments.all() else 0
        return sum(getattr(row, "subscribed", 0) for row in lists)


def cards(campaigns: Iterable[Campaign]) -> list[Card]:
    """Return cards for these campaigns, in two further queries however many there are."""
    found = list(campaigns)
    books = ledgers.of_all(campaign.pk for campaign in found)
    acted = engagement(campaign.pk for campaign in found)
    return [
        Card(campaign=campaign, ledger=books[campaign.pk], engagement=acted[campaign.pk])
        for campaign in found
    ]


def newest(workspace: Workspace, *, limit: int) -> list[Card]:
    """Return what runs, then what comes, then what was sent last; drafts only if there is room."""
    shown = Campaign.objects.filter(workspace=workspace, archived_at=None)
    campaigns = _with_audience(shown, workspace)
    order = (
        (CampaignStatus.SENDING, CampaignStatus.PAUSED),
        (CampaignStatus.SCHEDULED,),
        (CampaignStatus.SENT,),
        (CampaignStatus.DRAFT,),
    )
    found: list[Campaign] = []
    for statuses in order:
        room = limit - len(found)
        if room > 0:
            ranked = campaigns.filter(status__in=statuses)
            found += ranked.order_by("-finished_at", "send_at", "-id")[:room]
    return cards(found)


def _with_audience(campaigns: QuerySet[Campaign], workspace: Workspace) -> QuerySet[Campaign]:
    """Have what a card says about its campaign's audience read in two queries."""
    counted = Prefetch("include_lists", queryset=queries.lists(workspace, archived=True))
    tally = SubscriberTally.objects.filter(workspace=OuterRef("workspace")).values("count")
    return campaigns.annotate(everybody=Coalesce(Subquery(tally), 0)).prefetch_related(
        counted, "include_segments"
    )


def status_counts(workspace: Workspace) -> dict[str, int]:
    """Return how many campaigns have each status, and how many are "archived"."""
    rows = (
        Campaign.objects.filter(workspace=workspace)
        .annotate(is_archived=Q(archived_at__isnull=False))
        .values_list("status", "is_archived")
        .annotate(n=Count("pk"))
    )
    counts = {status: n for status, archived, n in rows if not archived}
    return counts | {"archived": sum(n for _status, archived, n in rows if archived)}


@dataclass(frozen=True, kw_only=True)
class CardPage:
    """One page of cards; ``next`` is the key of the page after it, or None."""

    cards: list[Card]
    next: int | None


def page(
    workspace: Workspace,
    *,
    statuses: Iterable[str] = (),
    search: str = "",
    archived: bool = False,
    before: int | None = None,
) -> CardPage:
    """Return campaigns, newest first, by key: those in use, or those that are archived."""
    campaigns = Campaign.objects.filter(
        workspace=workspace, archived_at__isnull=not archived
    ).order_by("-id")
    if statuses:
        campaigns = campaigns.filter(status__in=list(statuses))
    if search:
        campaigns = campaigns.filter(
            Q(name__icontains=search) | Q(content__subject__icontains=search)
        )
    if before is not None:
        campaigns = campaigns.filter(pk__lt=before)
    rows = list(_with_audience(campaigns, workspace)[: PAGE + 1])
    more = len(rows) > PAGE
    return CardPage(cards=cards(rows[:PAGE]), next=rows[PAGE - 1].pk if more else None)


def recent_failures(workspace: Workspace, *, limit: int) -> list[Message]:
    """Return the last failed messages of the newest campaigns, with their person and reply."""
    recent = list(
        Campaign.objects.filter(workspace=workspace, started_at__isnull=False)
        .order_by("-started_at")
        .values_list("pk", flat=True)[:3]
    )
    messages = list(
        Message.objects.filter(
            campaign_id__in=recent,
            reason__in=[int(reason) for reason in REASONS[MessageState.FAILED]],
        )
        .select_related("campaign", "reply")
        .order_by("-attempted_at")[:limit]
    )
    attach_people(messages)
    return messages
