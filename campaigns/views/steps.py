"""What can be done with a campaign under way: each a POST, each won or told to have lost."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access.permissions import MemberRequest, member
from accounts.roles import Permission
from campaigns import ledger, lifecycle
from campaigns.checks import confirmation, preflight
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from campaigns.views import editor


@member(Permission.SEND)
@require_POST
def unschedule(request: MemberRequest, campaign_id: int) -> HttpResponse:
    """Take a scheduled campaign back to draft."""
    return _take(
        request,
        campaign_id,
        lifecycle.unschedule,
        CampaignStatus.DRAFT,
        _("Cancelled: the campaign is a draft again, and nobody got it."),
    )


@member(Permission.SEND)
@require_POST
def pause(request: MemberRequest, campaign_id: int) -> HttpResponse:
    """Stop sending for now."""
    reason = " ".join(request.POST.get("reason", "").split())
    return _take(
        request,
        campaign_id,
        lambda campaign: lifecycle.pause(campaign, by=request.user, reason=reason),
        CampaignStatus.PAUSED,
        _("Paused. What is already on its way still arrives."),
    )


@member(Permission.SEND)
@require_POST
def resume(request: MemberRequest, campaign_id: int) -> HttpResponse:
    """Go on sending."""
    confirmed = request.POST.get("confirmed", "")
    try:
        answer = _take(
            request,
            campaign_id,
            lambda campaign: confirmation.resume(campaign, confirmed=confirmed),
            CampaignStatus.SENDING,
            _("Sending goes on."),
        )
    except (confirmation.ChangedError, confirmation.NotReadyError) as error:
        campaign = editor.find(request, campaign_id)
        context = {
            "campaign": campaign,
            "changes": getattr(error, "changes", ()),
            "blocking": getattr(error, "findings", ()),
            "warnings": [one for one in preflight.of_carrier(campaign) if one.warns],
            "confirmed": confirmation.shown(campaign),
        }
        return render(request, "campaigns/resume.html", context, status=409)
    ledger.wake()
    return answer


@member(Permission.SEND)
def cancel(request: MemberRequest, campaign_id: int) -> HttpResponse:
    """Ask, then end a campaign for good."""
    campaign = editor.find(request, campaign_id)
    if request.method != "POST":
        if campaign.status not in {
            CampaignStatus.SCHEDULED,
            CampaignStatus.SENDING,
            CampaignStatus.PAUSED,
        }:
            return redirect(editor.place(campaign), campaign.pk)
        return render(request, "campaigns/cancel.html", {"campaign": campaign})
    return _take(
        request,
        campaign_id,
        lifecycle.cancel,
        CampaignStatus.CANCELLED,
        _("Cancelled. Nobody else will get it."),
    )


def _take(
    request: MemberRequest,
    campaign_id: int,
    step: Callable[[Campaign], bool],
    target: CampaignStatus,
    done: str,
) -> HttpResponse:
    campaign = editor.find(request, campaign_id)
    won = step(campaign)
    if not won:
        campaign.refresh_from_db()
    if won:
        messages.success(request, done)
    elif campaign.status != target:  # else the same press once more: it has what it wanted
        messages.error(
            request,
            _("Nothing changed: the campaign is “%(status)s” now.")
            % {"status": campaign.get_status_display()},
        )
    return redirect(editor.place(campaign), campaign.pk)
