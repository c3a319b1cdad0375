"""Keys for programs, in the settings."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts import api_keys
from accounts.access import MemberRequest, member
from accounts.forms import ApiKeyForm
from accounts.roles import Permission


@never_cache
@member(Permission.MANAGE)
def api_key_list(request: MemberRequest) -> HttpResponse:
    """Show the keys; make one and show it this once."""
    form = ApiKeyForm(request.POST or None, by=request.membership)
    made = ""
    if request.method == "POST" and form.is_valid():
        made = api_keys.create(
            request.workspace,
            name=form.cleaned_data["name"],
            role=form.cleaned_data["role"],
            by=request.user,
        )
        form = ApiKeyForm(by=request.membership)
    keys = request.workspace.api_keys.filter(revoked_at=None).order_by("-created_at")
    return render(request, "accounts/api_keys.html", {"form": form, "keys": keys, "made": made})


@require_POST
@member(Permission.MANAGE)
def api_key_revoke(request: MemberRequest, key_id: int) -> HttpResponse:
    """End a key."""
    get_object_or_404(request.workspace.api_keys, pk=key_id)
    if api_keys.revoke(request.workspace, key_id=key_id):
        messages.success(request, _("The key no longer works."))
    return redirect("api_key_list")
