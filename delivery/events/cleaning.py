"""What others told us, made harmless before anything is looked up or stored."""

import ipaddress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from django.utils import timezone

from delivery.events.feedback import Feedback

KEY_BYTES: Final = 16
LONGEST_TEXT: Final = 1_000
LONGEST_ID: Final = 255
LONGEST_ADDRESS: Final = 320
LONGEST_URL: Final = 2_000
LONGEST_AGENT: Final = 500
LARGEST_ID: Final = 2**63 - 1
LARGEST_SMALL: Final = 32_767
EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
AHEAD: Final = timedelta(minutes=5)  # clocks of others run ahead by so much


def clean(one: Feedback) -> Feedback:
    """Return the same news with every value bounded and storable.

    Raises:
        ValueError: its key is none, so that it can't be told from other news.
    """
    if not isinstance(one.key, bytes) or len(one.key) != KEY_BYTES:
        raise ValueError("The key of a piece of news has 16 bytes.")
    return replace(
        one,
        at=moment(one.at),
        workspace_id=_id(one.workspace_id) or 0,
        account_id=_id(one.account_id),
        message_id=_id(one.message_id),
        header_id=line(one.header_id, LONGEST_ID).strip("<> "),
        provider_id=line(one.provider_id, LONGEST_ID),
        recipient=line(one.recipient, LONGEST_ADDRESS),
        cause=_small(one.cause),
        code=_small(one.code),
        enhanced=line(one.enhanced, 12),
        text=line(one.text, LONGEST_TEXT),
        url=line(one.url, LONGEST_URL),
        user_agent=line(one.user_agent, LONGEST_AGENT),
        ip=_ip(one.ip),
    )


def moment(at: datetime) -> datetime:
    """Return a moment of others within what can be true: since 2000, and not in the future."""
    aware = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    try:
        return max(EARLIEST, min(aware.astimezone(UTC), timezone.now() + AHEAD))
    except (OverflowError, ValueError):  # beyond the calendar in UTC
        return timezone.now()


def line(text: str, longest: int) -> str:
    """Return text in one line without what PostgreSQL can't store or a terminal would act on."""
    kept = "".join(c if c.isprintable() else " " for c in text[: longest * 4])
    return " ".join(kept.encode("utf-8", "ignore").decode().split())[:longest]


def _id(number: int | None) -> int | None:
    return number if number is not None and 0 < number <= LARGEST_ID else None


def _small(number: int) -> int:
    return number if 0 <= number <= LARGEST_SMALL else 0


def _ip(text: str | None) -> str | None:
    try:
        return str(ipaddress.ip_address((text or "").strip()))
    except ValueError:
        return None
