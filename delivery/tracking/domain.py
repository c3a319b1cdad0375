"""A workspace's own domain for links and pixels: whether it leads here, by DNS and by HTTPS.

A domain that a member types may lead anywhere, also into the installation's own network; so the
addresses are looked up once, judged (`transports.reach`), and exactly those are asked.
"""

import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import dns.exception
import dns.resolver
from django.conf import settings
from django.http.request import validate_host
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.models import WorkspaceTracking
from delivery.transports import reach
from delivery.transports.providers import session
from subscribers.addresses import mail_servers

SECONDS: Final = 5.0  # for DNS, and for one step of a connection
SECONDS_IN_ALL: Final = 10.0  # of a look, however slowly others answer
HTTPS: Final = 443
MOST_BYTES: Final = 4_096
PROBE: Final = "/o/check.gif"  # no message's: it is answered, and nothing is counted


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One thing that was looked at; ``way_out`` is empty when it is right."""

    what: str
    found: str
    way_out: str = ""

    @property
    def is_right(self) -> bool:
        """Whether nothing has to be done."""
        return not self.way_out


def home() -> str:
    """Return the installation's own name, where the domain has to lead."""
    return urlsplit(settings.SITE_URL).hostname or ""


def is_ours(name: str) -> bool:
    """Whether people may open the installation itself under a name, as far as settings say."""
    named = [pattern for pattern in settings.ALLOWED_HOSTS if pattern != "*"]
    return name == home() or validate_host(name, named)


def check(tracking: WorkspaceTracking, *, port: int = HTTPS) -> list[Step]:
    """Look at a workspace's domain, and keep whether links may be made with it.

    What worked once stays in use when a later look fails: mails with it are out, and the trouble
    may be a moment's.
    """
    steps = list(look(tracking.domain, port=port))
    now = timezone.now()
    tracking.domain_checked_at = now
    if all(step.is_right for step in steps) and not tracking.domain_works_since:
        tracking.domain_works_since = now
    WorkspaceTracking.objects.filter(pk=tracking.pk, domain=tracking.domain).update(
        domain_checked_at=now, domain_works_since=tracking.domain_works_since
    )
    return steps


def look(domain: str, *, port: int = HTTPS) -> Iterator[Step]:
    """Look at a domain: its record, then whether our pixel is answered there with a certificate."""
    until = time.monotonic() + SECONDS_IN_ALL
    try:
        alias, addresses = _records(domain)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        yield Step(
            what=_("DNS"),
            found=_("There is no record of this name."),
            way_out=_("Add a CNAME record for %(domain)s with the value %(home)s.")
            % {"domain": domain, "home": home()},
        )
        return
    except (dns.exception.DNSException, OSError) as error:
        yield Step(
            what=_("DNS"),
            found=_("It could not be looked up (%(error)s).") % {"error": type(error).__name__},
            way_out=_("Try again in a minute."),
        )
        return
    found = _("CNAME to %(target)s") % {"target": alias} if alias else ", ".join(addresses)
    yield Step(what=_("DNS"), found=found)
    yield _https(domain, addresses, port, until)


def _records(domain: str) -> tuple[str, list[str]]:
    """Return where a name points as an alias ("" if it is none), and its addresses."""
    resolver = mail_servers.our_resolver()
    until = time.monotonic() + SECONDS
    addresses: list[str] = []
    alias = ""
    for kind in ("A", "AAAA"):
        try:
            answer = resolver.resolve(domain, kind, lifetime=_left(until))
        except dns.resolver.NoAnswer:
            continue
        addresses += [record.to_text() for record in answer]
        name = answer.canonical_name.to_text(omit_final_dot=True).lower()
        alias = name if name != domain else alias
    if not addresses:
        raise dns.resolver.NoAnswer
    return alias, addresses


def _https(domain: str, addresses: list[str], port: int, until: float) -> Step:
    for text in addresses:
        address = reach.address_of(text)
        if address is None or not (reach.is_public(address) or session.is_own(domain)):
            return Step(
                what=_("HTTPS"),
                found=_("%(address)s is no address of the internet.") % {"address": text},
                way_out=_("Let the record lead to a public address."),
            )
    try:
        answer = _ask(domain, addresses[0], port, until)
    except ssl.SSLCertVerificationError as error:
        return Step(
            what=_("HTTPS"),
            found=_("The certificate is not right: %(why)s") % {"why": error.verify_message},
            way_out=_(
                "Let the web server in front of Warta get a certificate for %(domain)s. Caddy does "
                "so by itself once it knows the name; with nginx, run certbot for it."
            )
            % {"domain": domain},
        )
    except (OSError, ssl.SSLError) as error:
        return Step(
            what=_("HTTPS"),
            found=_("Nobody answers (%(error)s).") % {"error": type(error).__name__},
            way_out=_(
                "Let the web server in front of Warta accept %(domain)s on port 443 and pass it on."
            )
            % {"domain": domain},
        )
    if answer.startswith((b"HTTP/1.1 200", b"HTTP/1.0 200")) and b"GIF89a" in answer:
        return Step(what=_("HTTPS"), found=_("Warta answers there, with a good certificate."))
    return Step(
        what=_("HTTPS"),
        found=_("Something else answers there."),
        way_out=_(
            "Let the web server in front of Warta pass requests for %(domain)s on as it does for "
            "%(home)s, with the Host header as it came."
        )
        % {"domain": domain, "home": home()},
    )


def _ask(domain: str, address: str, port: int, until: float) -> bytes:
    """Ask one address for our pixel under the domain's name; returns the answer's beginning.

    ``until`` is a moment of `time.monotonic`.

    Raises:
        OSError: nobody answers, not in time, or not with a good certificate.
    """
    context = ssl.create_default_context()
    request = f"GET {PROBE} HTTP/1.1\r\nHost: {domain}\r\nConnection: close\r\n\r\n"
    with socket.create_connection((address, port), timeout=_left(until)) as plain:
        plain.settimeout(_left(until))  # of the whole handshake, not of each piece
        with context.wrap_socket(plain, server_hostname=domain) as connection:
            connection.settimeout(_left(until))
            connection.sendall(request.encode("ascii"))
            answer = b""
            while len(answer) < MOST_BYTES:
                connection.settimeout(_left(until))
                piece = connection.recv(MOST_BYTES)
                if not piece:
                    break
                answer += piece
    return answer


def _left(until: float) -> float:
    """Return the seconds that one step may take."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return min(left, SECONDS)


def hosts() -> frozenset[str]:
    """Return the domains that serve links and public pages only.

    Never a name of the installation's own, also if settings came to say so later: nobody could
    sign in there any more.
    """
    working = WorkspaceTracking.objects.exclude(domain="").exclude(domain_works_since=None)
    names = working.values_list("domain", flat=True)
    return frozenset(name for name in names if not is_ours(name))
