"""The suppression list: addresses that must not be written to."""

import re

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.access import MemberRequest, member
from accounts.roles import Permission, may
from subscribers import suppression
from subscribers.models import Suppression
from subscribers.people_forms import SuppressForm
from subscribers.states import SuppressionReason
from subscribers.views.people import key

PAGE = 50


@member(Permission.VIEW)
def suppression_list(request: MemberRequest) -> HttpResponse:
    """Show suppressed addresses, newest first; add one or many."""
    may_edit = may(request.membership.role, Permission.EDIT)
    form = SuppressForm(request.POST if request.method == "POST" and may_edit else None)
    if form.is_bound and form.is_valid():
        return _add(request, form)
    rows = Suppression.objects.filter(workspace=request.workspace).select_related("created_by")
    search = request.GET.get("q", "").strip().lower()[:320]
    if search:
        rows = rows.filter(email_key__contains=search)
    before = key(request, "before")
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows.order_by("-pk")[: PAGE + 1])
    context = {
        "rows": found[:PAGE],
        "next": found[PAGE - 1].pk if len(found) > PAGE else None,
        "search": search,
        "form": form,
        "may_edit": may_edit,
    }
    return render(request, "subscribers/suppressions.html", context)


def _add(request: MemberRequest, form: SuppressForm) -> HttpResponse:
    words = [word for word in re.split(r"[\s,;]+", form.cleaned_data["addresses"]) if word]
    outcome = suppression.suppress_many(
        request.workspace, emails=words, detail=form.cleaned_data["detail"], actor=request.user
    )
    text = ngettext(
        "%(n)s address is suppressed from now on; %(known)s were before.",
        "%(n)s addresses are suppressed from now on; %(known)s were before.",
        outcome.added,
    )
    messages.success(request, text % {"n": outcome.added, "known": outcome.known})
    for given, problem in outcome.invalid[:5]:
        messages.error(request, f"{given[:100]}: {problem.message}. {problem.way_out}.")
    return redirect("suppression_list")


@member(Permission.EDIT)
def suppression_release(request: MemberRequest, suppression_id: int) -> HttpResponse:
    """Allow an address again, after a warning that fits the reason."""
    row = get_object_or_404(
        Suppression.objects.filter(workspace=request.workspace), pk=suppression_id
    )
    if request.method == "POST":
        suppression.release(request.workspace, suppression_id=row.pk)
        messages.success(request, _("The address may be written to again, where it is subscribed."))
        return redirect("suppression_list")
    warnings = {
        SuppressionReason.COMPLAINED: _(
            "This person reported your mail as spam. Writing again harms how all your mail arrives."
        ),
        SuppressionReason.BOUNCED: _(
            "The mail server said that this address does not exist. It will most likely bounce."
        ),
        SuppressionReason.UNSUBSCRIBED: _(
            "This person asked for no more mail at all. Release it only if they asked you to."
        ),
        SuppressionReason.ERASED: _("This person asked to be forgotten."),
    }
    context = {"row": row, "warning": warnings.get(SuppressionReason(row.reason), "")}
    return render(request, "subscribers/suppression_release.html", context)
