"""Mailjet."""

import json
from typing import Any, Final

from delivery.events.webhooks.meanings import (
    CLICKED,
    COMPLAINED,
    DELAYED,
    DELIVERED,
    FULL,
    HELD_BLOCKED,
    HELD_CONTENT,
    INACTIVE,
    INVALID,
    KNOWN_COMPLAINT,
    KNOWN_INVALID,
    KNOWN_UNSUBSCRIBED,
    NO_ANSWER,
    NO_DOMAIN,
    OPENED,
    OURS,
    POLICY,
    SOFT,
    UNSUBSCRIBED,
    Meaning,
    held_back,
)
from delivery.events.webhooks.values import (
    BLACK,
    Details,
    address,
    dig,
    moment,
    refusal_in,
    text,
    word,
)
from delivery.states import Effect
from delivery.transports.providers.message import METADATA_KEY

# https://dev.mailjet.com/email/guides/webhooks/
MEANINGS: Final[dict[str, Meaning]] = {
    "sent": DELIVERED,
    "open": OPENED,
    "click": CLICKED,
    "spam": COMPLAINED,
    "unsub": UNSUBSCRIBED,
    "bounce": SOFT,
    "bounce/hard": INVALID,
    "blocked": held_back(Effect.UNDECIDED),
    "error/user unknown": INVALID,
    "error/mailbox inactive": INACTIVE,
    "error/quota exceeded": FULL,
    f"error/{BLACK}listed": KNOWN_UNSUBSCRIBED,
    "error/spam reporter": KNOWN_COMPLAINT,
    "error/invalid domain": NO_DOMAIN,
    "error/no mail host": NO_DOMAIN,
    "error/relay/access denied": POLICY,
    "error/greylisted": DELAYED,
    "error/typofix": held_back(Effect.ADDRESS_INVALID, "5.1.3"),
    "error/bad or empty template": OURS,
    "error/error in template language": OURS,
    "error/sender blocked": HELD_BLOCKED,
    "error/content blocked": HELD_CONTENT,
    "error/policy issue": POLICY,
    "error/system issue": SOFT,
    "error/protocol issue": SOFT,
    "error/connection issue": NO_ANSWER,
    "error/preblocked": KNOWN_INVALID,
    "error/duplicate in campaign": OURS,
}


def details(raw: Any, _part: int) -> Details:
    """Read one event; Mailjet gives events no id."""
    event, error = word(dig(raw, "event")), word(dig(raw, "error"))
    said = text(dig(raw, "comment")) or text(dig(raw, "smtp_reply"))
    code, enhanced = refusal_in(said)
    is_hard = dig(raw, "hard_bounce") is True
    named = (f"error/{error}",) if error and not (is_hard and error == "greylisted") else ()
    hard = ("bounce/hard",) if event == "bounce" and is_hard else ()
    names = ("time", "url", "agent", "ip")
    return Details(
        words=(*named, *hard, event),
        identity=tuple(text(dig(raw, name), 500) for name in names),
        at=moment(dig(raw, "time")),
        code=code,
        enhanced=enhanced,
        text=said,
        token=_token(dig(raw, "Payload")),
        ip=address(dig(raw, "ip")),
    )


def _token(payload: Any) -> str:
    try:
        return text(dig(json.loads(payload), METADATA_KEY))
    except (TypeError, ValueError, RecursionError):
        return ""
