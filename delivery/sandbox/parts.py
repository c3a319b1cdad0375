"""What a mail consists of, read within bounds whatever it is: headers, parts, texts.

A mail in the sandbox may come from anybody's programs: it may be huge, broken, or made to cost
time. So the bytes are looked at in place, in one pass for each level, and what lies beyond a bound
is left out and said so. Nothing here is ever run or drawn.
"""

import binascii
import codecs
import re
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from functools import cached_property
from typing import Final

from delivery.sandbox.inbox import decoded

MOST_BYTES: Final = 16 * 1024 * 1024  # of a mail that are read
MOST_PARTS: Final = 200
DEEPEST: Final = 10
MOST_FIELDS: Final = 300
LONGEST_HEAD: Final = 64 * 1024  # bytes of one part's headers
LONGEST_VALUE: Final = 4_000  # characters of one header
LONGEST_TEXT: Final = 2 * 1024 * 1024  # bytes of a text that are shown
LONGEST_NAME: Final = 200
_HEAD_END: Final = re.compile(rb"(?:\A|\r?\n)\r?\n")
_FIELD_END: Final = re.compile(rb"\r?\n(?![ \t])")
_NAME: Final = re.compile(rb"[!-9;-~]{1,100}+")
_NOT_BASE64: Final = re.compile(rb"[^A-Za-z0-9+/]+")
_LONGEST_BOUNDARY: Final = 200
# Codecs that are no charset of mail: they warn, or do more than map bytes to letters.
_NO_CHARSETS: Final = frozenset({"unicode-escape", "raw-unicode-escape", "idna", "punycode"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """A header: its name as written, its value unfolded and decoded, and whether it was cut."""

    name: str
    value: str
    is_cut: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One part, by its number as in IMAP ("1.2"); ``start`` and ``end`` are where its body lies."""

    number: str
    depth: int
    kind: str  # "text/html"
    charset: str = ""
    encoding: str = ""
    disposition: str = ""
    file_name: str = ""
    content_id: str = ""
    start: int = 0
    end: int = 0
    is_cut: bool = False  # the mail was not read to this part's end
    holds_parts: bool = False

    @property
    def is_attachment(self) -> bool:
        """Whether it is a file rather than what the mail says."""
        if self.holds_parts:
            return False
        return (
            self.disposition == "attachment"
            or bool(self.file_name)
            or self.kind not in {"text/plain", "text/html"}
        )

    @property
    def size(self) -> int:
        """About how many bytes it has when its encoding is taken off."""
        length = self.end - self.start
        return length * 3 // 4 if self.encoding == "base64" else length


@dataclass(frozen=True, kw_only=True)
class Mail:
    """A mail that was read: the first bytes of it, its headers, its parts in order."""

    raw: bytes
    head: bytes  # the headers as they came, cut at `LONGEST_HEAD`
    fields: tuple[Field, ...]
    parts: tuple[Part, ...]
    is_cut: bool  # it is longer than what was read
    has_more_parts: bool = False
    has_more_fields: bool = False
    _by_name: dict[str, list[str]] = field(default_factory=dict)

    def get(self, name: str) -> str:
        """Return the first header of a name (lower case), decoded; "" without one."""
        return next(iter(self.get_all(name)), "")

    def get_all(self, name: str) -> list[str]:
        """Return every header of a name (lower case)."""
        if not self._by_name:
            for one in self.fields:
                self._by_name.setdefault(one.name.lower(), []).append(one.value)
        return self._by_name.get(name, [])

    @cached_property
    def html(self) -> str:
        """The HTML that a reader sees; "" without any."""
        return self._text("text/html")

    @cached_property
    def text(self) -> str:
        """The plain text; "" without any."""
        return self._text("text/plain")

    def part(self, number: str) -> Part | None:
        """Return a part by its number."""
        return next((one for one in self.parts if one.number == number), None)

    def body_of(self, kind: str) -> Part | None:
        """Return the first part of a kind that is no attachment."""
        return next((one for one in self.parts if one.kind == kind and not one.is_attachment), None)

    def _text(self, kind: str) -> str:
        found = self.body_of(kind)
        return text_of(self.raw, found) if found else ""


def read(raw: bytes, *, is_cut: bool = False) -> Mail:
    """Read a mail, or the beginning of one (``is_cut``); never fails."""
    is_cut = is_cut or len(raw) > MOST_BYTES
    raw = raw[:MOST_BYTES]
    head, body_at = _head(raw, 0, len(raw))
    fields, more_fields = _fields(head)
    walk = _Walk(raw, is_cut=is_cut)
    walk.part(head, body_at, len(raw), number="", depth=0)
    return Mail(
        raw=raw,
        head=head,
        fields=fields,
        parts=tuple(walk.parts),
        is_cut=is_cut,
        has_more_parts=walk.has_more,
        has_more_fields=more_fields,
    )


def content_of(raw: bytes, part: Part, *, most: int = MOST_BYTES) -> bytes:
    """Return a part's bytes with its encoding taken off, ``most`` of them at most."""
    if part.encoding == "base64":
        letters = raw[part.start : min(part.end, part.start + most * 3 // 2)]
        letters = _NOT_BASE64.sub(b"", letters.partition(b"=")[0])
        whole = len(letters) - len(letters) % 4
        rest = letters[whole:]
        padded = rest + b"=" * (-len(rest) % 4) if len(rest) > 1 else b""
        return b64decode(letters[:whole] + padded)[:most]
    if part.encoding == "quoted-printable":
        return binascii.a2b_qp(raw[part.start : min(part.end, part.start + most * 3)])[:most]
    return raw[part.start : min(part.end, part.start + most)]


def text_of(raw: bytes, part: Part, *, most: int = LONGEST_TEXT) -> str:
    """Return a part's text; what its charset cannot mean is replaced."""
    content = content_of(raw, part, most=most)
    try:
        charset = codecs.lookup(part.charset or "utf-8").name.replace("_", "-")
        if charset in _NO_CHARSETS:
            charset = "utf-8"
        return content.decode(charset, "replace")
    except (LookupError, ValueError):
        return content.decode("utf-8", "replace")


class _Walk:
    """Collects parts, from the outside in."""

    def __init__(self, raw: bytes, *, is_cut: bool) -> None:
        self.raw = raw
        self.is_cut = is_cut
        self.parts: list[Part] = []
        self.has_more = False

    def part(self, head: bytes, start: int, end: int, *, number: str, depth: int) -> None:
        """Take one part, and those inside it."""
        if len(self.parts) >= MOST_PARTS:
            self.has_more = True
            return
        about = _about(head)
        kind = _kind_of(about)
        boundary = _boundary_of(about) if kind.startswith("multipart/") else b""
        opens = bool(boundary) and depth < DEEPEST
        self.parts.append(
            Part(
                number=number or ("0" if opens else "1"),
                depth=depth,
                kind=kind,
                charset=_parameter(about, "charset"),
                encoding=str(about.get("Content-Transfer-Encoding", "")).strip().lower()[:40],
                disposition=str(about.get_content_disposition() or "")[:40],
                file_name=_file_name(about),
                content_id=str(about.get("Content-ID", "")).strip().strip("<>")[:LONGEST_NAME],
                start=start,
                end=end,
                is_cut=self.is_cut and end >= len(self.raw),
                holds_parts=opens,
            )
        )
        if not opens:
            return
        prefix = f"{number}." if number else ""
        for place, (first, last) in enumerate(self._inside(boundary, start, end), 1):
            if self.has_more:
                return
            inner, body_at = _head(self.raw, first, last)
            self.part(inner, body_at, last, number=f"{prefix}{place}", depth=depth + 1)

    def _inside(self, boundary: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Yield where each part between boundaries lies (RFC 2046 §5.1.1)."""
        line = re.compile(
            rb"^--" + re.escape(boundary) + rb"(--)?+[ \t]*+\r?$", re.MULTILINE
        ).finditer(self.raw, start, end)
        first = -1
        for found in line:
            if first >= 0:
                yield first, max(first, _without_break(self.raw, found.start()))
            if found[1]:
                return
            first = min(found.end() + 1, end)
        if first >= 0:
            yield first, end


def _without_break(raw: bytes, at: int) -> int:
    """Return where the line break before a boundary begins: it belongs to the boundary."""
    if raw[at - 2 : at] == b"\r\n":
        return at - 2
    return at - 1 if raw[at - 1 : at] == b"\n" else at


def _head(raw: bytes, start: int, end: int) -> tuple[bytes, int]:
    """Return the headers of what begins here, and where its body begins."""
    if raw[start : start + 1] == b"\n" or raw[start : start + 2] == b"\r\n":
        return b"", start + (1 if raw[start : start + 1] == b"\n" else 2)
    found = _HEAD_END.search(raw, start, end)
    if found is None:
        return raw[start : min(end, start + LONGEST_HEAD)], end
    return raw[start : min(found.start(), start + LONGEST_HEAD)], found.end()


def _fields(head: bytes) -> tuple[tuple[Field, ...], bool]:
    fields: list[Field] = []
    for line in _FIELD_END.split(head):
        name, colon, value = line.partition(b":")
        name = name.rstrip(b" \t")
        if not colon or not _NAME.fullmatch(name):
            continue
        if len(fields) >= MOST_FIELDS:
            return tuple(fields), True
        fields.append(
            Field(
                name=name.decode("ascii"),
                value=decoded(value[:LONGEST_VALUE]),
                is_cut=len(value) > LONGEST_VALUE,
            )
        )
    return tuple(fields), len(head) >= LONGEST_HEAD


def _about(head: bytes) -> "Message[str, str]":
    """Return what a part's headers say of its content, each value cut."""
    about: Message[str, str] = Message()
    for line in _FIELD_END.split(head):
        name, colon, value = line.partition(b":")
        if colon and name[:8].lower() == b"content-" and _NAME.fullmatch(name):
            key = name.decode("ascii")
            if key not in about:
                text = value[:LONGEST_VALUE].decode("utf-8", "replace")
                about[key] = " ".join(text.split())
    return about


def _kind_of(about: "Message[str, str]") -> str:
    kind = about.get_content_type()
    return kind if re.fullmatch(r"[\w.+-]{1,60}/[\w.+-]{1,80}", kind, re.ASCII) else "text/plain"


def _parameter(about: "Message[str, str]", name: str) -> str:
    try:
        found = about.get_param(name, "")
        return (found if isinstance(found, str) else found[2]).strip()[:60]
    except (TypeError, ValueError, LookupError):
        return ""


def _boundary_of(about: "Message[str, str]") -> bytes:
    try:
        boundary = about.get_boundary("") or ""
    except (TypeError, ValueError, LookupError):
        return b""
    return boundary.encode("utf-8", "replace")[:_LONGEST_BOUNDARY]


def _file_name(about: "Message[str, str]") -> str:
    """Return a part's file name as it may be shown and saved: no folders, no control letters."""
    try:
        name = about.get_filename("") or ""
    except (TypeError, ValueError, LookupError):
        return ""
    name = decoded(name.encode("utf-8", "replace"))
    name = name.replace("\\", "/").rpartition("/")[2].lstrip(". ")
    return name[:LONGEST_NAME]
