"""Today's rules applied to what is stored: events keep what was seen, and get a new verdict.

Tallies, first opens and clicks and people's summaries follow in the same transaction, by the same
code that counts what comes in.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction

from delivery.states import AgentClass, EventKind
from delivery.tracking import classify, ingest, position, review
from delivery.tracking.evidence import OF_THE_REQUEST, Sign
from delivery.tracking.review import Seen
from delivery.tracking.rows import Target

if TYPE_CHECKING:
    from delivery.tracking.counting import Group

BATCH = 2_000  # messages

_NEXT = """
SELECT message.id FROM delivery_message message
WHERE message.id > %(after)s
    AND (%(campaign)s::bigint IS NULL OR message.campaign_id = %(campaign)s)
    AND EXISTS (
        SELECT FROM delivery_event event
        WHERE event.message_id = message.id AND event.kind IN (4, 5)
    )
ORDER BY message.id LIMIT %(limit)s
"""
_EVENTS = """
SELECT event.id, event.message_id, event.kind, event.agent, event.link_ordinal, event.at,
    event.evidence, host(event.ip), agent.text
FROM delivery_event event LEFT JOIN delivery_useragent agent ON agent.id = event.user_agent_id
WHERE event.message_id = ANY(%s) AND event.kind IN (4, 5)
ORDER BY event.message_id, event.at, event.id
"""
_UPDATE = """
UPDATE delivery_event event SET agent = new.agent, evidence = new.evidence
FROM unnest(%(ids)s::bigint[], %(agents)s::smallint[], %(evidence)s::smallint[])
    AS new (id, agent, evidence)
WHERE event.id = new.id
"""

Key = tuple[EventKind, AgentClass]


@dataclass(slots=True)
class Outcome:
    """How many opens and clicks counted as whose, before and after; ``changed``: verdicts."""

    before: Counter[Key] = field(default_factory=Counter)
    after: Counter[Key] = field(default_factory=Counter)
    changed: int = 0


@dataclass(frozen=True, slots=True)
class _Stored:
    seen: Seen
    evidence: int
    ip: str
    user_agent: str | None  # None: forgotten, or there was none


def run(*, campaign: int | None = None, is_dry: bool = False) -> Outcome:
    """Reclassify a campaign's opens and clicks, or everybody's; ``is_dry`` only says what would be.

    Each batch of messages is a transaction of its own; stopped, it can be run again.
    """
    outcome, after = Outcome(), 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            position.take(wait=True)
            cursor.execute(_NEXT, {"after": after, "campaign": campaign, "limit": BATCH})
            messages = [row[0] for row in cursor.fetchall()]
            if not messages:
                return outcome
            after = messages[-1]
            _batch(messages, outcome, is_dry=is_dry)


def _batch(messages: Sequence[int], outcome: Outcome, *, is_dry: bool) -> None:
    targets = ingest.messages(messages)
    links = review.link_counts({target.campaign_id for target in targets.values()})
    before: dict[int, list[Group]] = {}
    after: dict[int, list[Group]] = {}
    changes: list[tuple[int, int, int]] = []
    for message_id, stored in _events(messages).items():
        target = targets[message_id]
        verdicts = _judge(stored, target, links=links.get(target.campaign_id, 0))
        for one, (agent, evidence) in zip(stored, verdicts, strict=True):
            outcome.before[one.seen.kind, one.seen.agent] += 1
            outcome.after[one.seen.kind, agent] += 1
            outcome.changed += agent is not one.seen.agent
            if agent is not one.seen.agent or evidence != one.evidence:
                changes.append((one.seen.id, agent.value, evidence))
        before[message_id] = [review.group(one.seen, one.seen.agent) for one in stored]
        after[message_id] = [
            review.group(one.seen, agent)
            for one, (agent, _evidence) in zip(stored, verdicts, strict=True)
        ]
    if is_dry or not changes:
        return
    ids, agents, evidences = (list(column) for column in zip(*changes, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(_UPDATE, {"ids": ids, "agents": agents, "evidence": evidences})
    ingest.count({pk: targets[pk] for pk in before}, before, after)


def _judge(
    stored: Sequence[_Stored], target: Target, *, links: int
) -> list[tuple[AgentClass, int]]:
    first = [_alone(one, target.handed_over_at) for one in stored]
    again = [
        Seen(
            id=one.seen.id,
            kind=one.seen.kind,
            agent=agent,
            ordinal=one.seen.ordinal,
            at=one.seen.at,
        )
        for one, (agent, _evidence) in zip(stored, first, strict=True)
    ]
    found = review.signs_of(again, target.handed_over_at, links=links)
    return [
        (AgentClass.SCANNER, evidence | found[one.seen.id].value)
        if one.seen.id in found
        else (agent, evidence)
        for one, (agent, evidence) in zip(stored, first, strict=True)
    ]


def _alone(one: _Stored, handed_over_at: datetime | None) -> tuple[AgentClass, int]:
    """Judge one event by what is kept of it."""
    if one.user_agent is None and not one.evidence & Sign.NO_AGENT.value:
        return one.seen.agent, one.evidence  # forgotten: nothing new can be said
    seconds = (one.seen.at - handed_over_at).total_seconds() if handed_over_at else None
    evidence = one.evidence & OF_THE_REQUEST.value | classify.of_agent(one.user_agent or "")
    evidence |= classify.of_network(one.ip, one.seen.kind, seconds)
    if not one.ip:
        evidence |= one.evidence & (Sign.NETWORK | Sign.PRIVACY_PROXY).value
    verdict = classify.decide(one.seen.kind, evidence)
    if not one.evidence and one.seen.agent is AgentClass.SCANNER and verdict is AgentClass.HUMAN:
        return one.seen.agent, 0  # stored when nobody noted why: it may have been the request
    return verdict, evidence


def _events(messages: Sequence[int]) -> dict[int, list[_Stored]]:
    found: dict[int, list[_Stored]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_EVENTS, [list(messages)])
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    for event_id, message_id, kind, agent, ordinal, at, evidence, ip, name in rows:
        seen = Seen(
            id=event_id, kind=EventKind(kind), agent=AgentClass(agent), ordinal=ordinal, at=at
        )
        found[message_id].append(_Stored(seen, evidence, ip or "", name))
    return found
