"""Brevo."""

import json
from typing import Any, Final

from delivery.events.webhooks.meanings import (
    CLICKED,
    COMPLAINED,
    DELAYED,
    DELIVERED,
    INVALID,
    NOTHING,
    OPENED,
    OURS,
    SOFT,
    UNSUBSCRIBED,
    Meaning,
    held_back,
)
from delivery.events.webhooks.values import Details, address, dig, moment, refusal_in, text, words
from delivery.states import Effect
from delivery.transports.providers.message import METADATA_KEY

# https://developers.brevo.com/docs/transactional-webhooks
MEANINGS: Final[dict[str, Meaning]] = {
    "request": NOTHING,
    "sent": NOTHING,
    "delivered": DELIVERED,
    "deferred": DELAYED,
    "soft_bounce": SOFT,
    "hard_bounce": INVALID,
    "invalid_email": held_back(Effect.ADDRESS_INVALID, "5.1.3"),
    "blocked": held_back(Effect.UNDECIDED),  # why is not said
    "error": OURS,
    "spam": COMPLAINED,
    "complaint": COMPLAINED,
    "unsubscribe": UNSUBSCRIBED,
    "unsubscribed": UNSUBSCRIBED,
    "opened": OPENED,
    "unique_opened": OPENED,
    "proxy_open": OPENED,
    "unique_proxy_open": OPENED,
    "click": CLICKED,
    "list_addition": NOTHING,
}


def details(raw: Any, _part: int) -> Details:
    """Read one event; Brevo gives events no id."""
    said = text(dig(raw, "reason"))
    code, enhanced = refusal_in(said)
    return Details(
        words=words(dig(raw, "event")),
        identity=tuple(text(dig(raw, name), 500) for name in ("ts_epoch", "ts_event", "link")),
        at=moment(dig(raw, "ts_epoch")) or moment(dig(raw, "ts_event")),
        code=code,
        enhanced=enhanced,
        text=said,
        token=_token(dig(raw, "X-Mailin-custom")),
        ip=address(dig(raw, "ip")),
    )


def _token(custom: Any) -> str:
    try:
        return text(dig(json.loads(custom), METADATA_KEY))
    except (TypeError, ValueError, RecursionError):
        return ""
