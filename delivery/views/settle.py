"""Unknown messages: a person decides, for the whole campaign or for one message."""

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.access.permissions import MemberRequest, member
from accounts.access.rows import own
from accounts.background import waking
from accounts.input.numbers import row_number, row_numbers
from accounts.roles import Permission
from campaigns.models import Campaign
from delivery import tasks
from delivery.pipeline import settle


@require_POST
@member(Permission.SEND)
def campaign_settle_unknown(request: MemberRequest, campaign_id: int) -> HttpResponse:
    """Send unknown messages again, or leave them as they are."""
    campaign = own(request, Campaign, campaign_id)
    given = request.POST.getlist("message")
    # No message named: all of them. A name that can't be read must never mean "all".
    chosen = row_numbers(given) or None
    if len(chosen or ()) != len(given):
        return HttpResponseBadRequest()
    if chosen is None and "chosen" in request.POST:  # the form of single ones, with none ticked
        messages.error(request, _("Nobody was chosen, so nothing changed."))
        return redirect("campaign_open", campaign.pk)
    if request.POST.get("decision") == "send-again":
        expected = row_number(request.POST.get("expected", "")) if chosen is None else None
        try:
            count = settle.send_again(campaign, messages=chosen, expected=expected)
        except settle.CountChangedError as error:
            context = {"campaign": campaign, "now": error.now, "before": expected}
            return render(request, "delivery/send_again.html", context, status=409)
        waking.wake(tasks.keep_sending)
        text = ngettext(
            "%(n)s email will be sent again.", "%(n)s emails will be sent again.", count
        )
    else:
        count = settle.leave(campaign, messages=chosen)
        text = ngettext(
            "%(n)s email was left as it is.", "%(n)s emails were left as they are.", count
        )
    if count:
        messages.success(request, text % {"n": count})
    else:
        messages.error(request, _("Nothing changed: these are settled already."))
    return redirect("campaign_open", campaign.pk)
