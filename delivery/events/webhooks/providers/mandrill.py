"""Mandrill (Mailchimp Transactional)."""

from typing import Any, Final

from delivery.events.webhooks.meanings import (
    CLICKED,
    COMPLAINED,
    CONTENT,
    DELAYED,
    DELIVERED,
    FULL,
    INACTIVE,
    INVALID,
    KNOWN_COMPLAINT,
    KNOWN_INVALID,
    KNOWN_SOFT,
    KNOWN_UNSUBSCRIBED,
    NO_DOMAIN,
    NOTHING,
    OPENED,
    OURS,
    SOFT,
    TOO_LARGE,
    UNSUBSCRIBED,
    Meaning,
    held_back,
)
from delivery.events.webhooks.values import Details, address, dig, moment, refusal_in, text, word
from delivery.states import Effect
from delivery.transports.providers.message import METADATA_KEY

# https://mailchimp.com/developer/transactional/docs/webhooks/
MEANINGS: Final[dict[str, Meaning]] = {
    "send": NOTHING,
    "delivered": DELIVERED,
    "deferral": DELAYED,
    "hard_bounce": INVALID,
    "soft_bounce": SOFT,
    "open": OPENED,
    "click": CLICKED,
    "spam": COMPLAINED,
    "unsub": UNSUBSCRIBED,
    "reject": held_back(Effect.UNDECIDED),
    "bounce/bad_mailbox": INVALID,
    "bounce/non_existent_mailbox": INVALID,
    "bounce/invalid_domain": NO_DOMAIN,
    "bounce/mailbox_full": FULL,
    "bounce/mailbox_inactive": INACTIVE,
    "bounce/message_too_large": TOO_LARGE,
    "bounce/spam_block": CONTENT,
    "reject/hard-bounce": KNOWN_INVALID,
    "reject/soft-bounce": KNOWN_SOFT,
    "reject/spam": KNOWN_COMPLAINT,
    "reject/unsub": KNOWN_UNSUBSCRIBED,
    "reject/invalid": held_back(Effect.ADDRESS_INVALID, "5.1.3"),
    "reject/invalid-sender": OURS,
    "reject/unsigned": OURS,
    "reject/test-mode-limit": OURS,
    "reject/rule": OURS,
    "reject/custom": KNOWN_INVALID,
}


def details(raw: Any, _part: int) -> Details:
    """Read one event; Mandrill gives events no id."""
    event = word(dig(raw, "event") or dig(raw, "type"))
    message = dig(raw, "msg")
    said = text(dig(message, "diag"))
    code, enhanced = refusal_in(said)
    named: tuple[str, ...] = ()
    if event in {"hard_bounce", "soft_bounce"}:
        named = (f"bounce/{word(dig(message, 'bounce_description'))}",)
    elif event == "reject":
        reason = dig(message, "reject", "reason") or dig(message, "reject")
        named = (f"reject/{word(reason)}",)
    return Details(
        words=(*named, event),
        identity=(text(dig(raw, "ts")), text(dig(raw, "url"), 500), text(dig(raw, "ip"))),
        at=moment(dig(raw, "ts")),
        code=code,
        enhanced=enhanced,
        text=said,
        token=text(dig(message, "metadata", METADATA_KEY)),
        ip=address(dig(raw, "ip")),
        is_retried=event == "deferral",
    )
