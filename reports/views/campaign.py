"""One campaign: while it is being sent, how it went, and every recipient."""

import csv
from collections.abc import Iterator
from datetime import timedelta

from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.formats import date_format, time_format
from django.utils.text import slugify
from django.utils.translation import gettext as _

from accounts.access.permissions import MemberRequest, member
from accounts.access.rows import own
from accounts.roles import Permission
from campaigns import queries
from campaigns.checks import confirmation
from campaigns.models import Campaign
from campaigns.states import CampaignStatus, TrackingMode
from delivery.figures import ledgers
from delivery.health import diagnosis
from delivery.pipeline import settle
from delivery.states import EventKind, MessageState
from reports.campaign import bounces, expected, live, recipients, skips
from reports.campaign.engagement import curve, engagement, links
from reports.views.campaigns import key
from subscribers.imports.error_file import safe

MOVING, WAITING = 2, 10  # seconds after which the figures are renewed
FILTERS = (
    "", "sent", "deferred", "failed", "unknown", "skipped", "opened", "not_opened", "clicked",
    "unsubscribed", "cancelled", "planned", "delivered", "bounced", "bounced_hard", "bounced_soft",
    "bounced_blocked", "complained",
)  # fmt: skip
ACTS = ("opened", "not_opened", "clicked", "unsubscribed", "bounced", "complained")


def _find(request: MemberRequest, campaign_id: int) -> Campaign:
    return own(request, Campaign.objects.select_related("content", "paused_by"), campaign_id)


def _minutes_chart(shown: list[live.Minute]) -> dict[str, object] | None:
    if not shown:
        return None
    series = (
        (_("Gmail"), [minute.gmail for minute in shown], "sent"),
        (_("Others"), [minute.others for minute in shown], "sent-soft"),
        (_("Deferred"), [minute.deferred for minute in shown], "waiting"),
    )
    return {
        "kind": "stacked",
        "categories": [time_format(timezone.localtime(minute.at), "H:i") for minute in shown],
        "series": [{"name": name, "values": values, "tone": tone} for name, values, tone in series],
    }


def _people(
    request: MemberRequest, campaign: Campaign, ledger: ledgers.Ledger
) -> dict[str, object]:
    state = request.GET.get("state", "")
    state = state if state in FILTERS else ""
    search = request.GET.get("q", "").strip()[:320]
    page = recipients.page(
        campaign,
        state=state,
        search=search,
        after=key(request, "after"),
        before=key(request, "before"),
    )
    return {
        "page": page,
        "state": state,
        "search": search,
        "filters": _filters(campaign, ledger, chosen=state),
        "state_names": {one.value: one.name.lower() for one in MessageState},
        "undecided": settle.UNDECIDED,
    }


def _filters(campaign: Campaign, ledger: ledgers.Ledger, *, chosen: str) -> list[dict[str, object]]:
    """Return by what people may be filtered: what happened to somebody, and what people do."""
    words = {
        "": _("All"),
        "opened": _("Opened"),
        "not_opened": _("Not opened"),
        "clicked": _("Clicked"),
        "unsubscribed": _("Unsubscribed"),
        "delivered": _("Delivery confirmed"),
        "bounced": _("Bounced"),
        "bounced_hard": _("Hard bounces"),
        "bounced_soft": _("Soft bounces"),
        "bounced_blocked": _("Blocked"),
        "complained": _("Reported as spam"),
    }
    words |= {one.name.lower(): str(one.label) for one in MessageState}
    counts = ledger.by_name
    shown = {"", *(ACTS if campaign.started_at else ()), chosen, *filter(counts.get, counts)}
    return [
        {
            "label": words[name],
            "href": f"?state={name}#people",
            "active": name == chosen,
            "count": counts.get(name),
        }
        for name in FILTERS
        if name in shown
    ]


def _figures(campaign: Campaign, now: live.Live) -> dict[str, object]:
    """Return what the live page renews every other second: a constant number of small queries."""
    return {
        "campaign": campaign,
        "now": now,
        "ledger": now.ledger,
        "engagement": engagement([campaign.pk])[campaign.pk],
        "chart": _minutes_chart(now.minutes),
        "pace": WAITING if campaign.status == CampaignStatus.PAUSED else MOVING,
        "skips": skips.by_reason(now.ledger),
        "differs": None if now.is_counting else expected.difference(campaign, now.ledger),
    }


@member(Permission.VIEW)
def campaign_live(request: MemberRequest, campaign_id: int) -> HttpResponse:
    """Show a campaign while it waits, sends or is paused; the figures renew themselves."""
    campaign = _find(request, campaign_id)
    if campaign.status == CampaignStatus.DRAFT:
        return redirect("campaign_content", campaign.pk)
    if request.GET.get("part") == "figures":
        response = render(
            request, "reports/live_figures.html", _figures(campaign, live.now(campaign))
        )
        if request.GET.get("status") != campaign.status:
            # The page's buttons belong to another status by now: show it anew.
            response["HX-Refresh"] = "true"
        return response
    if campaign.status == CampaignStatus.SENT:
        return redirect("campaign_report", campaign.pk)
    is_waiting = campaign.status == CampaignStatus.SCHEDULED and not campaign.asks_since
    if is_waiting and not diagnosis.is_about_to_start(campaign):
        return redirect("campaign_review", campaign.pk)  # when, who, the email, and the ways back
    figures = live.now(campaign)
    context = {
        **_figures(campaign, figures),
        **_people(request, campaign, figures.ledger),
        "confirmed": "",
    }
    if campaign.status == CampaignStatus.PAUSED or campaign.asks_since:
        context["confirmed"] = confirmation.shown(campaign)
    return render(request, "reports/live.html", context)


def _curve_chart(campaign: Campaign) -> dict[str, object] | None:
    start = campaign.started_at
    if start is None:
        return None
    opened = curve(campaign, EventKind.OPENED, start=start)
    clicked = curve(campaign, EventKind.CLICKED, start=start)
    hours = int((timezone.now() - start) / timedelta(hours=1)) + 1

    def so_far(values: list[int]) -> list[int | None]:
        # What lies ahead is unknown, not zero.
        return [value if hour <= hours else None for hour, value in enumerate(values)]

    series = (
        (_("Opened by people"), so_far(opened), "sent", True),
        (_("Clicked"), so_far(clicked), "waiting", False),
    )
    return {
        "kind": "curve",
        "categories": [_("%(n)s h") % {"n": hour} for hour in range(len(opened))],
        "series": [
            {"name": name, "values": values, "tone": tone, "area": area}
            for name, values, tone, area in series
        ],
    }


@member(Permission.VIEW)
def campaign_report(request: MemberRequest, campaign_id: int) -> HttpResponse:
    """Show how a campaign went: funnel, ledger, first 48 hours, links, every recipient."""
    campaign = _find(request, campaign_id)
    if campaign.started_at is None:
        return redirect("campaign_live", campaign.pk)
    ledger = ledgers.of(campaign)
    acted = engagement([campaign.pk])[campaign.pk]
    context = {
        "campaign": campaign,
        "ledger": ledger,
        "acted": acted,
        "is_anonymous": queries.tracking_mode(campaign) is TrackingMode.ANONYMOUS,
        "diagnosis": diagnosis.explain(campaign, ledger=ledger),
        "chart": _curve_chart(campaign),
        "links": links(campaign, clickers=acted.clicks),
        "reasons": skips.by_reason(ledger),
        "bounces": bounces.by_effect(campaign),
        "differs": expected.difference(campaign, ledger),
        "unsubscribe_reasons": skips.unsubscribe_reasons(campaign),
        "unsubscribe_words": skips.unsubscribe_words(campaign),
        **_people(request, campaign, ledger),
    }
    return render(request, "reports/report.html", context)


@member(Permission.VIEW)
def campaign_recipients(request: MemberRequest, campaign_id: int) -> HttpResponse:
    """Show the table of recipients alone, for filters and paging."""
    campaign = _find(request, campaign_id)
    ledger = ledgers.of(campaign)
    context = {"campaign": campaign, "ledger": ledger, **_people(request, campaign, ledger)}
    return render(request, "reports/recipients.html", context)


class _Echo:
    """A file that hands each written line straight on (csv.writer wants one)."""

    def write(self, line: str) -> str:
        return line


@member(Permission.EXPORT)
def campaign_export(request: MemberRequest, campaign_id: int) -> StreamingHttpResponse:
    """Stream every recipient as CSV; cells that a spreadsheet would run as formulas are defused."""
    campaign = _find(request, campaign_id)
    state = request.GET.get("state", "")
    writer = csv.writer(_Echo())

    def lines() -> Iterator[str]:
        yield "\N{BYTE ORDER MARK}"  # spreadsheets take the file for UTF-8 only with it
        for row in recipients.rows(campaign, state=state if state in FILTERS else ""):
            yield writer.writerow([safe(cell) for cell in row])

    response = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    day = date_format(timezone.localtime(campaign.started_at or timezone.now()), "Y-m-d")
    name = f"{slugify(campaign.name)[:60] or 'campaign'}-{day}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
