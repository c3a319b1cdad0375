"""What came back of a campaign, made anew from its events: a repair, and a proof."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from django.db import connection, transaction

from delivery.events import facts, writing
from delivery.models import EventTally, Message
from delivery.states import AgentClass, EventKind
from delivery.tracking import counting, first_events

AT_ONCE: Final = 2_000
_TOLD: Final = """
SELECT DISTINCT message_id FROM delivery_event
WHERE campaign_id = %(campaign)s AND kind = ANY(%(kinds)s) ORDER BY message_id
"""


@transaction.atomic
def recount(campaign: int) -> int:
    """Make a campaign's delivered, bounced and complained anew; returns how many messages changed.

    The figures by minute follow by `first_events.recount`.
    """
    messages = _told(campaign)
    whole: Counter[EventKind] = Counter()
    unique: Counter[EventKind] = Counter()
    changed = _forget(campaign, messages)
    for part in _parts(messages):
        rows = writing.lock(part)
        stories = {pk: facts.read(told) for pk, told in writing.known(rows).items()}
        for story in stories.values():
            whole.update(story.total)
            unique.update(story.unique)
        changed += writing.put(
            {pk: story for pk, story in stories.items() if story.columns != rows[pk].columns}
        )
    _tally(campaign, whole, unique)
    first_events.recount(campaign)
    return changed


def _told(campaign: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(_TOLD, {"campaign": campaign, "kinds": [kind.value for kind in facts.KINDS]})
        return [pk for (pk,) in cursor.fetchall()]


def _forget(campaign: int, told: Sequence[int]) -> int:
    """Empty the columns of messages that no event speaks of."""
    known = set(told)
    marked: dict[str, list[int]] = defaultdict(list)
    for name in ("delivered_at", "bounced_at", "complained_at"):
        rows = Message.objects.filter(campaign_id=campaign, **{f"{name}__isnull": False})
        marked[name] = [pk for pk in rows.values_list("pk", flat=True) if pk not in known]
    for name, ids in marked.items():
        Message.objects.filter(pk__in=ids).update(**{name: None})
    return len({pk for ids in marked.values() for pk in ids})


def _parts(messages: Sequence[int]) -> Iterator[Sequence[int]]:
    for first in range(0, len(messages), AT_ONCE):
        yield messages[first : first + AT_ONCE]


def _tally(campaign: int, whole: Counter[EventKind], unique: Counter[EventKind]) -> None:
    """Add to the tallies what is missing, or take away what is too much."""
    rows = EventTally.objects.select_for_update().filter(
        campaign_id=campaign, agent=AgentClass.HUMAN, link_ordinal=0
    )
    known = {
        EventKind(kind): (total, once)
        for kind, total, once in rows.values_list("kind", "total", "unique")
    }
    changes = counting.Changes()
    for kind in facts.KINDS:
        total, once = known.get(kind, (0, 0))
        changes.add(
            campaign,
            (int(kind), int(AgentClass.HUMAN), 0),
            total=whole[kind] - total,
            unique=unique[kind] - once,
        )
    changes.write()
