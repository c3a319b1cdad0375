"""Step 3: what is counted after sending."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from accounts.access.permissions import MemberRequest, member
from accounts.input.revisions import Editing
from accounts.roles import Permission
from campaigns import queries
from campaigns.drafts import editing
from campaigns.forms.editor import TrackingForm
from campaigns.models import Campaign
from campaigns.states import TrackingMode
from campaigns.views import editor


@member()
def choose(request: MemberRequest, campaign_id: int) -> HttpResponse:
    """Choose whether opens and clicks are counted."""
    campaign = editor.find(request, campaign_id)
    if away := editor.elsewhere(campaign, "tracking"):
        return away
    revised = Editing(request, campaign, part="tracking")
    data = request.POST if request.method == "POST" else None
    form = revised.attach(_form(campaign, data))
    if data is not None:
        editor.ensure(request, Permission.EDIT)
        if form.is_valid() and revised.save(
            form,
            lambda: editing.choose_tracking(
                campaign,
                opens=form.cleaned_data["track_opens"],
                clicks=form.cleaned_data["track_clicks"],
                mode=form.cleaned_data["tracking_mode"],
            ),
            lambda: _form(editor.find(request, campaign_id)),
        ):
            return editor.after_save(request, campaign, revised, "campaign_review")
        if request.headers.get("X-Autosave"):
            return editor.not_saved(request, form)
    context = editor.page(request, campaign, "tracking", form=form)
    status = 409 if revised.conflict else 200
    return render(request, "campaigns/tracking.html", context, status=status)


def _form(campaign: Campaign, data: Any = None) -> TrackingForm:
    stored = {
        "track_opens": campaign.track_opens,
        "track_clicks": campaign.track_clicks,
        "tracking_mode": campaign.tracking_mode,
    }
    mode = TrackingMode(queries.tracking_of(campaign.workspace).mode)
    return TrackingForm(data, initial=stored, workspace_mode=mode)
