"""Addresses in text that strangers wrote."""

import re
from collections.abc import Iterator
from typing import Final

LONGEST: Final = 254  # RFC 5321 §4.5.3.1.3
_LONGEST_LOCAL: Final = 128  # more than the 64 allowed: return paths that name the recipient
MOST: Final = 200
_STOPS: Final = frozenset('：；，、。 \t\n\r\v\f\0<>()[]",:;@\\|\u00a0\u3000「」『』（）【】“”„«»')
_DOMAIN: Final = re.compile(r"\[[\d.]{7,15}\]|[^\W_][\w.-]{0,253}")
_ESCAPED: Final = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")
_XTEXT: Final = re.compile(r"\+(2B|3D)")
_PREFIX: Final = re.compile(r"(?:smtp|rfc822|mailto|to|address|recipient)=", re.IGNORECASE)
# Those who return mail, not those whom it was for.
DAEMONS: Final = frozenset(
    {"mailer-daemon", "mail-daemon", "mailerdaemon", "postmaster", "mdaemon", "mailadmin", "mmdf"}
)


def found(text: str) -> Iterator[tuple[int, str]]:
    """Yield where addresses stand in a text, and the addresses, at most `MOST`."""
    at = text.find("@")
    seen = 0
    while at >= 0 and seen < MOST:
        start = _start(text, at)
        domain = _DOMAIN.match(text, at + 1)
        if domain and start < at:
            local = text[start:at].strip("'`’‘*")
            local = local[_prefix(local) :]
            name = domain[0].rstrip(".-_")
            if local and name and len(local) + len(name) < LONGEST:
                yield start, f"{local}@{name}"
                seen += 1
        at = text.find("@", at + 1)


def _start(text: str, at: int) -> int:
    start = at
    if start and text[start - 1] == '"':  # "a quoted part"@example.com
        opening = text.rfind('"', max(0, start - _LONGEST_LOCAL), start - 1)
        if opening >= 0 and "\n" not in text[opening:start]:
            return opening
    while start and at - start < _LONGEST_LOCAL and text[start - 1] not in _STOPS:
        start -= 1
    return start


def _prefix(local: str) -> int:
    before = _PREFIX.match(local)
    return before.end() if before else 0


def first(text: str) -> str:
    """Return the first address, or ""."""
    return next((address for _, address in found(text)), "")


def every(text: str) -> list[str]:
    """Return all addresses, each once."""
    return list(dict.fromkeys(address for _, address in found(text)))


def of_report(value: str) -> str:
    """Return the address of a report's recipient field, "rfc822; somebody@example.com" (RFC 3464).

    Also as RFC 6533 writes those with other letters than ASCII. "" when none stands there.
    """
    kind, separator, rest = value.partition(";")
    if not separator or "@" in kind:
        rest = value
    if "\\x{" in rest:
        rest = _ESCAPED.sub(_letter, rest)
    if "+" in rest and kind.strip().lower() == "rfc822":
        rest = _XTEXT.sub(lambda code: chr(int(code[1], 16)), rest)
    return first(rest)


def _letter(code: re.Match[str]) -> str:
    number = int(code[1], 16)
    letter = chr(number) if number <= 0x10FFFF and not 0xD800 <= number < 0xE000 else "?"  # noqa: PLR2004
    return letter if letter.isprintable() and letter not in _STOPS else "?"


def key(address: str) -> str:
    """Return what two ways of writing an address have in common."""
    return address.casefold()


def is_daemon(address: str) -> bool:
    """Say whether it is the address of a mail system, not of a person."""
    return address.partition("@")[0].lower().replace("_", "") in DAEMONS
