"""The list of campaigns and the list of reports, with their ledgers."""

from django.http import HttpResponse
from django.shortcuts import render

from accounts.access.permissions import MemberRequest, member
from accounts.input.numbers import row_number
from accounts.roles import Permission
from campaigns.states import OVER, CampaignStatus
from delivery.health import diagnosis
from reports.campaign import cards

MOVING, WAITING = 3, 30  # seconds
TABS: dict[str, tuple[CampaignStatus, ...]] = {
    "": (),
    "draft": (CampaignStatus.DRAFT,),
    "scheduled": (CampaignStatus.SCHEDULED,),
    "sending": (CampaignStatus.SENDING,),
    "paused": (CampaignStatus.PAUSED,),
    "sent": (CampaignStatus.SENT,),
    "cancelled": (CampaignStatus.CANCELLED,),
    "archived": (),
}


def key(request: MemberRequest, name: str) -> int | None:
    """Read a page's key from the address; anything but a number counts as none."""
    return row_number(request.GET.get(name, ""))


@member(Permission.VIEW)
def campaign_list(request: MemberRequest) -> HttpResponse:
    """Show campaigns by status with live progress; htmx asks for the rows alone."""
    tab = request.GET.get("status", "")
    tab = tab if tab in TABS else ""
    search = request.GET.get("q", "").strip()[:200]
    before = key(request, "before")
    page = cards.page(
        request.workspace,
        statuses=TABS[tab],
        search=search,
        archived=tab == "archived",
        before=before,
    )
    context = {
        "page": page,
        "tab": tab,
        "tabs": list(TABS),
        "counts": cards.status_counts(request.workspace),
        "search": search,
        "before": before,
        "pace": _pace(page),
    }
    template = "reports/campaign_rows.html" if request.GET.get("rows") else "reports/campaigns.html"
    return render(request, template, context)


def _pace(page: cards.CardPage) -> int | None:
    """Say every how many seconds the rows are renewed: often while something moves."""
    campaigns = [card.campaign for card in page.cards]
    if any(
        campaign.status == CampaignStatus.SENDING or diagnosis.is_about_to_start(campaign)
        for campaign in campaigns
    ):
        return MOVING
    waits = any(
        campaign.status in (CampaignStatus.SCHEDULED, CampaignStatus.PAUSED)
        for campaign in campaigns
    )
    return WAITING if waits else None


@member(Permission.VIEW)
def report_list(request: MemberRequest) -> HttpResponse:
    """Show finished campaigns side by side."""
    page = cards.page(
        request.workspace,
        statuses=tuple(OVER),
        before=key(request, "before"),
    )
    return render(request, "reports/reports.html", {"page": page})
