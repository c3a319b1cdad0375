"""What the pages behind a mail's links have in common."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from accounts.models import Workspace
from delivery.readers import Reader
from delivery.tokens import Purpose
from subscribers import visitors


def page(  # noqa: PLR0913 - one each for what differs between pages
    request: HttpRequest,
    template: str,
    context: dict[str, Any],
    *,
    workspace: Workspace,
    reader: Reader | None = None,
    status: int = 200,
) -> HttpResponse:
    """Draw a public page in the workspace's colours."""
    shown = {
        "brand": workspace,
        "languages": visitors.other_languages(),
        "keep_language": visitors.asked_language(request),
        "know_token": reader.token(Purpose.PREFERENCES) if reader and reader.person else "",
        **context,
    }
    return render(request, template, shown, status=status)


def lost(request: HttpRequest) -> HttpResponse:
    """Say that a link leads nowhere: it is damaged, or made for something else."""
    context = {"brand": {"name": _("Newsletter")}, "languages": [], "know_token": ""}
    response = render(request, "delivery/public/lost.html", context, status=404)
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Referrer-Policy"] = "no-referrer"
    return response
