"""From the stream into the ledger: events, first human open and click, tallies.

Each hit takes effect exactly once: what was read is stored in the transaction that stores the
events. Entries of the web processes carry who wrote them and how many hits came before, so one
that comes twice is known and a gap is noticed (hits that Redis lost); others go by their place in
the stream. One writer at a time holds that row; others find it locked and leave.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from hashlib import blake2b

import redis
from django.db import connection, transaction

from accounts.background import set_aside
from campaigns.states import TrackingMode
from delivery.models import StreamPosition, UserAgent
from delivery.pipeline import settle
from delivery.states import AgentClass, EventKind, MessageState
from delivery.tracking import counting, devices, engagement, hits, modes, position, rows
from delivery.tracking.counting import Group
from delivery.tracking.hits import Entry, Hit
from delivery.tracking.rows import Target

log = logging.getLogger(__name__)

BATCH = 5_000  # hits of one transaction, or a few more
MOST_ENTRIES = 500
# Somebody who reloads a pixel for ever fills no table.
MOST_PER_MESSAGE = 1_000
# Nor does somebody who gives their program another name each time; beyond, events name none.
MOST_AGENTS = 50_000
HITS = "opens and clicks"
KINDS = {int(kind): kind for kind in EventKind}
AGENTS = {int(agent): agent for agent in AgentClass}

MESSAGES = """
SELECT message.id, message.campaign_id, message.subscriber_id, message.state,
    message.attempted_at, person.id IS NOT NULL
FROM delivery_message message
LEFT JOIN subscribers_subscriber person ON person.id = message.subscriber_id
WHERE message.id = ANY(%s)
"""
GROUPS = """
SELECT message_id, kind, agent, link_ordinal, count(*),
    (extract(epoch FROM min(at)) * 1000000)::bigint
FROM delivery_event WHERE message_id = ANY(%s) AND kind IN (4, 5)
GROUP BY 1, 2, 3, 4
"""
FIRSTS = """
UPDATE delivery_message message
SET opened_at = new.opened_at, clicked_at = new.clicked_at, proxied_at = new.proxied_at
FROM unnest(%(ids)s::bigint[], %(opened)s::timestamptz[], %(clicked)s::timestamptz[],
    %(proxied)s::timestamptz[]) AS new (id, opened_at, clicked_at, proxied_at)
WHERE message.id = new.id
    AND (message.opened_at, message.clicked_at, message.proxied_at)
        IS DISTINCT FROM (new.opened_at, new.clicked_at, new.proxied_at)
"""


Others = Callable[[Sequence[Hit]], None]


def next_batch(*, others: Others | None = None) -> int:
    """Store the next hits of the stream; returns how many were read, 0 when there are none.

    ``others`` does what pressed unsubscribe buttons ask for, any number of times.

    Raises:
        redis.RedisError: Redis can't be reached.
        django.db.OperationalError: a row stayed locked; nothing was stored, try again.
    """
    with transaction.atomic():
        place = position.take()
        if place is None:
            return 0
        entries = _some(hits.waiting(limit=MOST_ENTRIES))
        if not entries:
            return 0
        fresh = position.unknown(place, entries)
        found = [hit for entry in fresh for hit in entry.hits]
        readable = [hit for hit in found if hit]
        if len(readable) < len(found):
            set_aside.put(HITS, subject="entries of the stream", error="They can't be read.")
        seen = [hit for hit in readable if hit.kind != EventKind.UNSUBSCRIBED]
        set_aside.together(HITS, seen, absorb, name=name_of)
        buttons = [hit for hit in readable if hit.kind == EventKind.UNSUBSCRIBED]
        if buttons and others is not None:
            others(buttons)
        last_id = entries[-1].id
        if not hits.is_before(last_id, place.last_id):
            StreamPosition.objects.filter(pk=place.pk).update(last_id=last_id)
    try:
        hits.forget(last_id)
    except redis.RedisError:
        log.warning("stream not trimmed: Redis is away")  # the next run does
    return hits.count(entries)


def _some(entries: Sequence[Entry]) -> Sequence[Entry]:
    """Return as many of the first entries as one transaction takes."""
    whole = 0
    for number, entry in enumerate(entries):
        whole += len(entry.lines)
        if whole >= BATCH:
            return entries[: number + 1]
    return entries


def name_of(hit: Hit) -> str:
    """Say which hit it is: the message it is about."""
    return f"message {hit.message_id}"


def directly(hit: Hit) -> None:
    """Store one hit without the stream: Redis is away.

    Raises:
        django.db.OperationalError: the database is away or busy.
    """
    with transaction.atomic():
        position.take(wait=True)
        absorb([hit])


def absorb(seen: Sequence[Hit]) -> None:
    """Write hits as events and add them up, inside the caller's transaction.

    Only the holder of `position.take` may do so. Hits of messages that don't exist are
    dropped, as are those beyond `MOST_PER_MESSAGE` and those of which nothing may be kept.
    """
    targets = messages({hit.message_id for hit in seen})
    allowed = modes.read(
        {target.campaign_id for target in targets.values()},
        {target.subscriber_id for target in targets.values()},
    )
    before = groups(targets)
    after = {message_id: list(known) for message_id, known in before.items()}
    writing = rows.Writing(user_agents({hit.user_agent for hit in seen if hit.user_agent}))
    room = {
        message_id: MOST_PER_MESSAGE - sum(group.count for group in known)
        for message_id, known in before.items()
    }
    changes = counting.Changes()
    for hit in seen:
        target = targets.get(hit.message_id)
        if target is None or room[target.message_id] <= 0:
            continue
        mode = allowed.of(target.campaign_id, target.subscriber_id)
        if mode is TrackingMode.OFF:
            continue
        room[target.message_id] -= 1
        if mode is TrackingMode.ANONYMOUS:
            verdict = writing.anonymous(hit, target)
            changes.add_anonymous(target.campaign_id, hit.kind, verdict, hit.ordinal)
            continue
        verdict = writing.individual(hit, target)
        after[target.message_id].append(
            Group(kind=hit.kind, agent=verdict, ordinal=hit.ordinal, count=1, first_at=hit.at)
        )
    writing.write()
    count(targets, before, after, changes)
    for target in targets.values():
        if target.state == MessageState.UNKNOWN:
            settle.by_event(
                target.message_id, EventKind.OPENED
            )  # whoever opens a mail has received it


def messages(ids: Iterable[int]) -> dict[int, Target]:
    """Find messages by id."""
    with connection.cursor() as cursor:
        cursor.execute(MESSAGES, [sorted(ids)])
        return {
            row[0]: Target(
                message_id=row[0],
                campaign_id=row[1],
                subscriber_id=row[2],
                state=MessageState(row[3]),
                handed_over_at=row[4],
                is_known=row[5],
            )
            for row in cursor.fetchall()
        }


def groups(ids: Iterable[int]) -> dict[int, list[Group]]:
    """Read what messages' opens and clicks are so far."""
    found: dict[int, list[Group]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(GROUPS, [sorted(ids)])
        for message_id, kind, agent, ordinal, count, first_at in cursor.fetchall():
            found[message_id].append(
                Group(
                    kind=KINDS[kind],
                    agent=AGENTS[agent],
                    ordinal=ordinal,
                    count=count,
                    first_at=hits.EPOCH + timedelta(microseconds=first_at),
                )
            )
    return {message_id: found[message_id] for message_id in ids}


def count(
    targets: dict[int, Target],
    before: dict[int, list[Group]],
    after: dict[int, list[Group]],
    changes: counting.Changes | None = None,
) -> None:
    """Bring tallies, first opens and clicks, and people's summaries to what the events now say.

    ``changes`` are further ones, to be written with these.
    """
    changes = changes or counting.Changes()
    people: list[engagement.Change] = []
    firsts: dict[int, counting.Reading] = {}
    for message_id, target in sorted(targets.items()):
        old, new = counting.read(before[message_id]), counting.read(after[message_id])
        changes.between(target.campaign_id, old, new)
        if old.firsts != new.firsts:
            firsts[message_id] = new
        by_people = (old.opened_at, old.clicked_at) != (new.opened_at, new.clicked_at)
        if by_people and target.is_known:
            people.append(
                engagement.Change(
                    subscriber_id=target.subscriber_id,
                    campaign_id=target.campaign_id,
                    before=old,
                    after=new,
                )
            )
    if firsts:
        with connection.cursor() as cursor:
            cursor.execute(
                FIRSTS,
                {
                    "ids": list(firsts),
                    "opened": [new.opened_at for new in firsts.values()],
                    "clicked": [new.clicked_at for new in firsts.values()],
                    "proxied": [new.proxied_at for new in firsts.values()],
                },
            )
    if people:
        engagement.follow(people)
    changes.write()


def user_agents(names: Iterable[str]) -> dict[str, int]:
    """Return the ids of user agents by name, storing those that are new, `MOST_AGENTS` in all."""
    hashes = {blake2b(name.encode(), digest_size=16).digest(): name for name in sorted(names)}
    known = _known_agents(hashes)
    if len(known) < len(hashes) and UserAgent.objects.count() + len(hashes) <= MOST_AGENTS:
        UserAgent.objects.bulk_create(
            [
                UserAgent(hash=digest, text=name, device=devices.device_of(name))
                for digest, name in hashes.items()
                if name not in known
            ],
            ignore_conflicts=True,
        )
        known = _known_agents(hashes)
    return known


def _known_agents(hashes: dict[bytes, str]) -> dict[str, int]:
    rows = UserAgent.objects.filter(hash__in=list(hashes)).values_list("hash", "id")
    return {hashes[bytes(digest)]: pk for digest, pk in rows}
