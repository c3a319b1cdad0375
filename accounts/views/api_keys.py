"""Keys for programs, in the settings."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.access.permissions import MemberRequest, member
from accounts.access.rows import own
from accounts.forms.settings import ApiKeyForm
from accounts.input.once import once
from accounts.roles import Permission
from accounts.team import api_keys

MADE = "made_api_key"  # in the session, until the page that shows it is drawn


@never_cache
@member(Permission.MANAGE)
@once
def api_key_list(request: MemberRequest) -> HttpResponse:
    """Show the keys; make one and show it this once."""
    form = ApiKeyForm(request.POST or None, by=request.membership)
    if request.method == "POST" and form.is_valid():
        key = api_keys.create(
            request.workspace,
            name=form.cleaned_data["name"],
            role=form.cleaned_data["role"],
            by=request.user,
        )
        request.session[MADE] = {"workspace": request.workspace.pk, "key": key}
        return redirect("api_key_list")
    made = _shown_once(request)
    keys = request.workspace.api_keys.filter(revoked_at=None).order_by("-created_at")
    return render(request, "accounts/api_keys.html", {"form": form, "keys": keys, "made": made})


def _shown_once(request: MemberRequest) -> str:
    """Return the key that was made just now, and forget it: reloading shows it no more."""
    if request.session.get(MADE, {}).get("workspace") != request.workspace.pk:
        return ""
    return str(request.session.pop(MADE)["key"])


@require_POST
@member(Permission.MANAGE)
def api_key_revoke(request: MemberRequest, key_id: int) -> HttpResponse:
    """End a key."""
    own(request, request.workspace.api_keys.all(), key_id)
    if api_keys.revoke(request.workspace, key_id=key_id):
        messages.success(request, _("The key no longer works."))
    return redirect("api_key_list")
