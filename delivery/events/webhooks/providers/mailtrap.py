"""Mailtrap."""

from typing import Any, Final

from delivery.events.webhooks.meanings import (
    BLOCKED,
    CLICKED,
    COMPLAINED,
    CONTENT,
    DELAYED,
    DELIVERED,
    FULL,
    INACTIVE,
    INVALID,
    NO_DOMAIN,
    OPENED,
    POLICY,
    SOFT,
    UNSUBSCRIBED,
    Meaning,
    held_back,
)
from delivery.events.webhooks.values import (
    Details,
    address,
    dig,
    moment,
    number,
    refusal_in,
    text,
    word,
    words,
)
from delivery.states import Effect, EventKind
from delivery.transports.providers.message import METADATA_KEY

# https://docs.mailtrap.io/email-api-smtp/advanced/webhooks
MEANINGS: Final[dict[str, Meaning]] = {
    "delivery": DELIVERED,
    "open": OPENED,
    "click": CLICKED,
    "spam": COMPLAINED,
    "unsubscribe": UNSUBSCRIBED,
    "bounce": INVALID,
    "soft bounce": SOFT,
    "reject": held_back(Effect.UNDECIDED),
    "suspension": Meaning(EventKind.DELAYED, Effect.CONFIG),
    "category/badmailbox": INVALID,
    "category/baddomain": NO_DOMAIN,
    "category/quotaissues": FULL,
    "category/inactivemailbox": INACTIVE,
    "category/spam": CONTENT,
    "category/policy": POLICY,
    "category/blocklisted": BLOCKED,
    "category/greylisted": DELAYED,
}


def details(raw: Any, _part: int) -> Details:
    """Read one event."""
    said = text(dig(raw, "response")) or text(dig(raw, "reason"))
    code, enhanced = refusal_in(said)
    category = word(dig(raw, "bounce_category"))
    event = words(dig(raw, "event"))
    is_bounce = any("bounce" in name for name in event)
    return Details(
        words=((f"category/{category}",) if category and is_bounce else ()) + event,
        identity=(text(dig(raw, "event_id")),),
        at=moment(dig(raw, "timestamp")),
        code=number(dig(raw, "response_code")) or code,
        enhanced=enhanced,
        text=said,
        token=text(dig(raw, "custom_variables", METADATA_KEY)),
        ip=address(dig(raw, "ip")),
    )
