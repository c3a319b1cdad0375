"""What somebody told us about one mail, whoever it was, in one shape."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from delivery.states import Effect, EventKind, FeedbackSource


@dataclass(frozen=True, kw_only=True, slots=True)
class Feedback:
    """One piece of news about one mail to one person; nothing in it is trusted but ``message_id``.

    ``key`` (16 bytes) is the same whenever the same news is told again, so that it counts once.
    The mail is found by ``message_id`` where a token of ours proved it, else by what follows, the
    most certain first. ``code``, ``enhanced`` and ``text`` are the words of the server that
    refused (RFC 5321, RFC 3463); ``cause`` and ``effect`` are what `refusals.classify` makes of
    them.
    """

    key: bytes
    kind: EventKind
    at: datetime
    source: FeedbackSource
    workspace_id: int
    account_id: int | None = None
    message_id: int | None = None  # of the ledger (delivery.Message.id), proven
    header_id: str = ""  # the Message-ID header, without its angle brackets
    provider_id: str = ""
    recipient: str = ""
    cause: int = 0  # delivery.refusals.causes.Cause
    effect: Effect = Effect.NONE
    code: int = 0
    enhanced: str = ""
    text: str = ""
    url: str = ""
    user_agent: str = ""
    ip: str | None = None


class Fate(Enum):
    """What became of a piece of news."""

    APPLIED = "applied"
    KNOWN = "known"  # told before: nothing changed
    UNMATCHED = "unmatched"  # no mail of this workspace is meant by it
    FAILED = "failed"  # it could not be written; set aside, and the others went on


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """A piece of news after `applying.apply`; ``confidence`` (0 to 100) is that of the match."""

    fate: Fate
    message_id: int | None = None
    confidence: int = 0
