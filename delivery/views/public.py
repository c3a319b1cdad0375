"""What the pages behind a mail's links have in common."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.models import Workspace
from delivery.mime.tokens import Purpose
from delivery.public.message_link import Reader
from subscribers.signup import texts, visitors
from subscribers.signup.mails import values_of
from subscribers.signup.texts import Kind


def page(  # noqa: PLR0913 - one each for what differs between pages
    request: HttpRequest,
    template: str,
    context: dict[str, Any],
    *,
    workspace: Workspace,
    reader: Reader | None = None,
    know_token: str = "",
    status: int = 200,
) -> HttpResponse:
    """Draw a public page in the workspace's colours."""
    shown = {
        "brand": workspace,
        "languages": visitors.other_languages(),
        "keep_language": visitors.asked_language(request),
        "know_token": know_token or _know_token(reader),
        "footer": words_for(reader, Kind.FOOTER) if reader else None,
        **context,
    }
    return render(request, template, shown, status=status)


def _know_token(reader: Reader | None) -> str:
    return reader.token(Purpose.PREFERENCES) if reader and reader.person else ""


def words_for(reader: Reader, kind: Kind) -> texts.Words | None:
    """Return the words of a letter's lists, None where the product's own stand."""
    lists = list(reader.lists)
    return texts.find(
        kind,
        language=get_language() or "",
        lists=lists,
        values=values_of(reader.workspace, lists),
    )


def lost(request: HttpRequest) -> HttpResponse:
    """Say that a link leads nowhere: it is damaged, or made for something else."""
    context: dict[str, Any] = {
        "brand": {"name": _("Newsletter")},
        "languages": [],
        "know_token": "",
        "footer": None,
    }
    response = render(request, "delivery/public/lost.html", context, status=404)
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Referrer-Policy"] = "no-referrer"
    return response
