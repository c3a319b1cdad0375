"""Server replies: RFC 5321 §4.2 (codes, multi-line replies), RFC 3463 (enhanced status codes).

The parser takes bytes as they come, one at a time or many replies at once, and trusts nothing.
"""

import re
from dataclasses import dataclass, field
from typing import Final

LONGEST_LINE: Final = 4096  # bytes; RFC 5321 §4.5.3.1.5 asks for 512, real servers say more
MOST_LINES: Final = 128
KEPT_REPLIES: Final = 256  # a server says the same few lines a hundred thousand times

# RFC 5321 §4.2: 2 to 5, then 0 to 5, then any digit; a blank or nothing ends a reply, "-" goes on.
_LINE: Final = re.compile(rb"([2-5][0-5][0-9])(?:([ -])(.*))?", re.DOTALL)
_ENHANCED: Final = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?:[ \t]+|$)")


class ReplyError(Exception):
    """What came is not an SMTP reply; nothing more of this connection can be understood."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """One whole reply; ``lines`` without codes, ``enhanced`` like "5.1.1" or ""."""

    code: int
    enhanced: str = ""
    lines: tuple[str, ...] = ()
    # The words without the enhanced code, lines joined by blanks; worked out once per reply.
    text: str = field(default="")

    @property
    def is_positive(self) -> bool:
        """2xx: done."""
        return 200 <= self.code < 300  # noqa: PLR2004 - RFC 5321 §4.2.1

    @property
    def is_intermediate(self) -> bool:
        """3xx: go on."""
        return 300 <= self.code < 400  # noqa: PLR2004

    @property
    def is_permanent(self) -> bool:
        """5xx: not like this."""
        return self.code >= 500  # noqa: PLR2004

    @property
    def words(self) -> str:
        """The reply as the server wrote it, on one line: "550 5.1.1 no such user"."""
        return " ".join(part for part in (str(self.code), self.enhanced, self.text) if part)


def make(code: int, lines: tuple[str, ...]) -> Reply:
    """Make a reply out of its code and its lines (without codes)."""
    enhanced = ""
    words = []
    for line in lines:
        found = _ENHANCED.match(line)
        if found:
            enhanced = enhanced or found[1]
            words.append(line[found.end() :])
        else:
            words.append(line)
    text = " ".join(filter(None, (word.strip() for word in words)))
    return Reply(code=code, enhanced=enhanced, lines=lines, text=text)


class ReplyParser:
    """Turns a stream of bytes into replies."""

    def __init__(self) -> None:
        self._rest = b""
        self._code = 0  # of the multi-line reply that has begun; 0: none
        self._lines: list[str] = []
        self._known: dict[bytes, Reply] = {}

    @property
    def is_empty(self) -> bool:
        """Whether nothing of a next reply has come yet (asked before a TLS handshake)."""
        return not self._rest and not self._code

    def feed(self, data: bytes) -> list[Reply]:
        """Take what the server sent; return the replies it completes.

        Raises:
            ReplyError: it is no reply, or longer than any sane one.
        """
        if self._rest:
            data = self._rest + data
        *lines, self._rest = data.split(b"\n")
        if len(self._rest) > LONGEST_LINE:
            raise ReplyError("a line without an end")
        replies = []
        for line in lines:
            reply = self._known.get(line) if not self._code else None
            if reply is None:
                reply = self._read(line)
            if reply is not None:
                replies.append(reply)
        return replies

    def _read(self, line: bytes) -> Reply | None:
        """Read one line; None: the reply goes on."""
        found = _LINE.fullmatch(line.removesuffix(b"\r"))
        if found is None or len(line) > LONGEST_LINE:
            raise ReplyError(_printable(line))
        code = int(found[1])
        if self._code and code != self._code:
            raise ReplyError(_printable(line))  # §4.2.1: every line has the same code
        self._lines.append(_printable(found[3] or b""))
        if found[2] == b"-":
            self._code = code
            if len(self._lines) > MOST_LINES:
                raise ReplyError("a reply without an end")
            return None
        lines, self._lines = tuple(self._lines), []
        is_single, self._code = not self._code, 0
        reply = make(code, lines)
        if is_single and len(self._known) < KEPT_REPLIES:
            self._known[line] = reply
        return reply


def _printable(line: bytes) -> str:
    """Return a line as text that can be stored and shown: UTF-8 if it is, no control letters."""
    text = line.decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()
