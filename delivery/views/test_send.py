"""The review step's "Send test"."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access.permissions import MemberRequest, member
from accounts.access.rows import own
from accounts.roles import Permission
from campaigns.checks import confirmation, preflight
from campaigns.models import Campaign
from delivery.system_mail.campaign_test import TestSendError, read_addresses, send_test


@member(Permission.EDIT)
@require_POST
def campaign_test_send(request: MemberRequest, campaign_id: int) -> HttpResponse:
    """Send a test and say what the server answered for each address (a partial, or a page)."""
    campaign = own(
        request, Campaign.objects.select_related("workspace", "content__template"), campaign_id
    )
    answers, problem, status = [], "", 200
    shown = request.POST.get("confirmed")
    if shown is not None and (changes := confirmation.changes(campaign, shown)):
        problem, status = " ".join([_("Not sent: this changed since you looked."), *changes]), 409
    else:
        try:
            addresses = read_addresses(request.POST.get("to", ""))
            answers = send_test(
                campaign, addresses, by=request.user, person=request.POST.get("person", "")
            )
        except TestSendError as error:
            problem, status = error.sentence, 422
    name = "_test_result.html" if request.headers.get("HX-Request") else "test_result.html"
    warnings = [one for one in preflight.of_carrier(campaign) if one.warns] if answers else []
    context = {
        "campaign": campaign,
        "answers": answers,
        "problem": problem,
        "warnings": warnings,
    }
    return render(request, f"delivery/{name}", context, status=status)
