"""What can be done with a campaign under way: each a POST, each won or told to have lost."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access import MemberRequest, member
from accounts.roles import Permission
from campaigns import lifecycle
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from campaigns.views import editor
from campaigns.views.review import nudge


@member(Permission.SEND)
@require_POST
def unschedule(request: MemberRequest, campaign_id: int) -> HttpResponse:
    """Take a scheduled campaign back to draft."""
    return _take(
        request,
        campaign_id,
        lifecycle.unschedule,
        _("Taken back: the campaign is a draft again, and nobody got it."),
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
        _("Paused. What is on the wire right now still arrives."),
    )


@member(Permission.SEND)
@require_POST
def resume(request: MemberRequest, campaign_id: int) -> HttpResponse:
    """Go on sending."""
    answer = _take(request, campaign_id, lifecycle.resume, _("Sending goes on."))
    nudge()
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
        _("Cancelled. Whoever has not got it yet will not get it."),
    )


def _take(
    request: MemberRequest, campaign_id: int, step: Callable[[Campaign], bool], done: str
) -> HttpResponse:
    campaign = editor.find(request, campaign_id)
    if step(campaign):
        messages.success(request, done)
    else:
        campaign.refresh_from_db()
        messages.error(
            request,
            _("Nothing changed: the campaign is “%(status)s” now.")
            % {"status": campaign.get_status_display()},
        )
    return redirect(editor.place(campaign), campaign.pk)
