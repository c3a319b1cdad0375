"""Mailgun: its events of today (JSON), and those of before 2018 (the fields of a form)."""

from typing import Any, Final

from delivery.events.webhooks.meanings import (
    BLOCKED,
    BOUNCED,
    CLICKED,
    COMPLAINED,
    DELAYED,
    DELIVERED,
    KNOWN_COMPLAINT,
    KNOWN_INVALID,
    KNOWN_UNSUBSCRIBED,
    NO_ANSWER,
    NO_DOMAIN,
    NOTHING,
    OPENED,
    OURS,
    UNSUBSCRIBED,
    Meaning,
)
from delivery.events.webhooks.values import (
    Details,
    address,
    bare_id,
    dig,
    moment,
    number,
    refusal_in,
    status,
    text,
    words,
)
from delivery.transports.providers.message import METADATA_KEY

# https://documentation.mailgun.com/docs/mailgun/user-manual/events/event-structure
MEANINGS: Final[dict[str, Meaning]] = {
    "accepted": NOTHING,
    "delivered": DELIVERED,
    "opened": OPENED,
    "clicked": CLICKED,
    "unsubscribed": UNSUBSCRIBED,
    "complained": COMPLAINED,
    "stored": NOTHING,
    "rejected": OURS,
    "failed": BOUNCED,
    "failed/temporary": DELAYED,
    "failed/permanent": BOUNCED,
    "failed/permanent/bounce": BOUNCED,
    "failed/permanent/old": NO_ANSWER,  # tried for as long as Mailgun tries
    "failed/permanent/espblock": BLOCKED,
    "failed/permanent/suppress-bounce": KNOWN_INVALID,
    "failed/permanent/suppress-complaint": KNOWN_COMPLAINT,
    "failed/permanent/suppress-unsubscribe": KNOWN_UNSUBSCRIBED,
    # Codes of Mailgun's own, not of SMTP.
    "code/498": NO_DOMAIN,
    "code/499": NO_ANSWER,
    "code/602": NO_ANSWER,
    "code/605": KNOWN_INVALID,
    "code/606": KNOWN_UNSUBSCRIBED,
    "code/607": KNOWN_COMPLAINT,
    "code/620": OURS,
    # Events as they were before 2018, of which some accounts still tell.
    "bounced": BOUNCED,
    "dropped": BOUNCED,
    "dropped/hardfail": BOUNCED,
    "dropped/old": NO_ANSWER,
}


def is_legacy(raw: Any) -> bool:
    """Say whether these are a form's fields."""
    return "event-data" not in raw


def details(raw: Any, _part: int) -> Details:
    """Read one event."""
    if is_legacy(raw):
        return _legacy(raw)
    event = dig(raw, "event-data")
    delivery = dig(event, "delivery-status")
    said = text(dig(delivery, "message")) or text(dig(delivery, "description"))
    code, enhanced = refusal_in(said)
    named = words(dig(event, "event"), dig(event, "severity"), dig(event, "reason"))
    own_code = f"code/{text(dig(delivery, 'code'), 8)}"
    is_delayed = "failed/temporary" in named
    return Details(
        words=named if is_delayed else (own_code, *named),
        # Its id is unique within a day; a repeated request is signed anew.
        identity=(text(dig(event, "id")), text(dig(event, "timestamp")))
        if dig(event, "id")
        else (),
        at=moment(dig(event, "timestamp")),
        code=number(dig(delivery, "code")) or code,
        enhanced=status(dig(delivery, "enhanced-code")) or enhanced,
        text=said,
        header_id=bare_id(dig(event, "message", "headers", "message-id")),
        token=text(dig(event, "user-variables", METADATA_KEY)),
        ip=address(dig(event, "ip")),
        is_retried=is_delayed,
    )


def _legacy(raw: Any) -> Details:
    def first(name: str) -> str:
        return text(dig(raw, name, 0))

    said = first("error") or first("notification") or first("description")
    code, enhanced = refusal_in(said)
    named = words(first("event"), first("reason"))
    own_code = (f"code/{first('code')}",) if first("event") in {"dropped", "bounced"} else ()
    return Details(
        words=(*own_code, *named),
        at=moment(dig(raw, "timestamp", -1)),
        code=number(first("code")) or code,
        enhanced=enhanced,
        text=said,
        header_id=bare_id(first("Message-Id") or first("message-id")),
        token=first(METADATA_KEY),
        ip=address(first("ip")),
    )
