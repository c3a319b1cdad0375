"""Where providers report: check who speaks, keep what they say, answer. Nothing else happens here.

An answer of 2xx says that the events are kept, of 4xx that telling them again would not help, of
503 that it would: the provider's own retries bring them later.
"""

import re
from collections.abc import Callable
from typing import Any, Final

import structlog
from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.utils.translation import gettext_noop as _
from django.views.decorators.csrf import csrf_exempt

from accounts.installation import secrets
from delivery.events.webhooks import checking, credentials, intake, splitting
from delivery.events.webhooks.checking import Refusal
from delivery.models import WebhookAddress
from delivery.states import Provider

PATH: Final = re.compile(r"/hooks/([A-Za-z0-9_-]{20,43})/").fullmatch
RETRY_SECONDS: Final = "30"
BODY_REFUSED: Final = "warta.refused"  # see `config.server.bodies`
# They ask for the address before they use it: Unisender Go by GET, Mandrill and others by HEAD.
ASKS_BY_GET: Final = frozenset({Provider.UNISENDER_GO})
TOO_LARGE: Final = Refusal(413, _("An event came that is larger than WEBHOOK_MAX_MB allows."))

log = structlog.get_logger()


def most_bytes(token: str) -> int | None:
    """Return how large a body may be here, None: as everywhere, nobody knows this address."""
    known = WebhookAddress.objects.filter(token=token).exists()
    return int(settings.WEBHOOK_MAX_BYTES) if known else None


@csrf_exempt
def provider_webhook(request: HttpRequest, token: str) -> HttpResponse:
    """Keep the events of one sending account's provider."""
    try:
        response = _answer(request, token)
    except (OperationalError, InterfaceError):
        log.warning("webhook_waits", reason="the database is away")
        response = HttpResponse(status=503, headers={"Retry-After": RETRY_SECONDS})
    response.headers["Content-Length"] = str(len(response.content))
    return response


provider_webhook.most_bytes = most_bytes  # type: ignore[attr-defined]  # read by `server.uploads`


def _answer(request: HttpRequest, token: str) -> HttpResponse:
    if refused := request.META.get(BODY_REFUSED):
        return HttpResponse(status=refused)
    address = credentials.find(token)
    if address is None:
        return HttpResponse(status=404)
    if request.method != "POST":
        by_get = address.account.provider in ASKS_BY_GET and request.method == "GET"
        if by_get or request.method == "HEAD":
            return HttpResponse()
        return HttpResponse(status=405, headers={"Allow": "POST, HEAD"})
    try:
        refusal = _take(request, address)
    except splitting.UnreadableBodyError as error:
        refusal = Refusal(400, str(error))
    except (SuspiciousOperation, UnreadablePostError):  # a form of too many fields, or cut short
        refusal = Refusal(400, intake.STRANGE)
    return HttpResponse() if refusal is None else _refuse(address, refusal)


def _take(request: HttpRequest, address: WebhookAddress) -> Refusal | None:
    """Keep what a request holds, or return why not."""
    if not _read_body(request):
        return TOO_LARGE
    refusal = _check(request, address)
    if refusal is None:
        count = intake.take(address, request)
        log.debug("webhook", account=address.account_id, events=count)
    return refusal


def _read_body(request: HttpRequest) -> bool:
    """Take the body in, whole and unpacked; False: it is larger than any provider's."""
    most = int(settings.WEBHOOK_MAX_BYTES)
    data = request.read(most + 1)
    if len(data) > most:
        return False
    encoding = request.headers.get("Content-Encoding", "")
    unpacked = splitting.inflate(data, encoding, most=most)
    if unpacked is None:
        return False
    holder: Any = request
    holder._body = unpacked  # noqa: SLF001 - where Django keeps what it read
    request.META["CONTENT_LENGTH"] = str(len(unpacked))
    return True


def _check(request: HttpRequest, address: WebhookAddress) -> Refusal | None:
    try:
        wanted = credentials.read(address)
    except secrets.UnreadableSecretError:
        return checking.KEY_UNUSABLE
    urls: tuple[str, ...] = ()
    if address.account.provider == Provider.MANDRILL:
        urls = credentials.possible_urls(address, wanted)
    return checking.check(
        address.account.provider,
        request,
        passwords=wanted.passwords,
        key=checking.key_of(address.account, wanted),
        urls=urls,
    )


def _refuse(address: WebhookAddress, refusal: Refusal) -> HttpResponse:
    log.warning("webhook_refused", account=address.account_id, status=refusal.status)
    intake.note_trouble(address, refusal.words)
    response = HttpResponse(status=refusal.status)
    if refusal.status == checking.UNAUTHORIZED:  # SNS names its password only when it is asked
        response.headers["WWW-Authenticate"] = 'Basic realm="Warta"'
    return response


class WebhookShortcut:
    """Middleware that answers providers before sessions, languages and policies are read.

    They come by the thousand a second when a campaign goes out, and need none of these.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle one request."""
        if found := PATH(request.path_info):
            return provider_webhook(request, found[1])
        return self.get_response(request)
