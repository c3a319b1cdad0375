"""Postal."""

from typing import Any, Final

from delivery.events.webhooks.meanings import (
    BOUNCED,
    CLICKED,
    DELAYED,
    DELIVERED,
    OPENED,
    Meaning,
)
from delivery.events.webhooks.values import (
    Details,
    address,
    bare_id,
    dig,
    moment,
    refusal_in,
    text,
    word,
)
from delivery.states import Effect, EventKind

# https://docs.postalserver.io/developer/webhooks
MEANINGS: Final[dict[str, Meaning]] = {
    "sent": DELIVERED,
    "softfail": DELAYED,
    "hardfail": BOUNCED,
    "held": Meaning(EventKind.DELAYED, Effect.CONFIG),
    "bounced": BOUNCED,
    "loaded": OPENED,
    "clicked": CLICKED,
}

# The names of its events, where the payload alone does not say which it is.
_EVENTS: Final = {
    "messagebounced": "bounced",
    "messagelinkclicked": "clicked",
    "messageloaded": "loaded",
}


def details(raw: Any, _part: int) -> Details:
    """Read one event."""
    payload = dig(raw, "payload")
    named = _EVENTS.get(word(dig(raw, "event")), "")
    if not named and dig(payload, "bounce") is not None:
        named = "bounced"
    elif not named and dig(payload, "url") is not None:
        named = "clicked"
    said = text(dig(payload, "output")) or text(dig(payload, "details"))
    code, enhanced = refusal_in(said)
    message = dig(payload, "message") or dig(payload, "original_message")
    kind = named or word(dig(payload, "status"))
    return Details(
        words=(kind,),
        identity=(text(dig(raw, "uuid")),),
        at=moment(dig(raw, "timestamp")) or moment(dig(payload, "timestamp")),
        code=code,
        enhanced=enhanced,
        text=said,
        header_id=bare_id(dig(message, "message_id")),
        ip=address(dig(payload, "ip_address")),
        is_retried=kind == "softfail",
    )
