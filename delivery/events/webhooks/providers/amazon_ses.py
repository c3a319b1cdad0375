"""Amazon SES, by way of Amazon SNS: what SNS carries is JSON in a string."""

import json
from typing import Any, Final

from delivery.events.webhooks.meanings import (
    BOUNCED,
    CLICKED,
    COMPLAINED,
    CONTENT,
    DELAYED,
    DELIVERED,
    FULL,
    HELD_CONTENT,
    INVALID,
    KNOWN_COMPLAINT,
    KNOWN_INVALID,
    KNOWN_UNSUBSCRIBED,
    NO_ANSWER,
    NOTHING,
    OPENED,
    OURS,
    SOFT,
    TOO_LARGE,
    UNSUBSCRIBED,
    Meaning,
)
from delivery.events.webhooks.values import (
    Details,
    address,
    bare_id,
    dig,
    header,
    moment,
    refusal_in,
    status,
    text,
    word,
    words,
)
from delivery.transports.providers.message import MESSAGE_HEADER

# https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html and event-publishing-…
MEANINGS: Final[dict[str, Meaning]] = {
    "delivery": DELIVERED,
    "send": NOTHING,
    "open": OPENED,
    "click": CLICKED,
    "complaint": COMPLAINED,
    "complaint/onaccountsuppressionlist": KNOWN_COMPLAINT,
    "reject": HELD_CONTENT,  # a virus was found
    "rendering failure": OURS,
    "subscription": NOTHING,
    "subscription/all": UNSUBSCRIBED,
    "bounce": BOUNCED,
    "bounce/undetermined": BOUNCED,
    "bounce/permanent": INVALID,
    "bounce/permanent/general": INVALID,
    "bounce/permanent/noemail": INVALID,
    "bounce/permanent/suppressed": KNOWN_INVALID,
    "bounce/permanent/onaccountsuppressionlist": KNOWN_INVALID,
    "bounce/permanent/unsubscribedrecipient": KNOWN_UNSUBSCRIBED,
    "bounce/transient": SOFT,
    "bounce/transient/general": SOFT,
    "bounce/transient/mailboxfull": FULL,
    "bounce/transient/messagetoolarge": TOO_LARGE,
    "bounce/transient/contentrejected": CONTENT,
    "bounce/transient/attachmentrejected": CONTENT,
    "bounce/transient/customtimeoutexceeded": NO_ANSWER,
    "deliverydelay": DELAYED,
}


def event_of(raw: Any) -> Any:
    """Return the event in what SNS brought; a topic may also be set to bring it as it is."""
    message = dig(raw, "Message")
    if not isinstance(message, str):
        return raw
    try:
        return json.loads(message)
    except (ValueError, RecursionError):
        return {}


def details(raw: Any, part: int) -> Details:
    """Read one event; a bounce, complaint or delay names several people, ``part`` is which."""
    event = event_of(raw)
    kind = word(dig(event, "eventType") or dig(event, "notificationType"))
    inner = _inner(event, kind)
    person = _people(inner, part)
    said = text(dig(person, "diagnosticCode") or dig(inner, "smtpResponse"))
    code, enhanced = refusal_in(said)
    headers = dig(event, "mail", "headers")
    return Details(
        words=_words(kind, inner),
        identity=(text(dig(event, "mail", "messageId")), text(dig(inner, "timestamp")))
        + ((text(dig(inner, "link"), 500),) if kind == "click" else ()),
        at=moment(dig(inner, "timestamp")) or moment(dig(raw, "Timestamp")),
        code=code,
        enhanced=status(dig(person, "status")) or enhanced,
        text=said,
        header_id=bare_id(header(headers, "Message-ID")),
        token=header(headers, MESSAGE_HEADER),
        ip=address(dig(inner, "ipAddress")) if kind in {"open", "click"} else None,
        recipient=text(dig(person, "emailAddress"), 320),
        is_retried=kind == "deliverydelay",
    )


def _inner(event: Any, kind: str) -> Any:
    names = {"deliverydelay": "deliveryDelay", "rendering failure": "failure"}
    return dig(event, names.get(kind, kind))


def _people(inner: Any, part: int) -> Any:
    for name in ("bouncedRecipients", "complainedRecipients", "delayedRecipients"):
        if (found := dig(inner, name, part)) is not None:
            return found
    return None


def _words(kind: str, inner: Any) -> tuple[str, ...]:
    if kind == "bounce":
        return words(kind, dig(inner, "bounceType"), dig(inner, "bounceSubType"))
    if kind == "complaint":
        return words(kind, dig(inner, "complaintSubType"))
    if kind == "deliverydelay":
        return words(kind, dig(inner, "delayType"))
    if kind == "subscription" and dig(inner, "newTopicPreferences", "unsubscribeAll") is True:
        return (f"{kind}/all", kind)
    return words(kind)


def is_event(event: Any) -> bool:
    """Say whether this is news of a mail; SNS also says that a topic works."""
    return word(dig(event, "eventType") or dig(event, "notificationType")) != ""


def is_delay(event: Any) -> bool:
    """Say whether this is a delivery delay, or a subscription: what Anymail does not know."""
    return word(dig(event, "eventType")) in {"deliverydelay", "subscription"}


def message_id(raw: Any) -> str:
    """Return the mail's id at Amazon SES."""
    return text(dig(event_of(raw), "mail", "messageId"), 255)
