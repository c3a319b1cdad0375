"""What a request to a public page tells of its maker, and the language to answer in."""

from collections.abc import Callable, Iterable
from functools import wraps
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any, TypedDict

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from accounts.models import Workspace
from subscribers.models import MailingList, SignupForm, Subscriber

LONGEST_USER_AGENT = 500
# How much of an address is one household or office: what rate limits count together.
IPV4_NETWORK = 24
IPV6_NETWORK = 48

LARGEST = 65_536  # bytes of what is sent to a public page

View = Callable[..., HttpResponse]


class Origin(TypedDict):
    """From where, and by which program: part of the evidence of consent."""

    ip: str | None
    user_agent: str


def ip_of(request: HttpRequest) -> str:
    """Return the visitor's IP address, "" when it is unknown.

    Behind a proxy (``BEHIND_PROXY``) it is the last entry of X-Forwarded-For: the one that our
    proxy wrote. What stands before it came from the visitor and proves nothing.
    """
    text = request.META.get("REMOTE_ADDR", "")
    if settings.BEHIND_PROXY:
        text = request.META.get("HTTP_X_FORWARDED_FOR", text).rpartition(",")[2].strip()
    try:
        # A link-local address may name its interface ("fe80::1%eth0"): no part of the address, and
        # nothing that PostgreSQL's inet takes.
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def network_of(ip: str) -> str:
    """Return the network that an address belongs to, "" for none."""
    if not ip:
        return ""
    length = IPV6_NETWORK if ":" in ip else IPV4_NETWORK
    return str(ip_network(f"{ip}/{length}", strict=False))


def user_agent_of(request: HttpRequest) -> str:
    """Return how the visitor's program names itself."""
    return str(request.META.get("HTTP_USER_AGENT", ""))[:LONGEST_USER_AGENT]


def origin(request: HttpRequest) -> Origin:
    """Return where a request came from, as evidence."""
    return {"ip": ip_of(request) or None, "user_agent": user_agent_of(request)}


def speak(request: HttpRequest, *preferred: str) -> None:
    """Answer in the language asked for by the link at a page's foot, else the first one known.

    Without any, the browser's language stays.
    """
    known = dict(settings.LANGUAGES)
    for language in (request.GET.get("language", ""), *preferred):
        if language in known:
            translation.activate(language)
            request.LANGUAGE_CODE = language
            return


def language_of(
    *,
    person: Subscriber | None,
    lists: Iterable[MailingList],
    form: SignupForm | None = None,
    workspace: Workspace | None = None,
    read: str = "",
) -> str:
    """Return the language for a person: their own, else the form's, list's, workspace's.

    ``read`` is the one they were reading; it counts where they have none of their own.
    """
    of_lists = next((one.language for one in lists if one.language), "")
    home = form.workspace if form else workspace
    return (
        (person.language if person else "")
        or read
        or (form.language if form else "")
        or of_lists
        or (home.default_language if home else settings.LANGUAGE_CODE)
    )


def is_too_large(request: HttpRequest) -> bool:
    """Say whether a request holds more than any public form needs."""
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST
    except ValueError:
        return True


def asked_language(request: HttpRequest) -> str:
    """Return the query that keeps a chosen language across a form, "" when none was chosen."""
    language = request.GET.get("language", "")
    return f"?language={language}" if language in dict(settings.LANGUAGES) else ""


def other_languages() -> list[tuple[str, str]]:
    """Return the languages to switch to as (code, the language's own name for itself)."""
    now = translation.get_language()
    return [
        (code, capfirst(translation.get_language_info(code)["name_local"]))
        for code, _name in settings.LANGUAGES
        if code != now
    ]


def public_page(*methods: str) -> Callable[[View], View]:
    """Guard a page that strangers open: methods, caches, search engines, referrers.

    No CSRF cookie: what such a page changes is allowed by the token in its address (or, signing up,
    to everybody), never by who is signed in, so another site gains nothing by posting to it. And it
    must work in mail programs that keep no cookies.
    """

    def decorate(view: View) -> View:
        @csrf_exempt
        @never_cache
        @require_http_methods(methods)
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if is_too_large(request):
                response = HttpResponse(
                    _("That is more than this page accepts. Nothing was saved."),
                    status=413,
                    content_type="text/plain; charset=utf-8",
                )
            else:
                response = view(request, *args, **kwargs)
            response["X-Robots-Tag"] = "noindex, nofollow"
            response["Referrer-Policy"] = "no-referrer"
            return response

        return guarded

    return decorate
