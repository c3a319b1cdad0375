"""Server replies (RFC 5321 §4.2, RFC 3463): read, and judged as to what they mean for a mail.

The parser takes bytes as they come, one at a time or many replies at once, and trusts nothing.
"""

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from delivery.transports.protocol import Verdict

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Capabilities:
    """The extensions that change how we speak."""

    names: frozenset[str] = frozenset()
    mechanisms: tuple[str, ...] = ()  # of AUTH, as offered
    largest: int = 0  # bytes (RFC 1870); 0: not said, or no limit
    pipelining: bool = False  # RFC 2920
    size: bool = False
    eight_bit: bool = False  # RFC 6152
    utf8: bool = False  # RFC 6531
    dsn: bool = False  # RFC 3461
    starttls: bool = False  # RFC 3207


def capabilities_of(reply: Reply) -> Capabilities:
    """Read the answer to EHLO; its first line is a greeting."""
    words: dict[str, list[str]] = {}
    for line in reply.lines[1:]:
        # "AUTH=LOGIN" is how servers older than RFC 4954 wrote it.
        keyword, *values = line.replace("=", " ").upper().split() or [""]
        words.setdefault(keyword, []).extend(values)
    size = words.get("SIZE", [])
    return Capabilities(
        names=frozenset(filter(None, words)),
        mechanisms=tuple(dict.fromkeys(words.get("AUTH", []))),
        largest=int(size[0]) if size and size[0].isascii() and size[0].isdecimal() else 0,
        pipelining="PIPELINING" in words,
        size="SIZE" in words,
        eight_bit="8BITMIME" in words,
        utf8="SMTPUTF8" in words,
        dsn="DSN" in words,
        starttls="STARTTLS" in words,
    )


class ReplyStage(Enum):
    """Which command an answer belongs to."""

    RSET = "RSET"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    FINAL_DOT = "."
    EMPTY_DOT = "empty ."  # ends a transaction that must not send (RFC 2920 §3.1)
    QUIT = "QUIT"


class Blame(Enum):
    """Who is at fault when it is not accepted."""

    NOBODY = "nobody"
    PERSON = "person"
    MAIL = "mail"
    SENDER = "sender"
    SESSION = "session"
    SIGN_IN = "sign-in"


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """What to record, and whom it counts against."""

    verdict: Verdict
    blame: Blame


CLOSING: Final = 421
SIGN_IN_CODES: Final = frozenset({454, 530, 534, 535, 538})
SIGN_IN_STATUS: Final = frozenset({"5.7.8", "5.7.9", "5.7.11"})
TOO_LARGE: Final = frozenset({"5.3.4", "5.2.3"})
NEEDS_UTF8: Final = frozenset({"5.6.7", "5.6.9", "5.6.10"})
SENDER_STATUS: Final = frozenset(
    # RFC 3463 5.1.7 and 5.1.8: bad sender; RFC 7372: DKIM, SPF, reverse DNS, and others
    {"5.1.7", "5.1.8", *(f"5.7.{detail}" for detail in range(20, 30)), "5.7.509", "5.7.515"}
)
SPEAKS_OF_US: Final = re.compile(
    r"relay(?:ing)?\b.{0,20}\b(?:denied|not (?:permitted|allowed))|unable to relay"
    r"|not (?:permitted|allowed) to relay|we do not relay"
    r"|client host\b.{0,60}\b(?:rejected|blocked|denied)|blocked using|helo command rejected"
    r"|sender address rejected|sender (?:address )?(?:is )?(?:rejected|denied|not allowed)"
    r"|(?:must|need to|not) (?:be )?authenticat",
    re.IGNORECASE,
)

SIGN_IN_FIRST: Final = Judgement(verdict=Verdict.NOT_SENT, blame=Blame.SIGN_IN)
ASK_AGAIN: Final = Judgement(verdict=Verdict.DEFERRED, blame=Blame.SENDER)
ACCEPTED: Final = Judgement(verdict=Verdict.SENT, blame=Blame.NOBODY)


def judge(stage: ReplyStage, reply: Reply, *, accepted_before: bool) -> Judgement:
    """Say what an answer that refuses (or, at the final dot, accepts) a mail means.

    ``accepted_before``: the mail before this one was accepted by the same server.
    """
    if stage is ReplyStage.FINAL_DOT and reply.is_positive:
        return ACCEPTED
    if reply.code == CLOSING:
        return Judgement(verdict=Verdict.DEFERRED, blame=Blame.SESSION)
    if reply.code in SIGN_IN_CODES or reply.enhanced in SIGN_IN_STATUS:
        return SIGN_IN_FIRST if stage is ReplyStage.MAIL else ASK_AGAIN
    if stage is ReplyStage.MAIL:
        return _at_mail(reply)
    if reply.is_permanent:
        return _refused(stage, reply, accepted_before=accepted_before)
    fault = Blame.PERSON if stage is ReplyStage.RCPT else Blame.MAIL
    return Judgement(verdict=Verdict.DEFERRED, blame=fault)


def _at_mail(reply: Reply) -> Judgement:
    """Read a refusal of MAIL: the person has not been named yet."""
    is_about_mail = reply.enhanced in TOO_LARGE | NEEDS_UTF8 or reply.code == 552  # noqa: PLR2004
    if reply.is_permanent and is_about_mail:
        return Judgement(verdict=Verdict.FAILED, blame=Blame.MAIL)
    return Judgement(verdict=Verdict.DEFERRED, blame=Blame.SENDER)


def _refused(stage: ReplyStage, reply: Reply, *, accepted_before: bool) -> Judgement:
    if stage is ReplyStage.RCPT and reply.code == 552 and not reply.enhanced:  # noqa: PLR2004 - see above
        return Judgement(verdict=Verdict.DEFERRED, blame=Blame.PERSON)
    if reply.enhanced in SENDER_STATUS or SPEAKS_OF_US.search(reply.text):
        verdict = Verdict.FAILED if accepted_before else Verdict.DEFERRED
        return Judgement(verdict=verdict, blame=Blame.SENDER)
    fault = Blame.PERSON if stage is ReplyStage.RCPT else Blame.MAIL
    return Judgement(verdict=Verdict.FAILED, blame=fault)
