"""SparkPost."""

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
    HELD_BLOCKED,
    INVALID,
    NO_ANSWER,
    NOTHING,
    OPENED,
    OURS,
    POLICY,
    REPLIED,
    SOFT,
    TOO_LARGE,
    UNSUBSCRIBED,
    Meaning,
    bounce,
)
from delivery.events.webhooks.values import (
    Details,
    address,
    dig,
    moment,
    number,
    refusal_in,
    text,
    word,
)
from delivery.states import Effect
from delivery.transports.providers.message import METADATA_KEY

# https://developers.sparkpost.com/api/webhooks/, bounce classes: support.sparkpost.com
MEANINGS: Final[dict[str, Meaning]] = {
    "injection": NOTHING,
    "delivery": DELIVERED,
    "delay": DELAYED,
    "open": OPENED,
    "initial_open": OPENED,
    "amp_open": OPENED,
    "amp_initial_open": OPENED,
    "click": CLICKED,
    "amp_click": CLICKED,
    "spam_complaint": COMPLAINED,
    "list_unsubscribe": UNSUBSCRIBED,
    "link_unsubscribe": UNSUBSCRIBED,
    "sms_status": NOTHING,
    "policy_rejection": HELD_BLOCKED,
    "generation_failure": OURS,
    "generation_rejection": OURS,
    "bounce": BOUNCED,
    "out_of_band": BOUNCED,
    "class/1": BOUNCED,
    "class/10": INVALID,
    "class/20": SOFT,
    "class/21": bounce(Effect.TRANSIENT, "4.4.3"),
    "class/22": FULL,
    "class/23": TOO_LARGE,
    "class/24": NO_ANSWER,
    "class/25": HELD_BLOCKED,
    "class/30": INVALID,
    "class/40": BOUNCED,
    "class/50": BLOCKED,
    "class/51": BLOCKED,
    "class/52": CONTENT,
    "class/53": CONTENT,
    "class/54": POLICY,
    "class/60": REPLIED,
    "class/70": SOFT,
    "class/80": NOTHING,
    "class/90": UNSUBSCRIBED,
    "class/100": REPLIED,
}


def details(raw: Any, _part: int) -> Details:
    """Read one event, which stands inside ``msys`` and the name of its class."""
    classes = dig(raw, "msys")
    event = next(iter(classes.values()), None) if isinstance(classes, dict) else None
    kind = word(dig(event, "type"))
    category = text(dig(event, "bounce_class"), 4)
    is_refusal = kind in {"bounce", "out_of_band", "policy_rejection"}
    said = text(dig(event, "raw_reason")) or text(dig(event, "reason"))
    code, enhanced = refusal_in(said)
    return Details(
        words=((f"class/{category}",) if category and is_refusal else ()) + (kind,),
        identity=(text(dig(event, "event_id")),),
        at=moment(dig(event, "timestamp")),
        code=number(dig(event, "error_code")) or code,
        enhanced=enhanced,
        text=said,
        token=text(dig(event, "rcpt_meta", METADATA_KEY)),
        ip=address(dig(event, "ip_address")) if kind.endswith(("open", "click")) else None,
        is_retried=kind == "delay",
    )
