"""Step 1: to which lists and segments, and who of them gets it."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from accounts.access import MemberRequest, member
from accounts.roles import Permission
from campaigns import audience, editing
from campaigns.audience import Audience
from campaigns.forms.editor import AudienceForm
from campaigns.views import editor


@member()
def choose(request: MemberRequest, campaign_id: int) -> HttpResponse:
    """Choose lists and segments to include and to exclude."""
    campaign = editor.find(request, campaign_id)
    if away := editor.elsewhere(campaign, "audience"):
        return away
    if request.method == "POST":
        editor.ensure(request, Permission.EDIT)
        form = AudienceForm(request.POST, campaign=campaign)
        if form.is_valid():
            won = editing.choose_audience(campaign, **form.chosen)
            if not won:
                messages.error(request, _("The campaign is no draft any more: nothing changed."))
            if request.headers.get("X-Autosave"):
                return editor.saved() if won else HttpResponse(status=409)
            return redirect("campaign_content", campaign.pk)
        if request.headers.get("X-Autosave"):
            return HttpResponse(status=422)
    else:
        form = AudienceForm(campaign=campaign)
    return render(
        request, "campaigns/audience.html", editor.page(request, campaign, "audience", form=form)
    )


@member()
def count(request: MemberRequest, campaign_id: int) -> HttpResponse:
    """Say who would get it with what is ticked now; nothing is saved (a partial)."""
    campaign = editor.find(request, campaign_id)
    form = AudienceForm(request.GET, campaign=campaign)
    if not form.is_valid():
        return HttpResponse(status=422)
    chosen = Audience.choosing(**form.chosen, workspace=request.workspace.pk)
    return render(
        request,
        "campaigns/_division.html",
        {
            "division": audience.recent_count(chosen),
            "campaign": campaign,
            "narrowed": bool(chosen.include_segments),
            "live": True,
        },
    )


@member()
def bar(request: MemberRequest, campaign_id: int) -> HttpResponse:
    """Say anew what the bar at the bottom says (a partial)."""
    campaign = editor.find(request, campaign_id)
    context = editor.page(request, campaign, "content")
    return render(request, "campaigns/_summary.html", context)
