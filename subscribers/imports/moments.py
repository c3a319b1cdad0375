"""Moments as other tools write them: ISO 8601, RFC 5322, seconds since 1970, and by country."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

EARLIEST_YEAR = 1990
# Month first, unless a column's dates say otherwise; without a zone they are UTC.
MONTH_FIRST = (
    "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%y %H:%M", "%m/%d/%Y %I:%M %p",
    "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y",
)  # fmt: skip
DAY_FIRST = (
    "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y", "%d-%m-%Y %H:%M:%S", "%d-%m-%Y %H:%M",
    "%d-%m-%Y",
)  # fmt: skip
ANYWHERE = (
    "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M",
    "%Y/%m/%d", "%Y.%m.%d", "%b %d, %Y %I:%M %p", "%b %d, %Y, %I:%M %p", "%b %d, %Y", "%B %d, %Y",
    "%B %d, %Y %I:%M %p", "%d %b %Y", "%d %B %Y", "%d %b %Y %H:%M:%S", "%d %b %Y %H:%M",
)  # fmt: skip
OFFSET = re.compile(r"([+-]\d{2}):?(\d{2})?$")
ZONE_NAME = re.compile(r"\s*\b(?:UTC|GMT|Z)$", re.IGNORECASE)
EPOCH = re.compile(r"(\d{9,10})(?:\d{3})?(?:\.\d+)?").fullmatch  # seconds or milliseconds


def moment(text: str, *, day_first: bool = False) -> datetime | None:
    """Read a moment; None when there is none that can have been: before 1990, or yet to come."""
    found = parse(text, day_first=day_first)
    if found is None or found.year < EARLIEST_YEAR or found > datetime.now(UTC):
        return None
    return found


def parse(text: str, *, day_first: bool = False) -> datetime | None:
    """Read a moment of any time; None for what is none, such as ``0000-00-00 00:00:00``."""
    text = text.strip()
    if not text or text.startswith("0000") or not any(map(str.isdigit, text)):
        return None
    try:
        found = _read(text, day_first=day_first)
        # Beyond what a zone can move, years 1 and 9999 overflow.
        return found.astimezone(UTC) if found else None
    except (ValueError, OverflowError, OSError):
        return None


def _read(text: str, *, day_first: bool) -> datetime | None:
    if epoch := EPOCH(text):
        return datetime.fromtimestamp(int(epoch[1]), tz=UTC)
    if text.isdigit():
        return None  # a number, not a day written without marks
    bare = ZONE_NAME.sub("", text)
    found = _iso(bare) or _by_format(bare, day_first=day_first) or _by_mail(text)
    return found if found is None or found.tzinfo else found.replace(tzinfo=UTC)


def _iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(OFFSET.sub(_whole_offset, text))
    except ValueError:
        return None


def _whole_offset(found: re.Match[str]) -> str:
    # A date ends like an offset, too: "2024-03-01".
    if ":" not in found.string[: found.start()]:
        return found.group()
    return f"{found[1]}:{found[2] or '00'}"


def _by_format(text: str, *, day_first: bool) -> datetime | None:
    order = (*DAY_FIRST, *MONTH_FIRST) if day_first else (*MONTH_FIRST, *DAY_FIRST)
    for form in (*order, *ANYWHERE):
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007 - the caller makes it UTC
        except ValueError:
            continue
    return None


def _by_mail(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return None
