"""Step 3: what is counted after sending."""

from django.http import HttpResponse
from django.shortcuts import redirect, render

from accounts.access import MemberRequest, member
from accounts.roles import Permission
from campaigns import editing
from campaigns.forms.editor import TrackingForm
from campaigns.views import editor


@member()
def choose(request: MemberRequest, campaign_id: int) -> HttpResponse:
    """Choose whether opens and clicks are counted."""
    campaign = editor.find(request, campaign_id)
    if away := editor.elsewhere(campaign, "tracking"):
        return away
    if request.method == "POST":
        editor.ensure(request, Permission.EDIT)
        form = TrackingForm(request.POST)
        if form.is_valid():
            won = editing.choose_tracking(
                campaign,
                opens=form.cleaned_data["track_opens"],
                clicks=form.cleaned_data["track_clicks"],
            )
            if request.headers.get("X-Autosave"):
                return editor.saved() if won else HttpResponse(status=409)
            return redirect("campaign_review", campaign.pk)
    else:
        form = TrackingForm(
            initial={"track_opens": campaign.track_opens, "track_clicks": campaign.track_clicks}
        )
    return render(
        request, "campaigns/tracking.html", editor.page(request, campaign, "tracking", form=form)
    )
