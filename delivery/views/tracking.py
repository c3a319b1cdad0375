"""The open pixel and the click redirect. Neither changes anything that a person would miss."""

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_safe

from delivery import tokens
from delivery.states import EventKind
from delivery.tracking import collect, links
from delivery.tracking.sightings import Sighting
from delivery.views.public import lost
from subscribers import visitors

PIXEL = bytes.fromhex(
    "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b"
)
PIXEL_HEADERS = {
    "Cache-Control": "no-store, no-cache, must-revalidate, private",
    "Pragma": "no-cache",
    "Expires": "0",
    "X-Robots-Tag": "noindex, nofollow",
    "Referrer-Policy": "no-referrer",
}


@require_safe
def track_open(request: HttpRequest, token: str) -> HttpResponseBase:
    """Answer with the pixel, whatever the token; note the open when it is good."""
    message_id = tokens.read(token, tokens.Purpose.TRACK)
    if message_id is not None:
        collect.note(_sighting(request, message_id, EventKind.OPENED))
    return HttpResponse(PIXEL, content_type="image/gif", headers=PIXEL_HEADERS)


@require_safe
def track_click(request: HttpRequest, token: str, ordinal: int) -> HttpResponseBase:
    """Lead to the link of that number, and nowhere else."""
    message_id = tokens.read(token, tokens.Purpose.TRACK)
    url = None if message_id is None else links.target(message_id, ordinal=ordinal)
    if message_id is None or url is None:
        return lost(request)
    collect.note(_sighting(request, message_id, EventKind.CLICKED, ordinal))
    return HttpResponse(
        status=302,
        headers={
            "Location": url,
            "Cache-Control": "no-store, private",
            "X-Robots-Tag": "noindex, nofollow",
            "Referrer-Policy": "no-referrer",
        },
    )


def _sighting(request: HttpRequest, message_id: int, kind: EventKind, ordinal: int = 0) -> Sighting:
    return Sighting(
        message_id=message_id,
        kind=kind,
        ordinal=ordinal,
        at=timezone.now(),
        user_agent=visitors.user_agent_of(request),
        ip=visitors.ip_of(request),
        is_head=request.method == "HEAD",
        names_language="HTTP_ACCEPT_LANGUAGE" in request.META,
    )
