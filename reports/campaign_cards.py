"""A campaign with its ledger and engagement, for lists of campaigns."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Q

from accounts.models import Workspace
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from delivery.models import Message
from delivery.states import REASONS, MessageState
from reports.engagement import Engagement, engagement
from reports.ledger import Ledger, ledgers
from reports.recipients import attach_people

PAGE = 25
CHOSEN = ("include_lists", "include_segments")  # what a card says about its audience


@dataclass(frozen=True, kw_only=True)
class Card:
    """One campaign with what lists show of it."""

    campaign: Campaign
    ledger: Ledger
    engagement: Engagement


def cards(campaigns: Iterable[Campaign]) -> list[Card]:
    """Return cards for these campaigns, in two further queries however many there are."""
    found = list(campaigns)
    books = ledgers(campaign.pk for campaign in found)
    acted = engagement(campaign.pk for campaign in found)
    return [
        Card(campaign=campaign, ledger=books[campaign.pk], engagement=acted[campaign.pk])
        for campaign in found
    ]


def newest(workspace: Workspace, *, limit: int) -> list[Card]:
    """Return what runs, then what comes, then what was sent last; drafts only if there is room."""
    campaigns = Campaign.objects.filter(workspace=workspace).prefetch_related(*CHOSEN)
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


def status_counts(workspace: Workspace) -> dict[str, int]:
    """Return how many campaigns have each status."""
    rows = (
        Campaign.objects.filter(workspace=workspace).values_list("status").annotate(n=Count("pk"))
    )
    return dict(rows)


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
    before: int | None = None,
) -> CardPage:
    """Return campaigns, newest first, by key."""
    campaigns = Campaign.objects.filter(workspace=workspace).order_by("-id")
    if statuses:
        campaigns = campaigns.filter(status__in=list(statuses))
    if search:
        campaigns = campaigns.filter(
            Q(name__icontains=search) | Q(content__subject__icontains=search)
        )
    if before is not None:
        campaigns = campaigns.filter(pk__lt=before)
    rows = list(campaigns.prefetch_related(*CHOSEN)[: PAGE + 1])
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
