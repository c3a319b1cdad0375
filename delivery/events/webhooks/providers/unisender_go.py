"""Unisender Go."""

from typing import Any, Final

from delivery.events.webhooks.meanings import (
    BLOCKED,
    BOUNCED,
    CLICKED,
    COMPLAINED,
    CONTENT,
    DELAYED,
    DELIVERED,
    FULL,
    HELD_CONTENT,
    INACTIVE,
    INVALID,
    KNOWN_INVALID,
    KNOWN_UNSUBSCRIBED,
    NO_DOMAIN,
    NOTHING,
    OPENED,
    SOFT,
    TOO_LARGE,
    UNSUBSCRIBED,
    Meaning,
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
    words,
)
from delivery.transports.providers.message import METADATA_KEY

# https://godocs.unisender.ru/web-api-ref#callback-format
MEANINGS: Final[dict[str, Meaning]] = {
    "sent": NOTHING,
    "delivered": DELIVERED,
    "opened": OPENED,
    "clicked": CLICKED,
    "unsubscribed": UNSUBSCRIBED,
    "subscribed": NOTHING,
    "spam": COMPLAINED,
    "soft_bounced": SOFT,
    "hard_bounced": INVALID,
    "status/err_will_retry": DELAYED,
    "status/err_user_unknown": INVALID,
    "status/err_user_inactive": INACTIVE,
    "status/err_mailbox_discarded": INACTIVE,
    "status/err_mailbox_full": FULL,
    "status/err_spam_rejected": CONTENT,
    "status/err_spam_folder": CONTENT,
    f"status/err_{BLACK}listed": BLOCKED,
    "status/err_too_large": TOO_LARGE,
    "status/err_unsubscribed": KNOWN_UNSUBSCRIBED,
    "status/err_unreachable": KNOWN_INVALID,
    "status/err_skip_letter": KNOWN_INVALID,
    "status/err_domain_inactive": NO_DOMAIN,
    "status/err_destination_misconfigured": SOFT,
    "status/err_delivery_failed": BOUNCED,
    "status/err_spam_skipped": HELD_CONTENT,
    "status/err_lost": BOUNCED,
}

STATUS_EVENT: Final = "transactional_email_status"


def details(raw: Any, _part: int) -> Details:
    """Read one event; Unisender Go gives events no id."""
    info = dig(raw, "delivery_info")
    result = word(dig(info, "delivery_status"))
    said = text(dig(info, "destination_response"))
    code, enhanced = refusal_in(said)
    is_other = dig(raw, "event_name") not in {None, STATUS_EVENT}
    named = (f"status/{result}",) if result.startswith("err") else ()
    return Details(
        words=words(dig(raw, "event_name")) if is_other else (*named, word(dig(raw, "status"))),
        identity=(text(dig(raw, "event_time")), text(dig(raw, "url"), 500)),
        at=moment(dig(raw, "event_time")),
        code=code,
        enhanced=enhanced,
        text=said,
        token=text(dig(raw, "metadata", METADATA_KEY)),
        ip=address(dig(info, "ip")),
        is_retried=result == "err_will_retry",
    )
