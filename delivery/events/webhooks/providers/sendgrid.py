"""SendGrid."""

from typing import Any, Final

from delivery.events.webhooks.meanings import (
    BLOCKED,
    BOUNCED,
    CLICKED,
    COMPLAINED,
    CONTENT,
    DELAYED,
    DELIVERED,
    HELD_CONTENT,
    INACTIVE,
    INVALID,
    KNOWN_COMPLAINT,
    KNOWN_INVALID,
    KNOWN_UNSUBSCRIBED,
    NO_ANSWER,
    NOTHING,
    OPENED,
    OURS,
    SLOW,
    SOFT,
    UNSUBSCRIBED,
    Meaning,
    held_back,
)
from delivery.events.webhooks.values import (
    Details,
    address,
    bare_id,
    dig,
    moment,
    refusal_in,
    status,
    text,
    word,
)
from delivery.states import Effect
from delivery.transports.providers.message import METADATA_KEY

# https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
MEANINGS: Final[dict[str, Meaning]] = {
    "processed": NOTHING,
    "delivered": DELIVERED,
    "deferred": DELAYED,
    "open": OPENED,
    "click": CLICKED,
    "spamreport": COMPLAINED,
    "unsubscribe": UNSUBSCRIBED,
    "group_unsubscribe": UNSUBSCRIBED,
    "group_resubscribe": NOTHING,
    "account_status_change": NOTHING,
    "bounce": BOUNCED,
    "bounce/bounce": BOUNCED,
    "bounce/blocked": BLOCKED,
    "bounce/expired": NO_ANSWER,
    "class/invalid address": INVALID,
    "class/invalid": INVALID,
    "class/mailbox unavailable": INACTIVE,
    "class/technical": SOFT,
    "class/technical failure": SOFT,
    "class/content": CONTENT,
    "class/reputation": BLOCKED,
    "class/frequency or volume": SLOW,
    "class/frequency or volume too high": SLOW,
    "dropped": held_back(Effect.UNDECIDED),
    "dropped/bounced address": KNOWN_INVALID,
    "dropped/invalid": held_back(Effect.ADDRESS_INVALID, "5.1.3"),
    "dropped/spam reporting address": KNOWN_COMPLAINT,
    "dropped/unsubscribed address": KNOWN_UNSUBSCRIBED,
    "dropped/spam content": HELD_CONTENT,
    "dropped/invalid smtpapi header": OURS,
    "dropped/recipient list over package quota": OURS,
}


def details(raw: Any, _part: int) -> Details:
    """Read one event; metadata stands among its own fields."""
    event = word(dig(raw, "event"))
    said = text(dig(raw, "reason")) or text(dig(raw, "response"))
    code, enhanced = refusal_in(said)
    named: tuple[str, ...] = ()
    if event == "bounce":
        kind, category = word(dig(raw, "type")), word(dig(raw, "bounce_classification"))
        named = (f"class/{category}",) if category not in {"", "unclassified"} else ()
        named += (f"bounce/{kind}",) if kind else ()
    elif event == "dropped":
        named = (f"dropped/{word(dig(raw, 'reason'))}", f"dropped/{word(dig(raw, 'type'))}")
    return Details(
        words=(*named, event),
        identity=(text(dig(raw, "sg_event_id")),) if dig(raw, "sg_event_id") else (),
        at=moment(dig(raw, "timestamp")),
        code=code,
        enhanced=status(dig(raw, "status")) or enhanced,
        text=said,
        header_id=bare_id(dig(raw, "smtp-id")),
        token=text(dig(raw, METADATA_KEY)),
        ip=address(dig(raw, "ip")) if event in {"open", "click"} else None,
    )
