"""What a form in another site asks us for: the script, and a challenge to prove its work with."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from subscribers.signup import brake, proof_of_work, visitors
from subscribers.views.signup import find
from subscribers.views.signup_answers import share

SCRIPT_FOR = 3_600  # seconds that browsers keep where the script is


@visitors.public_page("GET", "HEAD")
def public_signup_challenge(request: HttpRequest, public_id: str) -> HttpResponse:
    """Give a browser something to compute; nothing is stored."""
    form = find(public_id)
    if form is None:
        return JsonResponse({"ok": False, "message": _("There is no form here")}, status=404)
    is_hard = brake.pulled(form.workspace_id) is not None
    response: HttpResponse = JsonResponse(proof_of_work.challenge(form, is_hard=is_hard))
    response["Vary"] = "Origin"
    return share(response, request, form)


@require_safe
def public_embed_script(_request: HttpRequest) -> HttpResponse:
    """Lead to the script for other sites.

    The address holds the version of what it understands, so a snippet that was pasted once works
    as long as this version is served; the file behind it may be mended.
    """
    response = redirect(static("dist/embed.js"))
    response["Cache-Control"] = f"public, max-age={SCRIPT_FOR}"
    response["Access-Control-Allow-Origin"] = "*"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response
