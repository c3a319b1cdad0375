"""Events of mails, what stands in their rows, and their campaigns' figures, in one step."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection

from delivery.bounce_policy import effects, noting
from delivery.bounce_policy.noting import Told
from delivery.events import facts, matching
from delivery.events.facts import Fact
from delivery.events.feedback import Feedback
from delivery.events.matching import Target
from delivery.pipeline import replies
from delivery.states import Effect, EventKind, FeedbackSource, MessageState
from delivery.tracking import counting
from delivery.transports.protocol import Outcome, Verdict

MOST_OF_A_KIND: Final = 50  # events of one mail; who tells us more fills no table
_LOCK: Final = """
SELECT id, state, delivered_at, bounced_at, complained_at FROM delivery_message
WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE
"""
_FACTS: Final = """
SELECT message_id, kind, at, coalesce(effect, 0), coalesce(source, 0) <> ALL(%(unsure)s)
FROM delivery_event
WHERE message_id = ANY(%(ids)s) AND kind = ANY(%(kinds)s) AND source IS DISTINCT FROM %(server)s
"""
_WRITE: Final = """
UPDATE delivery_message message
SET delivered_at = new.delivered_at, bounced_at = new.bounced_at,
    complained_at = new.complained_at
FROM unnest(%(ids)s::bigint[], %(delivered)s::timestamptz[], %(bounced)s::timestamptz[],
    %(complained)s::timestamptz[]) AS new (id, delivered_at, bounced_at, complained_at)
WHERE message.id = new.id
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A mail as it stands, locked."""

    state: MessageState
    columns: tuple[datetime | None, ...]


def lock(ids: Iterable[int]) -> dict[int, Row]:
    """Lock mails, in the order of their ids as everybody does, and read where they stand."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [sorted(ids)])
        return {
            pk: Row(state=MessageState(state), columns=tuple(columns))
            for pk, state, *columns in cursor.fetchall()
        }


def write(
    told: Sequence[tuple[Feedback, Target]],
    targets: Mapping[int, Target],
    rows: Mapping[int, Row],
) -> set[int]:
    """Write events of locked mails, and bring their rows and figures to what they say now.

    Returns the mails of which only now somebody surely said that they were refused.
    """
    before = known(targets)
    after = {message: list(found) for message, found in before.items()}
    kept = []
    for one, target in told:
        mine = after[target.message_id]
        if sum(fact.kind is one.kind for fact in mine) < MOST_OF_A_KIND:
            is_sure = matching.is_confident(one, target)
            mine.append(Fact(kind=one.kind, at=one.at, effect=one.effect, is_sure=is_sure))
            kept.append((one, target))
    _store(kept)
    _count(targets, rows, before, after)
    return {
        message
        for message, row in rows.items()
        if row.state is not MessageState.FAILED  # else its refusal was noted while it was sent
        and _is_refused(after[message])
        and not _is_refused(before[message])
    }


def _is_refused(known: Iterable[Fact]) -> bool:
    return any(
        fact.kind is EventKind.BOUNCED and fact.is_sure and fact.effect in effects.REFUSALS
        for fact in known
    )


def known(ids: Iterable[int]) -> dict[int, list[Fact]]:
    """Read what others told of mails so far; refusals while they were sent are no part of it."""
    found: dict[int, list[Fact]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            _FACTS,
            {
                "ids": sorted(ids),
                "kinds": [kind.value for kind in facts.KINDS],
                "server": FeedbackSource.SERVER.value,
                "unsure": [source.value for source in effects.UNSURE],
            },
        )
        for message, kind, at, effect, is_sure in cursor.fetchall():
            found[message].append(
                Fact(kind=EventKind(kind), at=at, effect=Effect(effect), is_sure=is_sure)
            )
    return {message: found[message] for message in ids}


def _store(told: Sequence[tuple[Feedback, Target]]) -> None:
    """Write the events, each with the words of the server."""
    said = replies.store(
        Outcome(
            message_id=number,
            verdict=Verdict.FAILED,
            code=one.code,
            enhanced=one.enhanced,
            text=one.text,
        )
        for number, (one, _target) in enumerate(told)
        if one.kind in {EventKind.BOUNCED, EventKind.DELAYED}
    )
    noting.write(
        Told(
            campaign_id=target.campaign_id,
            message_id=target.message_id,
            subscriber_id=target.subscriber_id,
            kind=one.kind,
            at=one.at,
            source=_source(one, target),
            cause=one.cause,
            effect=one.effect,
            reply=said.get(number),
        )
        for number, (one, target) in enumerate(told)
    )


def _source(one: Feedback, target: Target) -> FeedbackSource:
    if matching.is_confident(one, target):
        return one.source
    is_provider = one.source is FeedbackSource.PROVIDER
    return FeedbackSource.PROVIDER_UNSURE if is_provider else FeedbackSource.MAIL_UNSURE


def _count(
    targets: Mapping[int, Target],
    rows: Mapping[int, Row],
    before: Mapping[int, Sequence[Fact]],
    after: Mapping[int, Sequence[Fact]],
) -> None:
    """Bring the mails and their campaigns' figures to what the events say now."""
    changes = counting.Changes()
    new: dict[int, facts.Story] = {}
    for message, row in sorted(rows.items()):
        if len(after[message]) == len(before[message]):
            continue
        was, now = facts.read(before[message]), facts.read(after[message])
        facts.difference(changes, targets[message].campaign_id, was, now)
        if now.columns != row.columns:
            new[message] = now
    put(new)
    changes.write()


def put(stories: Mapping[int, facts.Story]) -> int:
    """Write what mails' events say into their rows; returns how many."""
    if not stories:
        return 0
    values: dict[str, Any] = {
        "ids": list(stories),
        "delivered": [story.delivered_at for story in stories.values()],
        "bounced": [story.bounced_at for story in stories.values()],
        "complained": [story.complained_at for story in stories.values()],
    }
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, values)
    return len(stories)
