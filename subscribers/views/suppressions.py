"""The suppression list: addresses that must not be written to."""

import re
from urllib.parse import urlencode

import structlog
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.access.permissions import MemberRequest, member
from accounts.access.rows import own
from accounts.roles import Permission, may
from subscribers.consent import suppression
from subscribers.forms.suppression import ReleaseForm, SuppressForm
from subscribers.models import Suppression
from subscribers.states import SuppressionReason
from subscribers.views.people import key

log = structlog.get_logger()
SHOWN = 5  # addresses that could not be read
WARNINGS = {
    SuppressionReason.UNSUBSCRIBED: gettext_lazy(
        "This person asked for no more mail at all. Release the address only if they asked you to. "
        "They stay off the lists they left."
    ),
    SuppressionReason.BOUNCED: gettext_lazy(
        "Emails to this address came back. They will most likely bounce again, and many bounces "
        "harm how all your mail arrives. Once released, its bounces are counted anew."
    ),
    SuppressionReason.COMPLAINED: gettext_lazy(
        "This person reported your mail as spam. Writing to them again can get all your mail "
        "blocked, and in many countries it is against the law."
    ),
    SuppressionReason.MANUAL: gettext_lazy("A member of your team added it."),
    SuppressionReason.IMPORTED: gettext_lazy(
        "It came with a file of addresses not to write to. Whoever made that file had a reason."
    ),
    SuppressionReason.ERASED: gettext_lazy(
        "This person asked to be forgotten, and you promised. What is left is a code of their "
        "address, kept for this one purpose. Once released it is gone: nothing stops anybody from "
        "adding the address again."
    ),
}


@member(Permission.VIEW)
def suppression_list(request: MemberRequest) -> HttpResponse:
    """Show suppressed addresses, newest first, by reason and search; add one or many."""
    may_edit = may(request.membership.role, Permission.EDIT)
    form = SuppressForm(request.POST if request.method == "POST" and may_edit else None)
    if form.is_bound and form.is_valid():
        return _add(request, form)
    reason = request.GET.get("reason", "")
    reason = reason if reason in SuppressionReason.values else ""
    search = request.GET.get("q", "").strip().replace("\0", "")[:320]
    counts = suppression.counts(request.workspace)
    context = {
        "page": suppression.page(
            request.workspace, reason=reason, search=search, before=key(request, "before")
        ),
        "search": search,
        "reason": reason,
        "whole": sum(counts.values()),
        "reasons": [
            {
                "label": one.label,
                "count": counts[str(one)],
                "active": reason == one,
                "href": f"?{urlencode({'reason': str(one)})}",
            }
            for one in SuppressionReason
        ],
        "narrowed": urlencode({"q": search, "reason": reason}),
        "form": form,
        "may_edit": may_edit,
    }
    return render(request, "subscribers/suppressions.html", context)


def _add(request: MemberRequest, form: SuppressForm) -> HttpResponse:
    words = [word for word in re.split(r"[\s,;]+", form.cleaned_data["addresses"]) if word]
    outcome = suppression.suppress_many(
        request.workspace,
        emails=words,
        reason=SuppressionReason(form.cleaned_data["reason"] or SuppressionReason.MANUAL),
        detail=form.cleaned_data["detail"],
        actor=request.user,
    )
    text = ngettext(
        "%(n)s address is suppressed from now on; %(known)s were before.",
        "%(n)s addresses are suppressed from now on; %(known)s were before.",
        outcome.added,
    )
    messages.success(request, text % {"n": outcome.added, "known": outcome.known})
    for given, problem in outcome.invalid[:SHOWN]:
        messages.error(request, f"{given[:100]}: {problem.message}. {problem.way_out}.")
    if len(outcome.invalid) > SHOWN:
        more = len(outcome.invalid) - SHOWN
        text = ngettext("%(n)s more could not be read.", "%(n)s more could not be read.", more)
        messages.error(request, text % {"n": more})
    return redirect("suppression_list")


@member(Permission.EDIT)
def suppression_release(request: MemberRequest, suppression_id: int) -> HttpResponse:
    """Allow an address again, after a warning that fits the reason."""
    row = own(request, Suppression, suppression_id)
    form = ReleaseForm(request.POST if request.method == "POST" else None, reason=row.reason)
    if request.method == "POST" and form.is_valid():
        suppression.release(request.workspace, suppression_id=row.pk)
        log.info(
            "suppression.released",
            workspace_id=request.workspace.pk,
            user_id=request.user.pk,
            reason=row.reason,
        )
        messages.success(request, _("The address may be written to again, where it is subscribed."))
        return redirect("suppression_list")
    context = {
        "row": row,
        "form": form,
        "warning": WARNINGS[SuppressionReason(row.reason)],
        "is_grave": bool(form.fields),
    }
    status = 422 if form.errors else 200
    return render(request, "subscribers/suppression_release.html", context, status=status)
