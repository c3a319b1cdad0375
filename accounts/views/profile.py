"""One's own account, language and theme."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.forms.settings import ProfileForm
from accounts.workspaces.workspace_urls import outside


@login_required
def profile(request: Any) -> HttpResponse:
    """Change one's name, language and time zone."""
    form = ProfileForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        form.save()
        if form.cleaned_data["language"]:
            translation.activate(form.cleaned_data["language"])
        messages.success(request, _("Saved."))
        response = redirect(outside("profile"))
        # The account's language counts from now on, also where a page had set another one.
        response.delete_cookie(settings.LANGUAGE_COOKIE_NAME)
        return response
    return render(request, "accounts/profile.html", {"form": form})


@require_POST
def set_language(request: Any) -> HttpResponse:
    """Show pages in another language: for the account when signed in, else for this browser."""
    language = request.POST.get("language", "")
    target = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}):
        target = "/"
    response = redirect(target)
    if language in dict(settings.LANGUAGES):
        if request.user.is_authenticated:
            request.user.language = language
            request.user.save(update_fields=["language"])
            response.delete_cookie(settings.LANGUAGE_COOKIE_NAME)
        else:
            response.set_cookie(
                settings.LANGUAGE_COOKIE_NAME, language, max_age=31_536_000, samesite="Lax"
            )
    return response
