"""A mail's header fields and parts, read within bounds that no mail can break.

`email.parser` follows every part and every nesting; strangers choose how many there are. So bodies
are cut and split here, each byte looked at a few times at most, and the standard library decodes
what is left: single fields, single parts (with its compat32 policy, which takes broken mails as
they are). Nothing here raises.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesHeaderParser
from itertools import islice
from typing import Final

from delivery.bounces.decoding import (
    LONGEST_FIELD,
    LONGEST_TEXT,
    as_text,
    decoded,
    readable,
    without_tags,
)

LARGEST: Final = 1_000_000  # bytes of a mail that are read; the rest is a copy of what was sent
LARGEST_HEADER: Final = 128_000
MOST_FIELDS: Final = 500
MOST_PARTS: Final = 40
DEEPEST: Final = 6
_END_OF_HEADER: Final = re.compile(rb"\r?\n[ \t]*\r?\n|\r\r")
_FIELD: Final = re.compile(rb"[!-9;-~]{1,80}:")
_UNIX_FROM: Final = re.compile(rb">?From [^\n]{0,500}\n")


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A part that holds no other parts, or a whole mail inside (message/rfc822).

    ``parents``: the content types it stands in, outermost first.
    """

    kind: str  # as "text/plain", lower case
    parameters: dict[str, str]
    headers: "Headers"
    body: bytes
    parents: tuple[str, ...] = ()

    def text(self) -> str:
        """Return its text, decoded somehow; HTML without tags."""
        raw = decoded(self.body, self.headers.get("content-transfer-encoding"))
        text = as_text(raw[: LONGEST_TEXT * 4], self.parameters.get("charset", ""))
        if self.kind == "text/html":
            text = without_tags(text)
        return text[:LONGEST_TEXT].replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")


class Headers:
    """Fields by lower-case name, in their order; values are unfolded and decoded (RFC 2047)."""

    __slots__ = ("_fields",)

    def __init__(self, message: Message | None = None) -> None:
        self._fields: dict[str, list[str]] = {}
        if message is not None:
            for name, value in islice(message.raw_items(), MOST_FIELDS):
                self._fields.setdefault(name.lower(), []).append(readable(value))

    def get(self, name: str) -> str:
        """Return the first field of that name, or ""."""
        found = self._fields.get(name)
        return found[0] if found else ""

    def all(self, *names: str) -> tuple[str, ...]:
        """Return all fields of these names."""
        return tuple(value for name in names for value in self._fields.get(name, ()))

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    def __bool__(self) -> bool:
        return bool(self._fields)


@dataclass(frozen=True, kw_only=True, slots=True)
class Mail:
    """A mail as far as it was read."""

    headers: Headers
    kind: str
    parameters: dict[str, str]
    parts: tuple[Part, ...] = field(default=())
    is_truncated: bool = False

    def texts(self) -> Iterator[Part]:
        """Yield the parts people read, in their order."""
        return (part for part in self.parts if part.kind.startswith("text/"))

    def first(self, *kinds: str) -> Part | None:
        """Return the first part of one of these types."""
        return next((part for part in self.parts if part.kind in kinds), None)


def parse(raw: bytes) -> Mail:
    """Read a mail: any bytes will do."""
    is_truncated = len(raw) > LARGEST
    raw = raw[:LARGEST].lstrip(b"\r\n \t\0")
    before = _UNIX_FROM.match(raw)
    if before:
        raw = raw[before.end() :]
    header, body = split(raw)
    message = fields_of(header)
    splitter = _Splitter()
    splitter.add(message, body, ())
    return Mail(
        headers=Headers(message),
        kind=_kind(message),
        parameters=_parameters(message),
        parts=tuple(splitter.parts),
        is_truncated=is_truncated or splitter.is_full,
    )


def split(raw: bytes) -> tuple[bytes, bytes]:
    """Return header and body of a mail or a part."""
    if raw.startswith((b"\n", b"\r\n")):
        return b"", raw.lstrip(b"\r\n")
    end = _END_OF_HEADER.search(raw, 0, LARGEST_HEADER)
    if end is None:
        return (raw, b"") if len(raw) <= LARGEST_HEADER else (raw[:LARGEST_HEADER], raw)
    return raw[: end.start()], raw[end.end() :]


def fields_of(header: bytes) -> Message:
    """Parse header fields; lines that are none are left out, as are those over the limits."""
    lines: list[bytes] = []
    size = 0
    for line in header.replace(b"\0", b"").splitlines():
        if line[:1] in {b" ", b"\t"}:
            if lines and size < LONGEST_FIELD:
                lines.append(line[: LONGEST_FIELD - size])
                size += len(line)
        elif _FIELD.match(line):
            if len(lines) > MOST_FIELDS * 4:
                break
            lines.append(line[:LONGEST_FIELD])
            size = len(line)
    return BytesHeaderParser().parsebytes(b"\n".join(lines) + b"\n\n")


class _Splitter:
    """Takes parts apart until there are too many or they are too deep."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.is_full = False

    def add(self, message: Message, body: bytes, parents: tuple[str, ...]) -> None:
        if len(self.parts) >= MOST_PARTS:
            self.is_full = True
            return
        kind, parameters = _kind(message), _parameters(message)
        boundary = parameters.get("boundary", "").rstrip()
        if kind.startswith("multipart/") and boundary and len(parents) < DEEPEST:
            pieces = _pieces(body, boundary.encode("latin-1", "replace")[:200])
            if pieces:
                for piece in pieces:
                    header, inner = split(piece)
                    self.add(fields_of(header), inner, (*parents, kind))
                return
        if kind.startswith("multipart/"):
            kind = "text/plain"  # whatever it is, it cannot be taken apart
            self.is_full = self.is_full or len(parents) >= DEEPEST
        self.parts.append(
            Part(
                kind=kind,
                parameters=parameters,
                headers=Headers(message),
                body=body,
                parents=parents,
            )
        )


def _pieces(body: bytes, boundary: bytes) -> list[bytes]:
    """Cut at lines that begin with the boundary, at most `MOST_PARTS` times."""
    mark = b"\n--" + boundary
    found = (b"\n" + body).split(mark, MOST_PARTS + 2)[1:]
    pieces = []
    for piece in found:
        if piece.startswith(b"--"):
            break
        _, _, inner = piece.partition(b"\n")
        pieces.append(inner)
    return pieces


def _kind(message: Message) -> str:
    try:
        return message.get_content_type().lower()
    except (ValueError, TypeError, AttributeError, LookupError):
        return "text/plain"


def _parameters(message: Message) -> dict[str, str]:
    wanted = {}
    for name in ("boundary", "charset", "report-type", "name"):
        try:
            value = message.get_param(name)
        except (ValueError, TypeError, AttributeError, LookupError):
            continue
        if isinstance(value, tuple):
            value = value[2]
        if isinstance(value, str):
            wanted[name] = value.strip().strip('"') if name == "boundary" else value.strip().lower()
    return wanted
