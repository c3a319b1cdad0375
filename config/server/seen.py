"""What a request for a pixel, a link or the unsubscribe button shows of its maker, as one line.

The same as the views note (`delivery.views.tracking`), from the headers as they came in.
"""

import re
import time
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from urllib.parse import parse_qsl

from django.conf import settings

from delivery.tracking import hits

LARGEST_FORM = 4_096  # bytes of a mail program's POST
_ONE_CLICK_PART = re.compile(
    rb'name="?List-Unsubscribe"?[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\nOne-Click\r\n', re.IGNORECASE
).search

Headers = Mapping[bytes, bytes]


def line(  # noqa: PLR0913 - what a hit consists of
    *, message_id: int, kind: int, ordinal: int, headers: Headers, client: str, is_head: bool
) -> bytes:
    """Return a hit as `delivery.tracking.hits` reads it; ``client``: the connection's address."""
    flags = 0 if b"accept-language" not in headers else hits.LANGUAGE
    if is_head:
        flags |= hits.HEAD
    if b"accept" not in headers:
        flags |= hits.NO_ACCEPT
    if _is_prefetch(headers):
        flags |= hits.PREFETCH
    if settings.BEHIND_PROXY and b"x-forwarded-for" in headers:
        client = headers[b"x-forwarded-for"].rpartition(b",")[2].strip().decode("latin-1")
    return b"%d\t%d\t%d\t%d\t%d\t%b\t%b" % (
        message_id,
        kind,
        time.time() * 1000,
        ordinal,
        flags,
        _plain_address(client),
        _plain_agent(headers.get(b"user-agent", b"")),
    )


def is_one_click(content_type: bytes, form: bytes) -> bool:
    """Say whether a POST is the button of a mail program (RFC 8058 section 3.2)."""
    if len(form) > LARGEST_FORM:
        return False
    kind = content_type.lower()
    if kind.startswith(b"multipart/form-data"):
        return _ONE_CLICK_PART(form) is not None
    if not kind.startswith(b"application/x-www-form-urlencoded"):
        return False
    fields = dict(parse_qsl(form.decode("latin-1")))
    return fields.get("List-Unsubscribe") == "One-Click"


def _is_prefetch(headers: Headers) -> bool:
    return any(
        b"prefetch" in headers[name].lower()
        for name in (b"purpose", b"sec-purpose", b"x-moz")
        if name in headers
    )


@lru_cache(maxsize=4096)
def _plain_address(text: str) -> bytes:
    """Return an address as `subscribers.signup.visitors.ip_of` does."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return b""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address).encode()


@lru_cache(maxsize=4096)
def _plain_agent(raw: bytes) -> bytes:
    return hits.printable(raw.decode("latin-1")).encode()
