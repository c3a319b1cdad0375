"""The keys that sign mail (DKIM): make, publish, look up, put to use, retire, delete."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.access.permissions import MemberRequest, member
from accounts.access.rows import own
from accounts.input.once import once
from accounts.input.senders import understood
from accounts.roles import Permission
from delivery.accounts import dkim_keys
from delivery.forms.keys import KeyForm
from delivery.models import DkimKey
from delivery.states import DkimState


@member(Permission.MANAGE)
@once
def key_list(request: MemberRequest) -> HttpResponse:
    """Show the keys by domain, and make new ones."""
    form = KeyForm(request.POST or None, initial={"domain": _sender_domain(request)})
    if request.method == "POST" and form.is_valid():
        made = [
            dkim_keys.generate(
                request.workspace, domain=form.cleaned_data["domain"], algorithm=algorithm
            )
            for algorithm in form.cleaned_data["algorithms"]
        ]
        messages.success(
            request,
            ngettext(
                "The key is made. Publish its record, then let it sign.",
                "The keys are made. Publish their records, then let them sign.",
                len(made),
            ),
        )
        if len(made) == 1:
            return redirect("key_detail", made[0].pk)
        return redirect("key_list")
    keys = DkimKey.objects.filter(workspace=request.workspace)
    return render(request, "delivery/keys.html", {"keys": keys, "form": form})


def _sender_domain(request: MemberRequest) -> str:
    accounts = request.workspace.sending_accounts.exclude(default_from="")
    sender = accounts.values_list("default_from", flat=True).first() or ""
    return understood(sender).address.rpartition("@")[2]


@member(Permission.MANAGE)
def key_detail(request: MemberRequest, signing_key_id: int) -> HttpResponse:
    """Show a key's DNS record and what can be done with it."""
    key = own(request, DkimKey, signing_key_id)
    context = {
        "key": key,
        "text": dkim_keys.record_text(key),
        "strings": dkim_keys.record_strings(key),
        "host": key.record_name.removesuffix(f".{key.domain}"),
    }
    return render(request, "delivery/key.html", context)


@require_POST
@member(Permission.MANAGE)
def key_check(request: MemberRequest, signing_key_id: int) -> HttpResponse:
    """Look the record up in the DNS."""
    key = own(request, DkimKey, signing_key_id)
    if dkim_keys.check(key).problem:
        messages.warning(request, key.problem)
    else:
        messages.success(request, _("The record is there and right."))
    return redirect("key_detail", key.pk)


@require_POST
@member(Permission.MANAGE)
def key_activate(request: MemberRequest, signing_key_id: int) -> HttpResponse:
    """Sign with this key, once the DNS has it: before that, receivers would find no key."""
    key = own(request, DkimKey, signing_key_id)
    if dkim_keys.check(key).problem:
        messages.error(
            request,
            _("Not yet: %(problem)s Mail signed now would fail the check.")
            % {"problem": key.problem},
        )
    elif dkim_keys.activate(key):
        messages.success(
            request,
            _("Mail from %(domain)s is signed with this key from now on.") % {"domain": key.domain},
        )
    return redirect("key_detail", key.pk)


@require_POST
@member(Permission.MANAGE)
def key_retire(request: MemberRequest, signing_key_id: int) -> HttpResponse:
    """Sign no more with this key."""
    key = own(request, DkimKey, signing_key_id)
    if dkim_keys.retire(key):
        messages.success(
            request,
            _("It signs nothing more. Leave its record for a week: mail under way needs it."),
        )
    return redirect("key_detail", key.pk)


@member(Permission.MANAGE)
def key_delete(request: MemberRequest, signing_key_id: int) -> HttpResponse:
    """Forget a key that signs nothing."""
    key = own(request, DkimKey, signing_key_id)
    if key.state == DkimState.ACTIVE:
        raise Http404
    if request.method == "POST":
        dkim_keys.delete(key)
        messages.success(request, _("The key is gone. Its DNS record can go, too."))
        return redirect("key_list")
    return render(request, "delivery/key_delete.html", {"key": key})
