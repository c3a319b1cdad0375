"""Scaleway, which django-anymail can send with and not hear: its events come by its own SNS."""

import json
from typing import Any, Final

from delivery.events.webhooks.meanings import (
    BOUNCED,
    CONTENT,
    DELAYED,
    DELIVERED,
    INVALID,
    KNOWN_INVALID,
    NOTHING,
    Meaning,
)
from delivery.events.webhooks.values import (
    Details,
    bare_id,
    dig,
    header,
    moment,
    number,
    refusal_in,
    text,
    word,
    words,
)
from delivery.transports.providers.message import MESSAGE_HEADER

# https://www.scaleway.com/en/docs/transactional-email/reference-content/webhook-events-payloads/
MEANINGS: Final[dict[str, Meaning]] = {
    "email_queued": NOTHING,
    "email_delivered": DELIVERED,
    "email_deferred": DELAYED,
    "email_dropped": BOUNCED,
    "email_spam": CONTENT,
    "email_mailbox_not_found": INVALID,
    "email_blocklisted": KNOWN_INVALID,
    "blocklist_created": NOTHING,
}


def event_of(raw: Any) -> Any:
    """Return the event in what Scaleway's Topics and Events brought."""
    message = dig(raw, "Message")
    if not isinstance(message, str):
        return raw
    try:
        return json.loads(message)
    except (ValueError, RecursionError):
        return {}


def details(raw: Any, _part: int) -> Details:
    """Read one event."""
    event = event_of(raw)
    said = text(dig(event, "email_response_message")) or text(dig(event, "email_error"))
    code, enhanced = refusal_in(said)
    headers = dig(event, "email_headers")
    return Details(
        words=words(dig(event, "type")),
        identity=(text(dig(event, "id")),),
        at=moment(dig(event, "created_at")),
        code=number(dig(event, "email_response_code")) or code,
        enhanced=enhanced,
        text=said,
        header_id=bare_id(header(headers, "Message-ID")),
        token=header(headers, MESSAGE_HEADER),
        recipient=text(dig(event, "email_to"), 320) or text(dig(event, "email_to", 0), 320),
        is_retried=word(dig(event, "type")) == "email_deferred",
    )


def message_id(raw: Any) -> str:
    """Return the mail's id at Scaleway."""
    return text(dig(event_of(raw), "email_id"), 255)
