"""Amazon's notifications by mail: the JSON that its webhooks send, in a mail of its own.

Source: Amazon SES, "Amazon SNS notification contents". Some accounts have them sent to a mailbox.
"""

import json
from typing import Any, Final

from delivery.bounces.complaint import Complaint
from delivery.bounces.dsn import MOST_RECIPIENTS, Status

_WORDS: Final = ('"notificationType"', '"eventType"')


def parse(text: str) -> dict[str, Any]:
    """Return the notification that a mail's text begins with, or {}."""
    text = text.lstrip()
    if not text.startswith("{") or not any(word in text for word in _WORDS):
        return {}
    try:
        found, _ = json.JSONDecoder(strict=False).raw_decode(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def statuses(notification: dict[str, Any]) -> list[Status]:
    """Return what it says of each recipient."""
    bounce = notification.get("bounce")
    if not isinstance(bounce, dict):
        return []
    return [
        Status(
            final=_text(one.get("emailAddress")),
            action=_text(one.get("action")) or "failed",
            status=_text(one.get("status")),
            diagnostic=_text(one.get("diagnosticCode")).removeprefix("smtp;").strip(),
        )
        for one in _members(bounce, "bouncedRecipients")
    ]


def complaint(notification: dict[str, Any]) -> Complaint | None:
    """Return the complaint it tells of, or None."""
    told = notification.get("complaint")
    if not isinstance(told, dict):
        return None
    found = [_text(one.get("emailAddress")) for one in _members(told, "complainedRecipients")]
    kind = _text(told.get("complaintFeedbackType")).lower() or "abuse"
    return Complaint(kind=kind, recipients=tuple(one for one in found if one))


def provider_id(notification: dict[str, Any]) -> str:
    """Return Amazon's own name of the mail, or ""."""
    mail = notification.get("mail")
    return _text(mail.get("messageId"))[:255] if isinstance(mail, dict) else ""


def _members(told: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = told.get(name)
    members = found if isinstance(found, list) else []
    return [one for one in members[:MOST_RECIPIENTS] if isinstance(one, dict)]


def _text(value: Any) -> str:
    return value.replace("\0", "")[:2_000] if isinstance(value, str) else ""
