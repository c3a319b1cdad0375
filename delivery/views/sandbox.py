"""The sandbox inbox: every mail that the built-in server kept, as a reader would see it.

Mail of the installation itself (resets, invitations) opens accounts: only superusers see it. Other
mails' links act for the people they went to: who may only look sees the list, not the mails.
"""

import email
import email.policy
import re
from email.message import EmailMessage

from csp.decorators import csp_replace
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_POST

from accounts.access.permissions import MemberRequest, member
from accounts.input.numbers import row_number
from accounts.roles import Permission
from delivery.models import SandboxMessage

PAGE = 50
VIEWS = ("html", "text", "headers", "source")
# The mail's own styles and pictures may show; nothing in it may run or reach the site's pages.
# Links open in a tab of their own, where they are ordinary pages again.
MAIL_POLICY = {
    "default-src": ["'none'"],
    "img-src": ["'self'", "data:"],
    "style-src": ["'unsafe-inline'"],
    "font-src": ["data:"],
    "base-uri": ["'none'"],
    "form-action": ["'none'"],
    "frame-ancestors": ["'self'"],
    "sandbox": ["allow-popups", "allow-popups-to-escape-sandbox"],
    "script-src": ["'none'"],
    "connect-src": ["'none'"],
    "frame-src": ["'none'"],
    "object-src": ["'none'"],
}


# The same, and pictures from everywhere: somebody asked for them.
PICTURES_POLICY = {**MAIL_POLICY, "img-src": ["'self'", "data:", "https:", "http:"]}
_REMOTE = re.compile(
    r"""(?:src|background|srcset)\s*=\s*["']?\s*https?:|url\(\s*["']?https?:""", re.IGNORECASE
)


def _key(request: MemberRequest, name: str) -> int | None:
    return row_number(request.GET.get(name, ""))


def _box(request: MemberRequest, *, of_installation: bool) -> QuerySet[SandboxMessage]:
    """Return one inbox: the workspace's, or the installation's.

    Raises:
        Http404: the installation's is for superusers only.
    """
    if not of_installation:
        return SandboxMessage.objects.filter(workspace=request.workspace)
    if not request.user.is_superuser:
        raise Http404
    return SandboxMessage.objects.filter(workspace=None)


@member(Permission.VIEW)
def sandbox_list(request: MemberRequest) -> HttpResponse:
    """Show kept mails, newest first, found by address or subject.

    ``?installation=1``: those of the installation itself.
    """
    of_installation = request.GET.get("installation") == "1"
    found = _box(request, of_installation=of_installation).defer("raw")
    search = request.GET.get("q", "").strip()[:320]
    if search:
        found = found.filter(Q(envelope_to__icontains=search) | Q(subject__icontains=search))
    before = _key(request, "before")
    if before is not None:
        found = found.filter(pk__lt=before)
    rows = list(found.order_by("-pk")[: PAGE + 1])
    context = {
        "mails": rows[:PAGE],
        "next": rows[PAGE - 1].pk if len(rows) > PAGE else None,
        "search": search,
        "of_installation": of_installation,
    }
    return render(request, "delivery/sandbox.html", context)


def _find(request: MemberRequest, message_id: int) -> SandboxMessage:
    visible = Q(workspace=request.workspace)
    if request.user.is_superuser:
        visible |= Q(workspace=None)
    return get_object_or_404(SandboxMessage.objects.filter(visible), pk=message_id)


def _parsed(mail: SandboxMessage) -> EmailMessage:
    parsed = email.message_from_bytes(bytes(mail.raw), policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)  # noqa: S101 - what the default policy makes
    return parsed


def _part(parsed: EmailMessage, kind: str) -> str:
    part = parsed.get_body((kind,))
    try:
        return str(part.get_content()) if part is not None else ""
    except (LookupError, ValueError, KeyError):
        return ""


@member(Permission.EDIT)
def sandbox_message(request: MemberRequest, message_id: int) -> HttpResponse:
    """Show one mail: as HTML in a frame of its own, as text, its headers, its source."""
    mail = _find(request, message_id)
    parsed = _parsed(mail)
    html, text = _part(parsed, "html"), _part(parsed, "plain")
    view = request.GET.get("view", "")
    if view not in VIEWS:
        view = "html" if html else "text"
    siblings = _box(request, of_installation=mail.workspace_id is None)
    context = {
        "mail": mail,
        "view": view,
        "has_html": bool(html),
        "hides_pictures": bool(_REMOTE.search(html)),
        "pictures": "pictures" in request.GET,
        "text": text,
        "sender": str(parsed.get("From", "")),
        "headers": [(name, str(value)) for name, value in parsed.items()],
        "source": bytes(mail.raw).decode("utf-8", "replace") if view == "source" else "",
        "attachments": [
            (part.get_filename() or _("without a name"), part.get_content_type())
            for part in parsed.iter_attachments()
        ],
        "newer": siblings.filter(pk__gt=mail.pk)
        .order_by("pk")
        .values_list("pk", flat=True)
        .first(),
        "older": siblings.filter(pk__lt=mail.pk)
        .order_by("-pk")
        .values_list("pk", flat=True)
        .first(),
    }
    return render(request, "delivery/sandbox_message.html", context)


@xframe_options_sameorigin
@member(Permission.EDIT)
def sandbox_body(request: MemberRequest, message_id: int) -> HttpResponseBase:
    """Return the mail's HTML for the frame, sandboxed by its own policy.

    Pictures of other servers, who would hear of it, are loaded only when asked for.
    """
    mail = _find(request, message_id)
    policy = PICTURES_POLICY if "pictures" in request.GET else MAIL_POLICY
    return csp_replace(policy)(lambda _request: _body(mail))(request)


def _body(mail: SandboxMessage) -> HttpResponse:
    html = _part(_parsed(mail), "html") or format_html(
        "<pre>{}</pre>", _("This email has no HTML part.")
    )
    response = HttpResponse(_in_new_tab(html))
    response["Referrer-Policy"] = "no-referrer"
    return response


def _in_new_tab(html: str) -> str:
    # The frame is sandboxed: a link could lead nowhere inside it.
    head = html.lower().find("<head>")
    target = '<base target="_blank">'
    return html[: head + 6] + target + html[head + 6 :] if head >= 0 else target + html


@require_POST
@member(Permission.EDIT)
def sandbox_empty(request: MemberRequest) -> HttpResponse:
    """Throw all kept mails of the workspace away, or those of the installation."""
    of_installation = request.POST.get("installation") == "1"
    count, _by_model = _box(request, of_installation=of_installation).delete()
    text = ngettext("%(n)s mail thrown away.", "%(n)s emails thrown away.", count)
    messages.success(request, text % {"n": count})
    return redirect(reverse("sandbox_list") + ("?installation=1" if of_installation else ""))
