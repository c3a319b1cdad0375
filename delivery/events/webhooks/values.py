"""Values out of other people's JSON: whatever stands there, what comes out can be stored."""

import ipaddress
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.utils.dateparse import parse_datetime

BLACK: Final = "black"  # half of a word of some providers that we do not use
MOST_TEXT: Final = 1_000
EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)
_MILLISECONDS: Final = 100_000_000_000  # no moment in seconds is that large before the year 5138
_CODE: Final = re.compile(r"(?<![\d.])([245]\d\d)(?![\d.])(?:[ \-]+#?([245]\.\d{1,3}\.\d{1,3}))?")
_ENHANCED: Final = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_SMTP_CODES: Final = range(200, 600)
# Codes of Mailgun's own in the range of SMTP's.
_NO_CODES: Final = frozenset({498, 499})


@dataclass(frozen=True, kw_only=True, slots=True)
class Details:
    """What one event says besides what django-anymail reads of it.

    ``words`` are the provider's, most exact first, in lower case; ``identity`` is what tells this
    event from every other one of the same mail, where it has no id of its own. ``code``,
    ``enhanced`` and ``text`` are the receiving server's. ``is_retried``: the provider will try
    again, whatever was said.
    """

    words: tuple[str, ...]
    identity: tuple[str, ...] = ()
    at: datetime | None = None
    code: int = 0
    enhanced: str = ""
    text: str = ""
    header_id: str = ""
    token: str = ""
    ip: str | None = None
    recipient: str = ""
    is_retried: bool = False


def dig(value: Any, *path: str | int) -> Any:
    """Return what stands at a path inside a value, or None."""
    for step in path:
        if isinstance(value, dict) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and -len(value) <= step < len(value):
            value = value[step]
        else:
            return None
    return value


def text(value: Any, most: int = MOST_TEXT) -> str:
    """Return a value as text in one line, without what PostgreSQL cannot store; else ""."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return ""
    written = str(value)[: most * 4]
    if written.isascii() and written.isprintable():  # as nearly all is
        return " ".join(written.split())[:most]
    clean = "".join(c if c.isprintable() else " " for c in written)
    return " ".join(clean.encode("utf-8", "replace").decode().split())[:most]


def word(value: Any) -> str:
    """Return one of a provider's words as the tables have them."""
    return text(value, 60).lower()


def words(*parts: Any) -> tuple[str, ...]:
    """Return ``a/b/c``, ``a/b``, ``a`` of a provider's nested words."""
    known = [word(part) for part in parts]
    while known and not known[-1]:
        known.pop()
    return tuple("/".join(known[:count]) for count in range(len(known), 0, -1))


def number(value: Any) -> int:
    """Return an SMTP code, 0 where there is none."""
    try:
        found = int(text(value, 12) or 0)
    except ValueError:
        return 0
    return found if found in _SMTP_CODES and found not in _NO_CODES else 0


def status(value: Any) -> str:
    """Return an enhanced status (RFC 3463), or ""."""
    found = _ENHANCED.fullmatch(text(value, 12))
    return found[1] if found else ""


def moment(value: Any) -> datetime | None:
    """Return a moment of seconds, milliseconds or ISO 8601 (UTC where it names no zone)."""
    try:
        if isinstance(value, str) and not value.replace(".", "", 1).isdigit():
            found = parse_datetime(value.strip()[:40])
        elif value is None or isinstance(value, (bool, list, dict)):
            return None
        else:
            seconds = float(value)
            if seconds > _MILLISECONDS:
                seconds /= 1000
            found = datetime.fromtimestamp(seconds, tz=UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return sane(found)


def sane(at: datetime | None) -> datetime | None:
    """Return a moment in which mail existed and that a database can store, in UTC, or None."""
    if at is None:
        return None
    try:
        aware = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return aware if EARLIEST <= aware <= LATEST else None


def address(value: Any) -> str | None:
    """Return an IP address, or None."""
    try:
        return str(ipaddress.ip_address(text(value, 45)))
    except ValueError:
        return None


def header(headers: Any, name: str) -> str:
    """Return a header's value from a list of {name, value} (in either case) or of pairs."""
    pairs: list[Any] = headers if isinstance(headers, list) else []
    if isinstance(headers, dict):
        pairs = list(headers.items())
    for pair in pairs:
        if isinstance(pair, dict):
            lowered = {str(key).lower(): value for key, value in pair.items()}
            found, value = lowered.get("name", lowered.get("key")), lowered.get("value")
        elif isinstance(pair, (list, tuple)) and len(pair) == 2:  # noqa: PLR2004 - a pair
            found, value = pair
        else:
            continue
        if isinstance(found, str) and found.lower() == name.lower():
            return text(value, 998)
    return ""


def bare_id(value: Any) -> str:
    """Return a Message-ID without its angle brackets."""
    return text(value, 255).strip("<> ")


def refusal_in(words_of_server: str) -> tuple[int, str]:
    """Return the code and the enhanced status in a server's words, as far as there are any."""
    found = _CODE.search(words_of_server[:300])
    code = number(found[1]) if found else 0
    enhanced = found[2] if found and found[2] else ""
    if not enhanced and (other := _ENHANCED.search(words_of_server[:300])):
        enhanced = other[1]
    return code, enhanced
