"""How a workspace tracks, and its own domain for links."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access.permissions import MemberRequest, member
from accounts.input.limits import Limit, within
from accounts.roles import Permission
from campaigns import queries
from delivery.forms.tracking import TrackingForm
from delivery.tracking import domain as domains

TESTS = Limit(most=20, seconds=600)  # of a workspace: each asks somebody's server


@member(Permission.MANAGE)
def tracking_settings(request: MemberRequest) -> HttpResponse:
    """Show and change what is tracked."""
    tracking = queries.tracking_of(request.workspace)
    form = TrackingForm(request.POST or None, instance=tracking, host=request.get_host())
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Saved."))
        return redirect("tracking_settings")
    stored = queries.tracking_of(request.workspace)
    context = {"form": form, "tracking": stored, "home": domains.home(), "steps": []}
    return render(request, "delivery/tracking.html", context)


@require_POST
@member(Permission.MANAGE)
def tracking_domain_check(request: MemberRequest) -> HttpResponse:
    """Look whether the domain leads here."""
    tracking = queries.tracking_of(request.workspace)
    if not tracking.domain:
        return redirect("tracking_settings")
    if not within(TESTS, f"tracking-domain-tests:{request.workspace.pk}"):
        messages.error(request, _("Too many tests within ten minutes. Try again later."))
        return redirect("tracking_settings")
    steps = domains.check(tracking)
    context = {
        "form": TrackingForm(instance=tracking),
        "tracking": tracking,
        "home": domains.home(),
        "steps": steps,
    }
    return render(request, "delivery/tracking.html", context)
