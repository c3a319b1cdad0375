"""What the words of each provider mean, as data.

django-anymail says "bounced" of what some providers mean as "full today", and "unknown" of others.
So an event's own words are looked up here first, the most exact first ("bounce/transient/
mailboxfull" before "bounce/transient"), in lower case. ``enhanced`` is the status of RFC 3463 that
the words stand for; what a receiving server itself said is asked before that (`judging`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from delivery.refusals.causes import Cause
from delivery.states import Effect, EventKind


@dataclass(frozen=True, slots=True)
class Meaning:
    """What happened (None: nothing that an email's story knows), and what follows from it.

    ``decides``: the provider itself refused, so its word counts more than any text with it.
    """

    kind: EventKind | None
    effect: Effect = Effect.NONE
    enhanced: str = ""
    decides: bool = False
    cause: int = 0  # of `refusals.causes.Cause`; 0: the one of ``enhanced``


NOTHING: Final = Meaning(None)
DELIVERED: Final = Meaning(EventKind.DELIVERED)
OPENED: Final = Meaning(EventKind.OPENED)
CLICKED: Final = Meaning(EventKind.CLICKED)
COMPLAINED: Final = Meaning(EventKind.COMPLAINED, Effect.COMPLAINT, decides=True)
UNSUBSCRIBED: Final = Meaning(EventKind.UNSUBSCRIBED, Effect.UNSUBSCRIBE, decides=True)
REPLIED: Final = Meaning(EventKind.AUTO_REPLIED, Effect.AUTO_REPLY, decides=True)
DELAYED: Final = Meaning(EventKind.DELAYED, Effect.DELAY)


def bounce(effect: Effect, enhanced: str = "") -> Meaning:
    """Return what it means that an email came back, as far as nothing says more."""
    return Meaning(EventKind.BOUNCED, effect, enhanced)


def held_back(effect: Effect, enhanced: str = "", cause: int = 0) -> Meaning:
    """Return what it means that a provider did not even try."""
    return Meaning(EventKind.BOUNCED, effect, enhanced, decides=True, cause=cause)


BOUNCED: Final = bounce(Effect.UNDECIDED)
INVALID: Final = bounce(Effect.ADDRESS_INVALID, "5.1.1")
NO_DOMAIN: Final = bounce(Effect.ADDRESS_INVALID, "5.1.2")
INACTIVE: Final = bounce(Effect.MAILBOX_INACTIVE, "5.2.1")
FULL: Final = bounce(Effect.MAILBOX_FULL, "5.2.2")
SOFT: Final = bounce(Effect.TRANSIENT, "4.0.0")
NO_ANSWER: Final = bounce(Effect.TRANSIENT, "4.4.1")
SLOW: Final = bounce(Effect.THROTTLED, "4.7.0")
BLOCKED: Final = bounce(Effect.SENDER_BLOCKED, "5.7.1")
CONTENT: Final = bounce(Effect.CONTENT, "5.6.0")
TOO_LARGE: Final = bounce(Effect.CONTENT, "5.3.4")
POLICY: Final = bounce(Effect.AUTH_POLICY, "5.7.1")
CONFIG: Final = bounce(Effect.CONFIG, "5.3.5")
# Not tried: on the provider's own list because of what was before.
KNOWN_INVALID: Final = held_back(Effect.ADDRESS_INVALID, "5.1.1", Cause.ON_PROVIDERS_LIST)
KNOWN_COMPLAINT: Final = held_back(Effect.COMPLAINT, "5.7.1", Cause.ON_PROVIDERS_LIST)
KNOWN_UNSUBSCRIBED: Final = held_back(Effect.UNSUBSCRIBE, "5.7.1", Cause.ON_PROVIDERS_LIST)
KNOWN_SOFT: Final = held_back(Effect.TRANSIENT, "4.0.0", Cause.ON_PROVIDERS_LIST)
OURS: Final = held_back(Effect.CONFIG, "5.3.5")
HELD_CONTENT: Final = held_back(Effect.CONTENT, "5.6.0")
HELD_BLOCKED: Final = held_back(Effect.SENDER_BLOCKED, "5.7.1")

# What django-anymail says, where none of a provider's words are known here.
OF_ANYMAIL: Final[dict[str, Meaning]] = {
    "bounced": BOUNCED,
    "rejected": held_back(Effect.UNDECIDED),
    "failed": OURS,
    "complained": COMPLAINED,
    "delivered": DELIVERED,
    "opened": OPENED,
    "clicked": CLICKED,
    "unsubscribed": UNSUBSCRIBED,
    "deferred": DELAYED,
    "autoresponded": REPLIED,
}


def meaning_of(table: Mapping[str, Meaning], words: tuple[str, ...], anymail_type: str) -> Meaning:
    """Return what an event means: its own words (most exact first), else Anymail's view of it."""
    for word in words:
        if word in table:
            return table[word]
    return OF_ANYMAIL.get(anymail_type, NOTHING)
