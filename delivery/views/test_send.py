"""The review step's "Send test"."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_POST

from accounts.access import MemberRequest, member
from accounts.roles import Permission
from campaigns.models import Campaign
from delivery.test_send import TestSendError, read_addresses, send_test


@member(Permission.EDIT)
@require_POST
def campaign_test_send(request: MemberRequest, campaign_id: int) -> HttpResponse:
    """Send a test and say what the server answered for each address (a partial, or a page)."""
    campaign = get_object_or_404(
        Campaign.objects.select_related("workspace", "content__template"),
        workspace=request.workspace,
        pk=campaign_id,
    )
    answers, problem = [], ""
    try:
        addresses = read_addresses(request.POST.get("to", ""))
        answers = send_test(
            campaign, addresses, by=request.user, person=request.POST.get("person", "")
        )
    except TestSendError as error:
        problem = error.sentence
    name = "_test_result.html" if request.headers.get("HX-Request") else "test_result.html"
    context = {"campaign": campaign, "answers": answers, "problem": problem}
    return render(request, f"delivery/{name}", context, status=422 if problem else 200)
