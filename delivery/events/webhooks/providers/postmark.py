"""Postmark."""

from typing import Any, Final

from delivery.events.webhooks.meanings import (
    BLOCKED,
    BOUNCED,
    CLICKED,
    COMPLAINED,
    CONTENT,
    DELIVERED,
    INVALID,
    KNOWN_INVALID,
    NOTHING,
    OPENED,
    OURS,
    REPLIED,
    SOFT,
    UNSUBSCRIBED,
    Meaning,
    bounce,
    held_back,
)
from delivery.events.webhooks.values import (
    Details,
    address,
    dig,
    moment,
    refusal_in,
    text,
    word,
    words,
)
from delivery.states import Effect
from delivery.transports.providers.message import METADATA_KEY

# https://postmarkapp.com/developer/api/bounce-api#bounce-types
MEANINGS: Final[dict[str, Meaning]] = {
    "delivery": DELIVERED,
    "open": OPENED,
    "click": CLICKED,
    "spamcomplaint": COMPLAINED,
    "subscriptionchange": UNSUBSCRIBED,
    "subscriptionchange/off": NOTHING,  # may be written to again
    "subscriptionchange/hardbounce": KNOWN_INVALID,
    "subscriptionchange/spamcomplaint": COMPLAINED,
    "subscriptionchange/manualsuppression": UNSUBSCRIBED,
    "bounce": BOUNCED,
    "bounce/hardbounce": INVALID,
    "bounce/transient": SOFT,
    "bounce/unsubscribe": UNSUBSCRIBED,
    "bounce/subscribe": NOTHING,
    "bounce/autoresponder": REPLIED,
    "bounce/addresschange": REPLIED,
    "bounce/dnserror": bounce(Effect.TRANSIENT, "4.4.3"),
    "bounce/spamnotification": CONTENT,  # a filter's note, not a person's complaint
    "bounce/openrelaytest": NOTHING,
    "bounce/unknown": BOUNCED,
    "bounce/softbounce": SOFT,
    "bounce/virusnotification": CONTENT,
    "bounce/challengeverification": REPLIED,
    "bounce/bademailaddress": held_back(Effect.ADDRESS_INVALID, "5.1.3"),
    "bounce/spamcomplaint": COMPLAINED,
    "bounce/manuallydeactivated": KNOWN_INVALID,
    "bounce/unconfirmed": OURS,
    "bounce/blocked": BLOCKED,
    "bounce/smtpapierror": OURS,
    "bounce/inbounderror": NOTHING,
    "bounce/dmarcpolicy": bounce(Effect.AUTH_POLICY, "5.7.1"),
    "bounce/templaterenderingfailed": OURS,
}


def details(raw: Any, _part: int) -> Details:
    """Read one event."""
    record = word(dig(raw, "RecordType"))
    said = text(dig(raw, "Details"))
    code, enhanced = refusal_in(said)
    names = ("DeliveredAt", "BouncedAt", "ReceivedAt", "ChangedAt")
    at = next((text(dig(raw, name)) for name in names if dig(raw, name)), "")
    number_of_it = text(dig(raw, "ID"))
    return Details(
        words=_words(record, raw),
        identity=(number_of_it or at, text(dig(raw, "OriginalLink"), 500)),
        at=moment(at),
        code=code,
        enhanced=enhanced,
        text=said,
        token=text(dig(raw, "Metadata", METADATA_KEY)),
        ip=address(dig(raw, "Geo", "IP")),
    )


def _words(record: str, raw: Any) -> tuple[str, ...]:
    if record in {"bounce", "spamcomplaint"}:
        kind = word(dig(raw, "Type"))
        return (f"bounce/{kind}", record) if kind else (record,)
    if record == "subscriptionchange":
        if dig(raw, "SuppressSending") is False:
            return (f"{record}/off", record)
        return words(record, dig(raw, "SuppressionReason"))
    return words(record)
