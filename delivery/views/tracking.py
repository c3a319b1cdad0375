"""The open pixel and the click redirect. Neither changes anything that a person would miss."""

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from campaigns.rendering.isolation import BusyError
from delivery.mime import tokens
from delivery.states import EventKind
from delivery.tracking import collect, links
from delivery.tracking.hits import Hit
from delivery.views.public import lost
from subscribers.signup import visitors

PIXEL = bytes.fromhex(
    "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b"
)
HEADERS = {
    "Cache-Control": "no-store, no-cache, must-revalidate, private",
    "Pragma": "no-cache",
    "Expires": "0",
    "X-Robots-Tag": "noindex, nofollow",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
# The addresses of `delivery.urls`.
OPEN_PATH = re.compile(r"/o/([^/]+)\.gif").fullmatch
CLICK_PATH = re.compile(r"/c/([^/]+)/([0-9]{1,5})/").fullmatch


@require_safe
def track_open(request: HttpRequest, token: str) -> HttpResponse:
    """Answer with the pixel, whatever the token; note the open when it is good."""
    message_id = tokens.read(token, tokens.Purpose.TRACK)
    if message_id is not None:
        collect.note(_sighting(request, message_id, EventKind.OPENED))
    return HttpResponse(
        PIXEL, content_type="image/gif", headers={"Content-Length": "43", **HEADERS}
    )


@require_safe
def track_click(request: HttpRequest, token: str, ordinal: int) -> HttpResponse:
    """Lead to the link of that number, and nowhere else."""
    return redirect_to_link(request, token, ordinal) or lost(request)


def redirect_to_link(request: HttpRequest, token: str, ordinal: int) -> HttpResponse | None:
    """Note a click and answer with the link's address; None when there is no such link."""
    message_id = tokens.read(token, tokens.Purpose.TRACK)
    if message_id is None:
        return None
    try:
        url = links.target(message_id, ordinal=ordinal)
    except BusyError:
        return HttpResponse(status=503, headers={"Retry-After": "2", **HEADERS})
    if url is None:
        return None
    collect.note(_sighting(request, message_id, EventKind.CLICKED, ordinal))
    return HttpResponse(status=302, headers={"Location": url, "Content-Length": "0", **HEADERS})


class TrackingShortcut:
    """Middleware that answers opens and clicks before sessions, languages and policies are read.

    They are most of the requests that an installation gets, and need none of these. What is not
    good (and gets a page that says so) goes the usual way.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle one request."""
        if request.method in {"GET", "HEAD"}:
            path = request.path_info
            answer = None
            if opened := OPEN_PATH(path):
                answer = track_open(request, opened[1])
            elif clicked := CLICK_PATH(path):
                answer = redirect_to_link(request, clicked[1], int(clicked[2]))
            if answer is not None:
                return answer
        return self.get_response(request)


def _sighting(request: HttpRequest, message_id: int, kind: EventKind, ordinal: int = 0) -> Hit:
    return Hit(
        message_id=message_id,
        kind=kind,
        ordinal=ordinal,
        at=timezone.now(),
        user_agent=visitors.user_agent_of(request),
        ip=visitors.ip_of(request),
        is_head=request.method == "HEAD",
        names_language="HTTP_ACCEPT_LANGUAGE" in request.META,
        names_accept="HTTP_ACCEPT" in request.META,
        is_prefetch=any(
            "prefetch" in request.META.get(name, "").lower()
            for name in ("HTTP_PURPOSE", "HTTP_SEC_PURPOSE", "HTTP_X_MOZ")
        ),
    )
