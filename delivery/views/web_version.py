"""A mail as a web page, for those whose mail program shows it badly."""

from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from campaigns.models import Content
from campaigns.rendering import isolation
from campaigns.rendering.compile import CompiledContent
from campaigns.rendering.errors import ContentError
from campaigns.rendering.stored import compile_version
from delivery.mime.recipient import Recipient
from delivery.mime.render import RenderError, render_web_version
from delivery.mime.tokens import Purpose
from delivery.public import message_link
from delivery.public.message_link import Reader
from delivery.views.public import lost
from subscribers.signup import visitors

# The page was written by a member of a workspace, not by us: no scripts, no forms, no access to
# anything of this site. Pictures may come from where the mail has them.
POLICY = (
    "default-src 'none'; img-src https: http: data:; style-src 'unsafe-inline'; "
    "font-src https: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox "
    "allow-top-navigation-by-user-activation"
)


@visitors.public_page("GET", "HEAD")
def web_version(request: HttpRequest, token: str) -> HttpResponse:
    """Show a mail as it was sent to this person."""
    reader = message_link.find(token, Purpose.VIEW)
    if reader is None or reader.person is None:
        return lost(request)
    visitors.speak(request, *reader.languages)
    try:
        with isolation.on_behalf_of(reader.campaign.workspace_id):
            html = _html(reader)
    except isolation.BusyError as error:
        return HttpResponse(
            error.sentence, status=503, content_type="text/plain", headers={"Retry-After": "5"}
        )
    if html is None:
        return lost(request)
    return HttpResponse(html, headers={"Content-Security-Policy": POLICY})


def _html(reader: Reader) -> str | None:
    person = reader.person
    version = _version(reader)
    if person is None or version is None:
        return None
    recipient = Recipient(
        message_id=reader.message.pk,
        subscriber_id=person.pk,
        email=person.email,
        first_name=person.first_name,
        last_name=person.last_name,
        language=person.language,
        fields=person.fields,
    )
    try:
        return render_web_version(version, recipient, site_url=settings.SITE_URL)
    except isolation.BusyError:
        raise
    except RenderError:
        return None


def _version(reader: Reader) -> CompiledContent | None:
    content = (
        Content.objects.filter(
            campaign=reader.campaign, version=reader.message.content_version
        ).first()
        if reader.message.content_version
        else reader.campaign.content
    )
    if content is None:
        return None
    try:
        return _compiled(content.pk) if content.frozen_at else compile_version(content)
    except isolation.BusyError:
        raise
    except ContentError:
        return None


@lru_cache(maxsize=16)
def _compiled(content_id: int) -> CompiledContent:
    """Compile a version that was sent: it never changes."""
    content = Content.objects.select_related("campaign__workspace", "template").get(pk=content_id)
    return compile_version(content)
