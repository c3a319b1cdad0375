"""A mail as people may look at it: headers and words, never rendered, nothing loaded, no link.

Everything is bounded: other people's mails may be built to hurt whoever opens them.
"""

import email
import email.policy
import re
from email.errors import HeaderParseError, MessageError
from email.header import decode_header, make_header
from email.message import Message
from html import unescape
from typing import Final

HEAD_BYTES: Final = 64 * 1024
MOST_HEADERS: Final = 300
MOST_PARTS: Final = 200
MOST_TEXT: Final = 100_000  # characters that are shown
MOST_HTML: Final = 300_000  # characters of HTML that words are taken from
READ_BYTES: Final = 512 * 1024  # of a mail whose parts are looked at
_HEAD: Final = re.compile(rb"\r?\n\r?\n")
_TAGS: Final = re.compile(r"<[^<>]{0,2000}>")
_BLOCKS: Final = re.compile(r"</(?:p|div|tr|li|h[1-6])>|<br[ /]*>", re.IGNORECASE)
_HIDDEN: Final = re.compile(r"<(style|script|head)\b.{0,100000}?</\1>", re.IGNORECASE | re.DOTALL)
_FOLDED: Final = re.compile(r"\r?\n[ \t]+")


def head_of(raw: bytes) -> dict[str, str]:
    """Return a mail's headers by their names in lower case, the first of each."""
    found: dict[str, str] = {}
    for name, value in headers_of(raw):
        found.setdefault(name.lower(), value)
    return found


def headers_of(raw: bytes) -> list[tuple[str, str]]:
    """Return a mail's headers as they stand there, unfolded, in order."""
    head = _HEAD.split(raw[:HEAD_BYTES], maxsplit=1)[0]
    found: list[tuple[str, str]] = []
    for one in _FOLDED.sub(" ", head.decode("utf-8", "replace")).splitlines():
        name, colon, value = one.partition(":")
        if colon and name.strip() and len(found) < MOST_HEADERS:
            found.append((line(name, 100), line(value, 2_000)))
    return found


def decoded(value: str) -> str:
    """Return a header's value as people read it (RFC 2047); what cannot be decoded stays."""
    if "=?" not in value:
        return value
    try:
        return str(make_header(decode_header(value[:2_000])))
    except (HeaderParseError, LookupError, ValueError):
        return value


def line(text: str, most: int) -> str:
    """Return text in one line that PostgreSQL can store, at most so many characters of it."""
    printable = "".join(c if c.isprintable() else " " for c in text[: most * 4])
    return " ".join(printable.split())[:most]


def text_of(raw: bytes) -> str:
    """Return a mail's words: its text parts, or what its HTML says, at most `MOST_TEXT`."""
    try:
        parsed = email.message_from_bytes(raw[:READ_BYTES], policy=email.policy.compat32)
        plain, html = _texts(parsed)
    except (MessageError, ValueError, LookupError, RecursionError):
        plain, html = [raw[:MOST_TEXT].decode("utf-8", "replace")], []
    text = "\n\n".join(plain) if any(one.strip() for one in plain) else "\n\n".join(html)
    return "".join(c for c in text[:MOST_TEXT] if c.isprintable() or c in "\n\t")


def _texts(parsed: "Message[str, str]") -> tuple[list[str], list[str]]:
    plain: list[str] = []
    html: list[str] = []
    waiting, looked = [parsed], 0
    while waiting and looked < MOST_PARTS and sum(map(len, plain)) < MOST_TEXT:
        part = waiting.pop(0)
        looked += 1
        kind = part.get_content_type()
        inside = part.get_payload()
        if isinstance(inside, list):
            waiting = [one for one in inside[:MOST_PARTS] if isinstance(one, Message)] + waiting
        elif kind == "text/html":
            html.append(_without_tags(_words(part)))
        elif kind.startswith(("text/", "message/")):
            plain.append(_words(part))
    return plain, html


def _words(part: "Message[str, str]") -> str:
    payload = part.get_payload(decode=True)
    found = payload if isinstance(payload, bytes) else b""
    charset = str(part.get_content_charset("utf-8") or "utf-8")
    try:
        return found[: MOST_HTML * 2].decode(charset, "replace")
    except (LookupError, ValueError):
        return found[: MOST_HTML * 2].decode("utf-8", "replace")


def _without_tags(html: str) -> str:
    spaced = _BLOCKS.sub("\n", _HIDDEN.sub(" ", html[:MOST_HTML]))
    text = unescape(_TAGS.sub(" ", spaced))
    return re.sub(r"[ \t]+", " ", re.sub(r"\s*\n\s*", "\n", text)).strip()
