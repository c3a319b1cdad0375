"""From which sites a form may be filled in, and to which pages it may lead afterwards."""

import re
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _

from subscribers.models import SignupForm

HOST = re.compile(
    r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*"
)
LOOPBACK = frozenset({"localhost", "127.0.0.1"})
MOST = 20


def read_origin(text: str) -> str:
    """Read a site as people write it ("example.org", "https://example.org/") as an origin.

    Raises:
        ValueError: it is no site, with a sentence that says why.
    """
    given = text.strip()
    full = given if "://" in given else f"https://{given}"
    try:
        parts = urlsplit(full)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode().lower()
    except ValueError as error:
        raise ValueError(_("“%(site)s” is no site.") % {"site": given}) from error
    if not HOST.fullmatch(host) or parts.username or parts.path.strip("/") or parts.query:
        raise ValueError(
            _("“%(site)s” is no site. Write it like https://example.org, without a path.")
            % {"site": given}
        )
    if parts.scheme != "https" and not (parts.scheme == "http" and host in LOOPBACK):
        raise ValueError(_("“%(site)s” must begin with https://.") % {"site": given})
    return f"{parts.scheme}://{host}" + (f":{port}" if port else "")


def own_origin() -> str:
    """Return where this installation is reached."""
    return origin_of(settings.SITE_URL)


def allows(form: SignupForm, request: HttpRequest, *, is_hosted: bool) -> bool:
    """Say whether a sign-up may come from where the browser says that it comes from.

    Programs can say what they like, so this keeps sites away, not attackers. Our own page sends
    ``Origin: null`` because it asks for no referrer; it shows its own token instead
    (``is_hosted``). Where no rule is set, every site may.
    """
    origin = request.headers.get("Origin", "")
    if not form.origins or not origin or origin in {own_origin(), *form.origins}:
        return True
    return is_hosted and origin == "null"


def answer_origin(form: SignupForm, request: HttpRequest) -> str:
    """Return what Access-Control-Allow-Origin says to this request, "" for nothing."""
    origin = request.headers.get("Origin", "")
    if not form.origins:
        return "*"
    return origin if origin in {own_origin(), *form.origins} else ""


def frame_ancestors(form: SignupForm) -> list[str]:
    """Return the sites that may show the form in a frame, as CSP sources."""
    return ["'self'", *form.origins] if form.origins else ["*"]


def may_lead_to(form: SignupForm, url: str) -> bool:
    """Say whether a form may lead to this address: HTTPS, on its own sites.

    Its own are the workspace's website, this installation, and the sites that may embed it. Asked
    when the form is saved, and again each time before somebody is sent there.
    """
    if not url or any(letter.isspace() or letter == "\\" for letter in url):
        return False
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        _port = parts.port
    except ValueError:
        return False
    if parts.username is not None or not host:
        return False
    if parts.scheme == "https":
        return host in own_hosts(form)
    return parts.scheme == "http" and host in LOOPBACK and host in own_hosts(form)


def origin_of(url: str) -> str:
    """Return an address's origin."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def own_hosts(form: SignupForm) -> set[str]:
    """Return the hosts of the form's own sites."""
    sites = [form.workspace.website, settings.SITE_URL, *form.origins]
    found = {(urlsplit(site).hostname or "").lower() for site in sites if site}
    plain = {host.removeprefix("www.") for host in found}
    return (found | plain | {f"www.{host}" for host in plain}) - {"", "www."}
