"""MailerSend."""

from typing import Any, Final

from delivery.events.webhooks.meanings import (
    CLICKED,
    COMPLAINED,
    DELAYED,
    DELIVERED,
    INVALID,
    NOTHING,
    OPENED,
    SOFT,
    UNSUBSCRIBED,
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
    words,
)

# https://developers.mailersend.com/api/v1/webhooks.html
MEANINGS: Final[dict[str, Meaning]] = {
    "sent": NOTHING,
    "delivered": DELIVERED,
    "deferred": DELAYED,
    "soft_bounced": SOFT,
    "hard_bounced": INVALID,
    "opened": OPENED,
    "opened_unique": OPENED,
    "clicked": CLICKED,
    "clicked_unique": CLICKED,
    "unsubscribed": UNSUBSCRIBED,
    "spam_complaint": COMPLAINED,
    "survey_opened": NOTHING,
    "survey_submitted": NOTHING,
}


def details(raw: Any, _part: int) -> Details:
    """Read one event; what is special about its kind stands in a ``morph``."""
    data = dig(raw, "data")
    morph = dig(data, "morph")
    said = text(dig(morph, "reason"))
    code, enhanced = refusal_in(said)
    return Details(
        words=words(dig(data, "type") or word(dig(raw, "type")).removeprefix("activity.")),
        identity=(text(dig(data, "id")),),
        at=moment(dig(data, "created_at")),
        code=code,
        enhanced=enhanced,
        text=said,
        header_id=bare_id(dig(data, "email", "headers", "Message-ID")),
        ip=address(dig(morph, "ip")),
    )
