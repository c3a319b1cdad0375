"""Sign-ups that wait for a member's decision."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from accounts.access.permissions import MemberRequest, member
from accounts.background import waking
from accounts.input.numbers import row_numbers
from accounts.roles import Permission
from subscribers.models import SignupRequest
from subscribers.signup import brake, intake
from subscribers.tasks import take_signup

AT_ONCE = 100


@member(Permission.EDIT)
@require_http_methods(["GET", "HEAD", "POST"])
def signup_held(request: MemberRequest) -> HttpResponse:
    """Show what is held and why; take in or forget what was ticked."""
    if request.method == "POST":
        return _decide(request)
    held = SignupRequest.objects.filter(workspace=request.workspace).exclude(held_for="")
    before = row_numbers([request.GET.get("before", "")])
    rows = held.filter(pk__lt=before[0]) if before else held
    found = list(rows.select_related("form").order_by("-pk")[: AT_ONCE + 1])
    shown = found[:AT_ONCE]
    context = {
        "rows": [(row, row.created_at + intake.KEPT) for row in shown],
        "count": held.count(),
        "next_key": shown[-1].pk if len(found) > AT_ONCE else None,
        "brake": brake.pulled(request.workspace.pk),
        "days": intake.KEPT.days,
    }
    return render(request, "subscribers/signup_held.html", context)


def _decide(request: MemberRequest) -> HttpResponse:
    ids = row_numbers(request.POST.getlist("request"))
    action = request.POST.get("do", "")
    if not ids:
        messages.error(request, _("Select the sign-ups first."))
    elif action == "approve":
        for taken in intake.approve(request.workspace, ids=ids):
            waking.wake(take_signup, taken)
        messages.success(
            request,
            _("Accepted. They get the email that asks them to confirm, as everyone does."),
        )
    elif action == "reject":
        number = intake.reject(request.workspace, ids=ids)
        messages.success(
            request,
            ngettext("%(num)s sign-up is forgotten.", "%(num)s sign-ups are forgotten.", number)
            % {"num": number},
        )
    return redirect("signup_held")
