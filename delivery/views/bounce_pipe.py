"""Returned mails that a mail server hands in: ``POST /bounces/<word>/`` with the mail as it is."""

import redis
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from accounts.background import set_aside
from accounts.input.limits import Limit, within
from delivery.bounces import intake, keeping, pipes
from delivery.models import BounceMailbox
from delivery.states import FeedbackSource

LARGEST = 32 * 1024 * 1024  # bytes of one request; of a mail the beginning is kept
OF_AN_ADDRESS = Limit(most=6_000, seconds=60)


@csrf_exempt  # whoever knows the address may hand mails in; there is no session
@require_POST
def bounce_pipe(request: HttpRequest, token: str) -> HttpResponse:
    """Take one mail in. 503 and 429 ask to come again; the mail server keeps it until then."""
    mailbox = pipes.find(token)
    refused = _refusal(mailbox)
    if mailbox is None or refused is not None:
        return refused or _said(404, "")
    raw = request.read(keeping.LARGEST)
    if not raw.strip():
        return _said(400, "Send the mail as the body of the request.")
    try:
        row = intake.take(
            raw,
            workspace=mailbox.workspace,
            source=FeedbackSource.BOUNCE_MAIL,
            mailbox=mailbox,
            # The plus sign of bounce+…@ stands for a blank in a query, and nobody writes it as %2B.
            envelope_to=request.GET.get("to", "").replace(" ", "+")[:320],
            size=int(request.META.get("CONTENT_LENGTH") or 0),
        )
    except set_aside.AWAY:
        return _said(503, "Cannot take mail just now.")
    BounceMailbox.objects.filter(pk=mailbox.pk).update(checked_at=timezone.now())
    return _said(200, f"Taken as {row.pk}.")


def _refusal(mailbox: BounceMailbox | None) -> HttpResponse | None:
    if mailbox is None:
        return _said(404, "There is no such address.")
    if mailbox.is_paused:
        return _said(503, "This address is paused.")
    try:
        if not within(OF_AN_ADDRESS, f"bounce-pipe:{mailbox.pk}"):
            return _said(429, "Too many mails in a minute.")
    except redis.RedisError:
        return _said(503, "Cannot take mail just now.")
    return None


def most_bytes(token: str) -> int:
    """Return how large a request to this address may be, for the web server."""
    return LARGEST if pipes.find(token) is not None else 0


bounce_pipe.most_bytes = most_bytes  # type: ignore[attr-defined]  # read by config.server.uploads


def _said(status: int, words: str) -> HttpResponse:
    response = HttpResponse(f"{words}\n", status=status, content_type="text/plain; charset=utf-8")
    if status in {429, 503}:
        response["Retry-After"] = "60"
    return response
