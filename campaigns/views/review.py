"""Step 4: what is wrong, what is right, and when it goes."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access.permissions import MemberRequest, member
from accounts.roles import Permission
from accounts.workspaces import zones
from campaigns import ledger, lifecycle
from campaigns.audience import rule, sample
from campaigns.audience.chosen import Audience
from campaigns.audience.rule import Breakdown
from campaigns.checks import confirmation, preflight
from campaigns.findings import Finding
from campaigns.forms.schedule import ScheduleForm
from campaigns.models import Campaign
from campaigns.rendering.preview import Preview
from campaigns.rendering.stored import preview_content
from campaigns.states import CampaignStatus
from campaigns.views import editor

AFTER = frozenset({CampaignStatus.SCHEDULED, CampaignStatus.SENDING, CampaignStatus.SENT})


@member()
def review(request: MemberRequest, campaign_id: int) -> HttpResponse:
    """Show the findings, the summary, the test and the two ways to send."""
    campaign = editor.find(request, campaign_id)
    if away := editor.elsewhere(campaign, "review"):
        return away
    return _page(request, campaign, ScheduleForm())


@member(Permission.SEND)
def confirm(request: MemberRequest, campaign_id: int) -> HttpResponse:
    """Ask once more, with the subject, the number of people and the moment in words."""
    campaign = editor.find(request, campaign_id)
    if campaign.status != CampaignStatus.DRAFT:
        return redirect(editor.place(campaign), campaign.pk)
    form = ScheduleForm(request.GET)
    division = rule.breakdown(campaign)
    found = preflight.findings(campaign, division)
    blocking = [finding for finding in found if finding.blocks]
    dialog = bool(request.headers.get("HX-Request"))
    if not form.is_valid() or blocking:
        if dialog:
            context = {"campaign": campaign, "form": form, "blocking": blocking}
            return render(request, "campaigns/_not_ready.html", context)
        return _page(request, campaign, form)
    name = "_confirm.html" if dialog else "confirm.html"
    return _ask(request, campaign, form, division, found, page=name)


def _ask(  # noqa: PLR0913 - each a part of the page
    request: MemberRequest,
    campaign: Campaign,
    form: ScheduleForm,
    division: Breakdown,
    found: list[Finding],
    *,
    changes: Sequence[str] = (),
    page: str = "confirm.html",
    status: int = 200,
) -> HttpResponse:
    context = {
        "campaign": campaign,
        "form": form,
        "division": division,
        "inbox": _inbox(campaign),
        "moment": in_words(form.cleaned_data["at"], form.chosen_zone),
        "warnings": [finding for finding in found if finding.warns],
        "changes": changes,
        "confirmed": confirmation.shown(campaign, division),
    }
    return render(request, f"campaigns/{page}", context, status=status)


@member(Permission.SEND)
@require_POST
def schedule(request: MemberRequest, campaign_id: int) -> HttpResponse:
    """Write down when the campaign is to be sent, if it is what was confirmed and nothing blocks.

    409 asks anew, and says what was changed meanwhile.
    """
    campaign = editor.find(request, campaign_id)
    form = ScheduleForm(request.POST)
    if not form.is_valid():
        return _page(request, campaign, form, status=422)
    at, confirmed = form.cleaned_data["at"], request.POST.get("confirmed", "")
    try:
        won = confirmation.schedule(campaign, at=at, confirmed=confirmed)
    except confirmation.ChangedError as error:
        return _ask_anew(request, editor.find(request, campaign_id), form, error.changes)
    except confirmation.NotReadyError:
        return _not_ready(request, campaign)
    if not won:
        campaign = editor.find(request, campaign_id)
        # The same press once more (a double click, a reload) has what it wanted.
        if confirmation.changes(campaign, confirmed) or campaign.status not in AFTER:
            messages.error(request, _("The campaign is no draft any more, so nothing changed."))
        return redirect(editor.place(campaign), campaign.pk)
    if form.is_now:
        ledger.wake(lifecycle.UNDO_WINDOW.total_seconds())
        return redirect("campaign_live", campaign.pk)
    messages.success(
        request,
        _("Scheduled for %(moment)s.") % {"moment": in_words(at, form.chosen_zone)},
    )
    return redirect("campaign_review", campaign.pk)


def _ask_anew(
    request: MemberRequest, campaign: Campaign, form: ScheduleForm, changes: Sequence[str]
) -> HttpResponse:
    division = rule.breakdown(campaign)
    found = preflight.findings(campaign, division)
    if any(finding.blocks for finding in found):
        return _not_ready(request, campaign)
    return _ask(request, campaign, form, division, found, changes=changes, status=409)


def _not_ready(request: MemberRequest, campaign: Campaign) -> HttpResponse:
    messages.error(request, _("The campaign is not ready yet. Fix what is marked in red first."))
    return redirect("campaign_review", campaign.pk)


def in_words(at: datetime, zone: ZoneInfo | None = None) -> str:
    """Write a moment for people: "Thursday, 27 November 2026 at 08:00 (Asia/Jakarta)".

    By the clock of ``zone``, usually by that of whoever reads it.
    """
    local = timezone.localtime(at, zone)
    return _("%(day)s at %(time)s (%(zone)s)") % {
        "day": date_format(local, "l, j F Y"),
        "time": date_format(local, "H:i"),
        "zone": zones.named(at, zone),
    }


def _inbox(campaign: Campaign, audience: Audience | None = None) -> Preview:
    """Return the email as the first person of the audience gets it: subject and preheader."""
    person = sample.reader(campaign, audience=audience)
    return preview_content(editor.content_of(campaign), person)


def _page(
    request: MemberRequest, campaign: Campaign, form: ScheduleForm, *, status: int = 200
) -> HttpResponse:
    moment = in_words(campaign.send_at) if campaign.send_at else ""
    audience = Audience.of(campaign)
    context = editor.page(
        request,
        campaign,
        "review",
        audience=audience,
        wait=True,  # here is said what keeps it from being sent
        form=form,
        moment=moment,
        now=timezone.now(),
        inbox=_inbox(campaign, audience),
        confirmed=confirmation.shown(campaign),
    )
    return render(request, "campaigns/review.html", context, status=status)
