"""Step 1: to which lists and segments, and who of them gets it."""

from django.http import HttpResponse
from django.shortcuts import render

from accounts.access.permissions import MemberRequest, member
from accounts.input.revisions import Editing
from accounts.roles import Permission
from campaigns.audience import sizing
from campaigns.audience.chosen import Audience
from campaigns.drafts import editing
from campaigns.forms.editor import AudienceForm
from campaigns.views import editor


@member()
def choose(request: MemberRequest, campaign_id: int) -> HttpResponse:
    """Choose lists and segments to include and to exclude."""
    campaign = editor.find(request, campaign_id)
    if away := editor.elsewhere(campaign, "audience"):
        return away
    revised = Editing(request, campaign, part="audience")
    data = request.POST if request.method == "POST" else None
    form = revised.attach(AudienceForm(data, campaign=campaign))
    if data is not None:
        editor.ensure(request, Permission.EDIT)
        if form.is_valid() and revised.save(
            form,
            lambda: editing.choose_audience(campaign, **form.chosen),
            lambda: AudienceForm(campaign=campaign),
        ):
            return editor.after_save(request, campaign, revised, "campaign_content")
        if request.headers.get("X-Autosave"):
            return editor.not_saved(request, form)
    known = Audience.of(campaign, stored=form.stored) if data is None else None
    context = editor.page(request, campaign, "audience", audience=known, form=form)
    status = 409 if revised.conflict else 200
    return render(request, "campaigns/audience.html", context, status=status)


@member()
def count(request: MemberRequest, campaign_id: int) -> HttpResponse:
    """Say who would get it with what is ticked now; nothing is saved (a partial).

    Of many people an estimate, whose partial asks for the exact number.
    """
    campaign = editor.find(request, campaign_id)
    form = AudienceForm(request.GET, campaign=campaign)
    if not form.is_valid():
        return HttpResponse(status=422)
    waits = request.GET.get("exact") == "1"
    chosen = Audience.choosing(**form.chosen, workspace=request.workspace.pk)
    return render(
        request,
        "campaigns/_division.html",
        {
            "division": (sizing.exactly if waits else sizing.quick)(chosen),
            "campaign": campaign,
            "narrowed": bool(chosen.include_segments),
            "live": True,
        },
    )


@member()
def bar(request: MemberRequest, campaign_id: int) -> HttpResponse:
    """Say exactly what the bar at the bottom estimated (a partial)."""
    campaign = editor.find(request, campaign_id)
    division = sizing.exactly(Audience.of(campaign))
    context = {"campaign": campaign, "division": division}
    return render(request, "campaigns/_summary.html", context)
