"""The mail as one person will see it, in a frame that can do nothing."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin

from accounts.access.permissions import MemberRequest, member
from campaigns import queries
from campaigns.audience import sample
from campaigns.audience.chosen import Audience
from campaigns.drafts import previewing
from campaigns.models import Campaign
from campaigns.rendering.stored import preview_content
from campaigns.views import editor

VIEWS = ("desktop", "phone", "dark", "text")

# The mail's own styles have to work and nothing else: no script, no form, no frame, no cookie.
FRAME_POLICY = (
    "sandbox; default-src 'none'; img-src 'self' https: http: data:; style-src 'unsafe-inline'; "
    "font-src https: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)


@member()
@xframe_options_sameorigin
def show(request: MemberRequest, campaign_id: int) -> HttpResponse:
    """Serve the stored mail as one person sees it, for a sandboxed frame."""
    campaign = editor.find(request, campaign_id)
    person = sample.reader(campaign, request.GET.get("person", ""))
    shown = preview_content(editor.content_of(campaign), person)
    return framed(previewing.document(shown, view=request.GET.get("view", "")))


def framed(document: str) -> HttpResponse:
    """Answer with a document that is shut in, whatever it holds."""
    response = HttpResponse(document)
    response["Content-Security-Policy"] = FRAME_POLICY
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "no-store"
    return response


@member()
def pane(request: MemberRequest, campaign_id: int) -> HttpResponse:
    """Show the preview with its switches (a partial)."""
    campaign = editor.find(request, campaign_id)
    return render(request, "campaigns/_pane.html", pane_context(request, campaign))


@member()
def checked(request: MemberRequest, campaign_id: int) -> HttpResponse:
    """Say anew what depends on the saved text: the inbox line, notes, and the bar (a partial)."""
    campaign = editor.find(request, campaign_id)
    audience = Audience.of(campaign)
    pane = pane_context(request, campaign, audience=audience)
    context = editor.page(request, campaign, "content", audience=audience, **pane)
    return render(request, "campaigns/_checked.html", context)


@member()
def people(request: MemberRequest, campaign_id: int) -> HttpResponse:
    """Find people to preview as (a partial)."""
    campaign = editor.find(request, campaign_id)
    found = queries.people(request.workspace, request.GET.get("q", "")[:100])
    return render(
        request, "campaigns/_people.html", {"campaign": campaign, "people": found, **_how(request)}
    )


def pane_context(
    request: MemberRequest, campaign: Campaign, *, audience: Audience | None = None
) -> dict[str, Any]:
    """Return what the preview's surroundings show."""
    person = sample.reader(campaign, request.GET.get("person", ""), audience=audience)
    return {
        "campaign": campaign,
        "person_name": f"{person.first_name} {person.last_name}".strip() or person.email,
        "inbox": preview_content(editor.content_of(campaign), person),
        "views": {
            "desktop": _("Desktop"),
            "phone": _("Phone"),
            "dark": _("Dark"),
            "text": _("Text"),
        },
        "people": queries.people(request.workspace, ""),
        **_how(request),
    }


def _how(request: MemberRequest) -> dict[str, str]:
    view = request.GET.get("view", "")
    chosen = request.GET.get("person", "")
    return {
        "view": view if view in VIEWS else "phone",
        "chosen_person": chosen if chosen.isdecimal() else "",
    }
