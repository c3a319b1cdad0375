"""One mail of the sandbox, looked at from every side; nothing that it holds is run."""

from collections.abc import Callable
from typing import Any

from csp.decorators import csp_replace
from django.http import Http404, HttpResponse, HttpResponseBadRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.html import format_html
from django.utils.http import content_disposition_header
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_POST

from accounts.access.permissions import MemberRequest, member
from accounts.input import limits
from accounts.roles import Permission
from delivery.models import Message, SandboxMessage
from delivery.sandbox import (
    answering,
    authentication,
    dns_records,
    frame,
    header_notes,
    links_in,
    parts,
    spam_score,
    stored,
)
from delivery.sandbox.frame import View
from delivery.sandbox.parts import Mail
from delivery.views.sandbox import box, find

GMAIL_CUTS = 102 * 1024  # bytes of HTML that Gmail shows
GMAIL_NEAR = 90 * 1024
LONGEST_SOURCE = 1024 * 1024  # bytes that the page shows; the download has all
LONGEST_SHOWN = 500_000  # characters of plain text
CHECKS = limits.Limit(most=60, seconds=3_600)  # questions to others, for a workspace
_ENDINGS = {"text/plain": ".txt", "text/html": ".html", "message/rfc822": ".eml"}
# Control letters as pictures of themselves, so that they can be seen and do nothing.
_VISIBLE = {number: 0x2400 + number for number in range(32) if chr(number) not in "\t\n\r"}


@member(Permission.EDIT)
def sandbox_message(request: MemberRequest, message_id: int) -> HttpResponse:
    """Show one mail; ``?view=`` says which side of it."""
    mail = find(request, message_id)
    content = stored.read(mail)
    view = request.GET.get("view", "")
    if view not in _SIDES:
        view = "html" if content.body_of("text/html") else "text"
    return _page(request, mail, content, view)


def _page(
    request: MemberRequest, mail: SandboxMessage, content: Mail, view: str, **more: Any
) -> HttpResponse:
    message = answering.ledger_message(mail)
    siblings = box(request, of_installation=mail.workspace_id is None)
    context = {
        "mail": mail,
        "view": view,
        "content": content,
        "sender": content.get("from"),
        "message": message,
        "subscriber_id": _known_person(message),
        "possible": answering.possible(mail, content, message),
        "visitors": list(answering.VISITORS.values()),
        "noted": list(answering.noted(mail)),
        "newer": siblings.filter(pk__gt=mail.pk).order_by("pk").values_list("pk", flat=True)[:1],
        "older": siblings.filter(pk__lt=mail.pk).order_by("-pk").values_list("pk", flat=True)[:1],
        "attachments": sum(part.is_attachment for part in content.parts),
        **_SIDES[view](request, mail, content, message),
        **more,
    }
    return render(request, "delivery/sandbox_message.html", context)


def _known_person(message: Message | None) -> int | None:
    if message is None:
        return None
    people = message.campaign.workspace.subscribers.filter(pk=message.subscriber_id)
    return people.values_list("pk", flat=True).first()


def _view_of(request: MemberRequest) -> View:
    look, pictures = request.GET.get("look", ""), request.GET.get("pictures", "")
    return View(
        look=look if look in frame.LOOKS else frame.LOOKS[0],
        pictures=pictures if pictures in frame.PICTURES else frame.PICTURES[0],
    )


def _html_side(
    request: MemberRequest, _mail: SandboxMessage, content: Mail, _message: Message | None
) -> dict[str, Any]:
    return {
        "shown": _view_of(request),
        "has_html": bool(content.html),
        "hides_pictures": frame.has_remote_pictures(content.html),
        "has_dark": frame.has_own_dark_styles(content.html),
    }


def _text_side(
    _request: MemberRequest, _mail: SandboxMessage, content: Mail, _message: Message | None
) -> dict[str, Any]:
    text = content.text
    return {"text": text[:LONGEST_SHOWN].translate(_VISIBLE), "is_cut": len(text) > LONGEST_SHOWN}


def _links_side(
    _request: MemberRequest, _mail: SandboxMessage, content: Mail, message: Message | None
) -> dict[str, Any]:
    targets = answering.targets_of(message)
    found, more = links_in.links_of(content, message.pk if message else None, targets)
    return {"links": found, "more_links": more}


def _headers_side(
    _request: MemberRequest, _mail: SandboxMessage, content: Mail, _message: Message | None
) -> dict[str, Any]:
    rows = [(field, header_notes.note_of(field, content)) for field in content.fields]
    return {"headers": rows, "missing": header_notes.missing(content)}


def _parts_side(
    _request: MemberRequest, _mail: SandboxMessage, _content: Mail, _message: Message | None
) -> dict[str, Any]:
    return {}


def _checks_side(
    _request: MemberRequest, mail: SandboxMessage, content: Mail, _message: Message | None
) -> dict[str, Any]:
    keys = authentication.keys_of(mail.workspace_id) if mail.workspace_id else {}
    html = content.body_of("text/html")
    size = len(content.html.encode("utf-8", "replace")) if html else 0
    return {
        "judged": authentication.judge(content, envelope_from=mail.envelope_from, keys=keys),
        "html_size": size,
        "html_tone": "failed" if size > GMAIL_CUTS else "waiting" if size > GMAIL_NEAR else "good",
        "gmail_cuts": GMAIL_CUTS,
        "asks_rspamd": spam_score.is_configured(),
    }


def _source_side(
    _request: MemberRequest, mail: SandboxMessage, content: Mail, _message: Message | None
) -> dict[str, Any]:
    shown = content.raw[:LONGEST_SOURCE].decode("utf-8", "replace")
    return {"source": shown.translate(_VISIBLE), "is_cut": mail.size > LONGEST_SOURCE}


_Side = Callable[[MemberRequest, SandboxMessage, Mail, Message | None], dict[str, Any]]
_SIDES: dict[str, _Side] = {
    "html": _html_side,
    "text": _text_side,
    "links": _links_side,
    "headers": _headers_side,
    "parts": _parts_side,
    "checks": _checks_side,
    "source": _source_side,
}


@xframe_options_sameorigin
@member(Permission.EDIT)
def sandbox_body(request: MemberRequest, message_id: int) -> HttpResponseBase:
    """Return the mail's HTML for the frame, bound by a policy of its own.

    Pictures of other servers, who would hear of it, are loaded only when asked for.
    """
    mail = find(request, message_id)
    shown = _view_of(request)
    return csp_replace(frame.policy(shown))(lambda _request: _body(mail, shown))(request)


def _body(mail: SandboxMessage, shown: View) -> HttpResponse:
    content = stored.read(mail)
    html = (
        frame.page(content, shown)
        if content.html
        else format_html("<pre>{}</pre>", _("This email has no HTML part."))
    )
    response = HttpResponse(html)
    response["Referrer-Policy"] = "no-referrer"
    return response


@member(Permission.EDIT)
def sandbox_source(request: MemberRequest, message_id: int) -> HttpResponseBase:
    """Download the whole mail as it came."""
    mail = find(request, message_id)
    name = f"{slugify(mail.subject)[:60] or 'email'}-{mail.pk}.eml"
    return _download(StreamingHttpResponse(stored.pieces(mail)), name)


@member(Permission.EDIT)
def sandbox_part(request: MemberRequest, message_id: int) -> HttpResponseBase:
    """Download one part, ``?part=1.2`` (else the first), as a file that no browser opens by itself.

    Raises:
        Http404: there is no such part, or the mail is too large to reach its end.
    """
    mail = find(request, message_id)
    content = stored.read(mail)
    first = next((one.number for one in content.parts if not one.holds_parts), "")
    part = content.part(request.GET.get("part", first)[:40])
    if part is None or part.holds_parts or part.is_cut:
        raise Http404
    name = part.file_name or f"part-{part.number}{_ENDINGS.get(part.kind, '')}"
    return _download(HttpResponse(parts.content_of(content.raw, part)), name)


def _download(response: HttpResponseBase, name: str) -> HttpResponseBase:
    response["Content-Type"] = "application/octet-stream"
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name)
    response["X-Content-Type-Options"] = "nosniff"
    return response


@require_POST
@member(Permission.EDIT)
def sandbox_check(request: MemberRequest, message_id: int) -> HttpResponse:
    """Ask others about a mail and show the answers: ``what=dns`` the DNS, ``what=spam`` rspamd."""
    mail = find(request, message_id)
    what = request.POST.get("what", "")
    if what not in {"dns", "spam"} or (what == "spam" and not spam_score.is_configured()):
        return HttpResponseBadRequest()
    content = stored.read(mail)
    if not limits.within(CHECKS, f"sandbox-checks:{request.workspace.pk}"):
        trouble = _("That was asked very often within the hour. Try again later.")
        return _page(request, mail, content, "checks", trouble=trouble)
    if what == "dns":
        keys = authentication.keys_of(mail.workspace_id) if mail.workspace_id else {}
        judged = authentication.judge(content, envelope_from=mail.envelope_from, keys=keys)
        records = dns_records.look_up(judged, keys)
        return _page(request, mail, content, "checks", records=records)
    try:
        score = spam_score.ask(
            content.raw, envelope_from=mail.envelope_from, envelope_to=mail.envelope_to
        )
    except spam_score.SpamScoreError as error:
        return _page(request, mail, content, "checks", trouble=error.sentence)
    return _page(request, mail, content, "checks", score=score)
