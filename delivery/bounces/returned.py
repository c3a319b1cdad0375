"""What a returned mail says of the mail that we sent: its header fields and our tokens in them."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from delivery.bounces import addresses
from delivery.bounces.decoding import decoded
from delivery.bounces.mail import Headers, Mail, Part, fields_of, split

if TYPE_CHECKING:
    from collections.abc import Iterable

WHOLE: Final = (
    "message/rfc822",
    "message/global",
    "text/rfc822-headers",
    "message/global-headers",
    "text/rfc822",
    "message/rfc822-headers",
    "message/partial",
)
_TELLING: Final = frozenset(
    {
        "received",
        "return-path",
        "from",
        "to",
        "subject",
        "date",
        "message-id",
        "mime-version",
        "content-type",
        "delivered-to",
        "dkim-signature",
        "reply-to",
        "x-mailer",
        "cc",
        "sender",
    }
)
_ENOUGH: Final = 3  # such fields in a row are a header, if one of them is no person's to write
_TECHNICAL: Final = frozenset(
    {"received", "return-path", "message-id", "mime-version", "dkim-signature"}
)
_FIELD: Final = re.compile(r"(?:> ?|\| ?)?([!-9;-~]{1,60}):(?:\s|$)")
_QUOTE: Final = re.compile(r"^(?:> ?|\| ?)", re.MULTILINE)
_MOST_TOKENS: Final = 20
_VERP: Final = re.compile(r"bounce\+([a-z2-7]{26})@", re.IGNORECASE)
_TOKEN: Final = re.compile(r"(?<![\w-])([\w-]{22})(?![\w-])", re.ASCII)
_OWN_URL: Final = re.compile(r"/u/([\w-]{22})/", re.ASCII)
_MESSAGE_ID: Final = re.compile(r"<?\s*([^\s<>]{1,500}@[^\s<>]{1,255})\s*>?")
# How providers that replace our Message-ID name a mail.
_PROVIDER_IDS: Final = (
    "x-ses-message-id",
    "x-pm-message-id",
    "x-sg-id",
    "x-mailgun-message-id",
    "x-mj-mid",
    "x-mailersend-message-id",
    "x-message-id",
)
_SES: Final = re.compile(r"([0-9a-f]{16}-[0-9a-f-]{36,44}-\d{6})@(?:[\w-]+\.)?amazonses\.com")
_ADDRESSED: Final = (
    "to",
    "delivered-to",
    "x-original-to",
    "envelope-to",
    "x-envelope-to",
    "x-failed-recipients",
    "cc",
    "original-recipient",
    "x-delivered-to",
)
_OURS: Final = ("from", "return-path", "sender", "reply-to", "errors-to")


@dataclass(frozen=True, kw_only=True, slots=True)
class Returned:
    """Header fields of the mail that came back; ``in_text``: where they begin in the text part."""

    headers: Headers
    in_text: int = -1

    @property
    def recipients(self) -> tuple[str, ...]:
        """Whom it was for, as far as its header says."""
        return tuple(dict.fromkeys(addresses.every(", ".join(self.headers.all("to", "cc")))))

    @property
    def senders(self) -> frozenset[str]:
        """Addresses it came from: ours."""
        fields = ", ".join(self.headers.all(*_OURS))
        return frozenset(map(addresses.key, addresses.every(fields)))


NOTHING: Final = Returned(headers=Headers())


def find(mail: Mail, text: str) -> Returned:
    """Find the returned header in a part of its own, else in the text that people read."""
    for part in mail.parts:
        if part.kind in WHOLE and part.body.strip():
            headers = _header_of(part)
            if headers:
                return Returned(headers=headers)
    at = _in_text(text)
    if at < 0:
        return NOTHING
    header, _ = split(_QUOTE.sub("", text[at : at + 20_000]).encode("utf-8", "replace"))
    return Returned(headers=Headers(fields_of(header)), in_text=at)


def _header_of(part: Part) -> Headers:
    body = decoded(part.body[:200_000], part.headers.get("content-transfer-encoding"))
    header, _ = split(body.lstrip(b"\r\n \t"))
    return Headers(fields_of(header))


def _in_text(text: str) -> int:
    """Return where a run of lines begins that can only be a mail's header; -1: nowhere."""
    start, telling, at = -1, set[str](), 0
    for line in text.splitlines(keepends=True):
        named = _FIELD.match(line)
        if named:
            if start < 0:
                start = at
            name = named[1].lower()
            if name in _TELLING:
                telling.add(name)
            if len(telling) >= _ENOUGH and telling & _TECHNICAL:
                return start
        elif not (start >= 0 and line[:1] in {" ", "\t", ">"} and line.strip("> \t\r\n")):
            start, telling = -1, set()
        at += len(line)
    return -1


def header_id(returned: Returned) -> str:
    """Return the Message-ID of what we sent, without angle brackets, or ""."""
    found = _MESSAGE_ID.search(returned.headers.get("message-id"))
    return found[1] if found else ""


def tokens(mail: Mail, returned: Returned, *, subject: str) -> tuple[str, ...]:
    """Return what may be tokens of ours, wherever they may stand; whoever uses them proves them."""
    found: list[str] = []
    places: Iterable[str] = (
        *mail.headers.all(*_ADDRESSED),
        *returned.headers.all("return-path", "x-original-from", "errors-to", "sender"),
        *mail.headers.all("return-path", "in-reply-to", "references"),
    )
    for value in places:
        found += [token.lower() for token in _VERP.findall(value)]
    for value in (
        *returned.headers.all("x-warta-message", "message-id"),
        *mail.headers.all("x-warta-message", "in-reply-to", "references"),
        subject,
    ):
        found += _TOKEN.findall(value)
    for value in returned.headers.all("list-unsubscribe"):
        found += _OWN_URL.findall(value)
    return tuple(dict.fromkeys(found))[:_MOST_TOKENS]


def provider_ids(returned: Returned) -> tuple[str, ...]:
    """Return the names that a provider gave the mail."""
    named = [value.strip("<> ")[:255] for value in returned.headers.all(*_PROVIDER_IDS)]
    named += _SES.findall(returned.headers.get("message-id"))
    return tuple(dict.fromkeys(one for one in named if one))
