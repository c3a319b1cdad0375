"""A second look at opens and clicks, once what followed and the hand-over's time are known.

Events keep everything that was seen; only the verdict beside it changes, and with it the figures.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from accounts.background import set_aside
from delivery.models import Event, StreamPosition
from delivery.states import AgentClass, EventKind
from delivery.tracking import classify, ingest, position
from delivery.tracking.counting import Group
from delivery.tracking.evidence import Sign

BATCH = 2_000
# Old enough that the send is recorded and a burst is over.
RIPE = timedelta(seconds=20)
# Every link of a mail within this time: nobody reads like that.
BURST = timedelta(seconds=10)
FEWEST_LINKS = 3

# A clock that is further ahead than this is wrong; its events are not waited for.
AHEAD = timedelta(minutes=10)

# Only people's opens and clicks ripen. Others stand among them with a time that says nothing of
# when they were written (a provider's, a full hour): they are passed, and hold nothing up.
NEXT_EVENTS = """
SELECT id, CASE WHEN kind IN (4, 5) THEN message_id END, at > %s AND at <= %s
FROM delivery_event WHERE id > %s ORDER BY id LIMIT %s
"""
EVENTS = """
SELECT id, message_id, kind, agent, link_ordinal, at FROM delivery_event
WHERE message_id = ANY(%s) AND kind IN (4, 5) ORDER BY message_id, at, id
"""
LINKS = """
SELECT campaign_id, count(*) FROM campaigns_link WHERE campaign_id = ANY(%s) GROUP BY 1
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """One stored open or click."""

    id: int
    kind: EventKind
    agent: AgentClass
    ordinal: int
    at: datetime


def next_batch() -> int:
    """Review the next events that are ripe; returns how many were passed."""
    with transaction.atomic():
        place = position.take()
        if place is None:
            return 0
        rows = list(takewhile(_is_ripe, _next_events(place.reviewed_through)))
        if not rows:
            return 0
        messages = sorted({message_id for _id, message_id, _is_new in rows if message_id})
        set_aside.together("review of clicks", messages, _review, name="message {}".format)
        StreamPosition.objects.filter(pk=place.pk).update(reviewed_through=rows[-1][0])
    return len(rows)


def _next_events(after: int) -> list[tuple[int, int | None, bool]]:
    """Return the number, the message (None: no second look) and whether it is new, of the next."""
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(NEXT_EVENTS, [now - RIPE, now + AHEAD, after, BATCH])
        rows: list[tuple[int, int | None, bool]] = cursor.fetchall()
    return rows


def _is_ripe(row: tuple[int, int | None, bool]) -> bool:
    _id, message_id, is_new = row
    return not (message_id and is_new)


def _review(message_ids: Sequence[int]) -> None:
    targets = ingest.messages(message_ids)
    links = link_counts({target.campaign_id for target in targets.values()})
    before: dict[int, list[Group]] = {}
    after: dict[int, list[Group]] = {}
    signs: dict[int, Sign] = {}
    for message_id, seen in _events(targets).items():
        target = targets[message_id]
        found = signs_of(seen, target.handed_over_at, links=links.get(target.campaign_id, 0))
        if not found:
            continue
        signs |= found
        before[message_id] = [group(one, one.agent) for one in seen]
        after[message_id] = [
            group(one, AgentClass.SCANNER if one.id in found else one.agent) for one in seen
        ]
    if signs:
        for sign in set(signs.values()):
            Event.objects.filter(
                pk__in=[pk for pk, found in signs.items() if found == sign]
            ).update(agent=AgentClass.SCANNER, evidence=F("evidence").bitor(sign.value))
        ingest.count({message_id: targets[message_id] for message_id in before}, before, after)


def signs_of(
    seen: Sequence[Seen], handed_over_at: datetime | None, *, links: int
) -> dict[int, Sign]:
    """Return what a second look finds against events that count as people's so far, by their ids.

    ``links`` is how many the mail has.
    """
    found: dict[int, Sign] = {}
    for sign, ids in (
        (Sign.SOON, too_soon(seen, handed_over_at)),
        (Sign.ALL_LINKS, bursts(seen, links=links)),
        (Sign.WITH_HIDDEN_LINK, beside_hidden_link(seen)),
    ):
        for pk in ids:
            found[pk] = found.get(pk, Sign(0)) | sign
    return found


def beside_hidden_link(seen: Iterable[Seen]) -> set[int]:
    """Return the ids of "people's" clicks within moments of one on the hidden link (number 0)."""
    clicks = [one for one in seen if one.kind == EventKind.CLICKED]
    hidden = [one.at for one in clicks if one.ordinal == 0]
    return {
        one.id
        for one in clicks
        if one.agent == AgentClass.HUMAN and any(abs(one.at - at) <= BURST for at in hidden)
    }


def too_soon(seen: Iterable[Seen], handed_over_at: datetime | None) -> set[int]:
    """Return the ids of "people" who came sooner after the hand-over than people can."""
    if handed_over_at is None:
        return set()
    earliest = handed_over_at + timedelta(seconds=classify.SOONEST_PERSON)
    return {one.id for one in seen if one.agent == AgentClass.HUMAN and one.at < earliest}


def bursts(seen: Iterable[Seen], *, links: int) -> set[int]:
    """Return the ids of clicks not yet known as a scanner's that belong to a walk of all links.

    ``links`` is how many the mail has; with fewer than three nothing can be said.
    """
    if links < FEWEST_LINKS:
        return set()
    clicks = sorted(
        (one for one in seen if one.kind == EventKind.CLICKED and one.ordinal),
        key=lambda one: one.at,
    )
    found: set[int] = set()
    first = 0
    for last, click in enumerate(clicks):
        while click.at - clicks[first].at > BURST:
            first += 1
        window = clicks[first : last + 1]
        if len({one.ordinal for one in window}) >= links:
            found |= {one.id for one in window if one.agent != AgentClass.SCANNER}
    return found


def _events(message_ids: Iterable[int]) -> dict[int, list[Seen]]:
    found: dict[int, list[Seen]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(EVENTS, [sorted(message_ids)])
        for event_id, message_id, kind, agent, ordinal, at in cursor.fetchall():
            found[message_id].append(
                Seen(
                    id=event_id,
                    kind=EventKind(kind),
                    agent=AgentClass(agent),
                    ordinal=ordinal,
                    at=at,
                )
            )
    return found


def link_counts(campaign_ids: Iterable[int]) -> dict[int, int]:
    """Return how many links campaigns have."""
    with connection.cursor() as cursor:
        cursor.execute(LINKS, [sorted(campaign_ids)])
        rows: Sequence[tuple[int, int]] = cursor.fetchall()
    return dict(rows)


def group(one: Seen, agent: AgentClass) -> Group:
    """Return an event as it counts when ``agent`` made it."""
    return Group(kind=one.kind, agent=agent, ordinal=one.ordinal, count=1, first_at=one.at)
