"""What a server says that it can do: the answer to EHLO (RFC 5321 §4.1.1.1)."""

from dataclasses import dataclass

from delivery.transports.smtp.reply import Reply


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


def read(reply: Reply) -> Capabilities:
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
