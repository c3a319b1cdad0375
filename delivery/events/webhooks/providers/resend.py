"""Resend, which sends by Amazon SES and says of a bounce what that says."""

from typing import Any, Final

from delivery.events.webhooks.meanings import (
    BOUNCED,
    CLICKED,
    COMPLAINED,
    DELAYED,
    DELIVERED,
    KNOWN_INVALID,
    NOTHING,
    OPENED,
    OURS,
    Meaning,
)
from delivery.events.webhooks.providers import amazon_ses
from delivery.events.webhooks.values import (
    Details,
    address,
    dig,
    header,
    moment,
    refusal_in,
    text,
    words,
)
from delivery.transports.providers.message import MESSAGE_HEADER

# https://resend.com/docs/dashboard/webhooks/event-types; what its bounces say is Amazon's.
MEANINGS: Final[dict[str, Meaning]] = {
    "email.scheduled": NOTHING,
    "email.sent": NOTHING,
    "email.delivered": DELIVERED,
    "email.delivery_delayed": DELAYED,
    "email.complained": COMPLAINED,
    "email.bounced": BOUNCED,
    "email.opened": OPENED,
    "email.clicked": CLICKED,
    "email.failed": OURS,
    "email.suppressed": KNOWN_INVALID,
    "contact.updated": NOTHING,
    **{
        word: meaning for word, meaning in amazon_ses.MEANINGS.items() if word.startswith("bounce/")
    },
}


def details(raw: Any, _part: int) -> Details:
    """Read one event; its id stands in a header of the request."""
    data = dig(raw, "data")
    bounce = dig(data, "bounce")
    given = dig(bounce, "diagnosticCode")
    said = text(given[0] if isinstance(given, list) and given else given) or text(
        dig(bounce, "message") or dig(data, "failed", "reason")
    )
    code, enhanced = refusal_in(said)
    named = words("bounce", dig(bounce, "type"), dig(bounce, "subType")) if bounce else ()
    return Details(
        words=(*[one for one in named if one != "bounce"], *words(dig(raw, "type"))),
        identity=(text(dig(raw, "created_at")), text(dig(data, "click", "link"), 500)),
        at=moment(dig(raw, "created_at")),
        code=code,
        enhanced=enhanced,
        text=said,
        token=header(dig(data, "headers"), MESSAGE_HEADER),
        ip=address(dig(data, "click", "ipAddress")),
    )
