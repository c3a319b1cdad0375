"""Web addresses: where they end in running text, and how they are written on the wire."""

import re
from collections.abc import Iterator
from urllib.parse import quote, unquote

import idna

_STARTS = re.compile(
    r"https?://[^\s<>\"\u3000-\u3003\u3008-\u3011\uff08\uff09\uff0c]+", re.IGNORECASE
)
# What ends a sentence rather than an address.
_TRAILING = frozenset(
    ".,:;!?'*_~\u2018\u2019\u201c\u201d\u00ab\u00bb\u2026\uff01\uff1a\uff1b\uff1f"
)
_CLOSING = {")": "(", "]": "[", "}": "{"}
_SAFE = ":/?#[]@!$&'()*+,;=%~-._"  # reserved and unreserved (RFC 3986 §2)
_BREAKS = re.compile(r"[\t\r\n]+")
_WEB = re.compile(r"(https?:/*+)([^/?#\\]*+)(.*)", re.IGNORECASE | re.DOTALL)
_BACKSLASH = "\\"  # browsers read it as a slash


def found_in(text: str) -> Iterator[tuple[int, int]]:
    """Yield where each web address in a text begins and ends.

    A bracket belongs to the address when it was opened inside it: ``…/Mercury_(planet)``.
    """
    for match in _STARTS.finditer(text):
        found = match[0]
        surplus = {
            closing: found.count(closing) - found.count(opening)
            for closing, opening in _CLOSING.items()
        }
        end = len(found)
        while end and (found[end - 1] in _TRAILING or surplus.get(found[end - 1], 0) > 0):
            end -= 1
            if found[end] in surplus:
                surplus[found[end]] -= 1
        if found[:end].lower() not in {"http", "https", "http:/", "http://", "https:/", "https://"}:
            yield match.start(), match.start() + end


def linked(text: str) -> Iterator[tuple[str, bool]]:
    """Cut a text into pieces; True marks the web addresses."""
    position = 0
    for start, end in found_in(text):
        yield text[position:start], False
        yield text[start:end], True
        position = end
    yield text[position:], False


def without_breaks(url: str) -> str:
    """Drop line breaks and tabs, as browsers do: long addresses are wrapped in some sources."""
    return _BREAKS.sub("", url).strip()


def as_ascii(url: str) -> str:
    """Return an address as it goes over the wire: the host in A-labels, the rest percent-encoded.

    What is percent-encoded already stays (RFC 3987 §3.1).

    Raises:
        ValueError: its host can't exist.
    """
    web = _WEB.match(url)
    if web is None:
        return quote(url, safe=_SAFE)
    start, host, rest = web.groups()
    return f"{start}{_host(host)}{quote(rest.replace(_BACKSLASH, '/'), safe=_SAFE)}"


def _host(netloc: str) -> str:
    user, at, host = netloc.rpartition("@")
    name, colon, port = host.partition(":") if not host.startswith("[") else (host, "", "")
    name = unquote(name)
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode()
        except idna.IDNAError as error:
            raise ValueError(netloc) from error
    return f"{quote(user, safe=_SAFE)}{at}{quote(name, safe='-._~[]:!$&()*+,;=%')}{colon}{port}"
