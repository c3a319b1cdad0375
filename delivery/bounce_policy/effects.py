"""Which effects of a refusal speak against an address, and which against us."""

from typing import Final

from delivery.refusals.causes import Cause
from delivery.states import Effect, FeedbackSource

HARD: Final = frozenset({Effect.ADDRESS_INVALID})
# Says something of a mailbox, though nothing final: counted in a row.
SOFT: Final = frozenset({Effect.MAILBOX_FULL, Effect.TRANSIENT})
COUNTED: Final = SOFT | {Effect.MAILBOX_INACTIVE}
# What a provider that refuses everybody says. Trouble that passes, and our own settings, are none.
REFUSALS: Final = HARD | {
    Effect.MAILBOX_INACTIVE,
    Effect.SENDER_BLOCKED,
    Effect.AUTH_POLICY,
    Effect.CONTENT,
}
# Events by these count for nothing: which mail they mean is a guess.
UNSURE: Final = frozenset({FeedbackSource.PROVIDER_UNSURE, FeedbackSource.MAIL_UNSURE})


def words(cause: int | None, effect: int | None) -> str:
    """Return why a mail was refused, in words for people; "" where nobody said."""
    return str(Cause(cause).label if cause else Effect(effect or 0).label)
