"""Events of what servers and providers told us, and what follows from refusals while sending."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection
from django.utils import timezone

from delivery.bounce_policy import following
from delivery.bounce_policy.following import Refused
from delivery.models import Message
from delivery.states import AgentClass, Effect, EventKind, FeedbackSource

_COPY: Final = """
COPY delivery_event (campaign_id, message_id, subscriber_id, kind, agent, at, link_ordinal, reason,
    cause, effect, source, reply_id) FROM STDIN
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """One event of a message that somebody told us."""

    campaign_id: int
    message_id: int
    subscriber_id: int
    kind: EventKind
    at: datetime
    source: FeedbackSource
    cause: int = 0
    effect: Effect = Effect.NONE
    reply: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerRefusal:
    """A mail that the server refused for good while it was handed over."""

    message_id: int
    cause: int
    effect: Effect
    reply: int | None


def write(events: Iterable[Told]) -> None:
    """Write events; the caller counts them."""
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        for event in events:
            copy.write_row(
                (
                    event.campaign_id,
                    event.message_id,
                    event.subscriber_id,
                    int(event.kind),
                    int(AgentClass.HUMAN),
                    event.at,
                    0,
                    0,
                    int(event.cause),
                    int(event.effect),
                    int(event.source),
                    event.reply,
                )
            )


def while_sending(workspace_id: int, refusals: Sequence[ServerRefusal]) -> None:
    """Note refusals, inside the transaction that made their messages FAILED, and follow them.

    `MessageTally` counts these by their reason, so no `EventTally` does.
    """
    now = timezone.now()
    rows = Message.objects.filter(pk__in=[one.message_id for one in refusals])
    known = {
        pk: (campaign, person)
        for pk, campaign, person in rows.values_list("pk", "campaign_id", "subscriber_id")
    }
    found = [one for one in refusals if one.message_id in known]
    write(
        Told(
            campaign_id=known[one.message_id][0],
            message_id=one.message_id,
            subscriber_id=known[one.message_id][1],
            kind=EventKind.BOUNCED,
            at=now,
            source=FeedbackSource.SERVER,
            cause=one.cause,
            effect=one.effect,
            reply=one.reply,
        )
        for one in found
    )
    following.follow(
        workspace_id,
        [
            Refused(
                message_id=one.message_id,
                subscriber_id=known[one.message_id][1],
                effect=one.effect,
                at=now,
            )
            for one in found
        ],
    )
