"""Keeps `Engagement`: a row per person, equal to what their messages' first opens and clicks say.

New opens and clicks are added to the row; whatever takes one back (a scanner found out later, an
earlier event that came late) makes the person's row anew from the ledger. Only the one writer of
events (`position.take`) does either, so nothing is counted twice or lost.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction

from delivery.models import Engagement
from delivery.tracking import position
from delivery.tracking.counting import Reading

if TYPE_CHECKING:
    from datetime import datetime

NEWEST = 50  # dispatches that the arrays hold; a rule asks about at most so many
REBUILT_AT_ONCE = 20_000  # subscribers' keys

# The parts in angle brackets are filled in below; none of them comes from outside.
_PARTS = {
    "<columns>": "(subscriber_id, last_opened_at, last_clicked_at, opened, clicked)",
    "<numbers>": """coalesce((array_agg(DISTINCT dispatch.id::int ORDER BY dispatch.id::int DESC)
        FILTER (WHERE acted.opened_at IS NOT NULL AND dispatch.id IS NOT NULL))[:50], '{}'),
    coalesce((array_agg(DISTINCT dispatch.id::int ORDER BY dispatch.id::int DESC)
        FILTER (WHERE acted.clicked_at IS NOT NULL AND dispatch.id IS NOT NULL))[:50], '{}')""",
    "<added to the row>": """ON CONFLICT (subscriber_id) DO UPDATE SET
    last_opened_at = greatest(known.last_opened_at, EXCLUDED.last_opened_at),
    last_clicked_at = greatest(known.last_clicked_at, EXCLUDED.last_clicked_at),
    opened = CASE WHEN EXCLUDED.opened = '{}' THEN known.opened ELSE ARRAY(
        SELECT DISTINCT number FROM unnest(known.opened || EXCLUDED.opened) AS number
        ORDER BY number DESC LIMIT 50) END,
    clicked = CASE WHEN EXCLUDED.clicked = '{}' THEN known.clicked ELSE ARRAY(
        SELECT DISTINCT number FROM unnest(known.clicked || EXCLUDED.clicked) AS number
        ORDER BY number DESC LIMIT 50) END""",
}
_ADD = """
INSERT INTO delivery_engagement AS known <columns>
SELECT acted.subscriber_id, max(acted.opened_at), max(acted.clicked_at), <numbers>
FROM unnest(%(subscribers)s::bigint[], %(campaigns)s::bigint[], %(opened)s::timestamptz[],
    %(clicked)s::timestamptz[]) AS acted (subscriber_id, campaign_id, opened_at, clicked_at)
JOIN subscribers_subscriber person ON person.id = acted.subscriber_id
LEFT JOIN delivery_dispatch dispatch ON dispatch.campaign_id = acted.campaign_id
GROUP BY acted.subscriber_id ORDER BY acted.subscriber_id
<added to the row>
"""
_FROM_LEDGER = """
INSERT INTO delivery_engagement <columns>
SELECT acted.subscriber_id, max(acted.opened_at), max(acted.clicked_at), <numbers>
FROM delivery_message acted
JOIN subscribers_subscriber person ON person.id = acted.subscriber_id
LEFT JOIN delivery_dispatch dispatch ON dispatch.campaign_id = acted.campaign_id
WHERE <whose> AND (acted.opened_at IS NOT NULL OR acted.clicked_at IS NOT NULL)
GROUP BY acted.subscriber_id ORDER BY acted.subscriber_id
"""
_MERGE = """
INSERT INTO delivery_engagement AS known <columns>
SELECT %(kept)s, max(gone.last_opened_at), max(gone.last_clicked_at),
    ARRAY(SELECT DISTINCT number FROM delivery_engagement e, unnest(e.opened) AS number
        WHERE e.subscriber_id = ANY(%(gone)s) ORDER BY number DESC LIMIT 50),
    ARRAY(SELECT DISTINCT number FROM delivery_engagement e, unnest(e.clicked) AS number
        WHERE e.subscriber_id = ANY(%(gone)s) ORDER BY number DESC LIMIT 50)
FROM delivery_engagement gone WHERE gone.subscriber_id = ANY(%(gone)s)
HAVING count(*) > 0
<added to the row>
"""
_CHUNK = """
SELECT min(id), max(id) FROM (
    SELECT id FROM subscribers_subscriber WHERE id > %s ORDER BY id LIMIT %s
) chunk
"""


def _sql(template: str, *, whose: str = "") -> str:
    for name, part in {**_PARTS, "<whose>": whose}.items():
        template = template.replace(name, part)
    return template


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What one message of a person who is still there counted for, and counts for now."""

    subscriber_id: int
    campaign_id: int
    before: Reading
    after: Reading


def follow(changes: Iterable[Change]) -> None:
    """Bring the rows of these messages' people up to date, inside the transaction of the events."""
    found = list(changes)
    anew = {change.subscriber_id for change in found if _takes_back(change)}
    added = [change for change in found if change.subscriber_id not in anew]
    if added:
        values: dict[str, list[Any]] = {
            "subscribers": [change.subscriber_id for change in added],
            "campaigns": [change.campaign_id for change in added],
            "opened": [change.after.opened_at for change in added],
            "clicked": [change.after.clicked_at for change in added],
        }
        with connection.cursor() as cursor:
            cursor.execute(_sql(_ADD), values)
    if anew:
        _make_anew(sorted(anew))


def _takes_back(change: Change) -> bool:
    pairs: tuple[tuple[datetime | None, datetime | None], ...] = (
        (change.before.opened_at, change.after.opened_at),
        (change.before.clicked_at, change.after.clicked_at),
    )
    return any(before is not None and before != after for before, after in pairs)


def _make_anew(subscribers: list[int]) -> None:
    Engagement.objects.filter(subscriber_id__in=subscribers).delete()
    with connection.cursor() as cursor:
        sql = _sql(_FROM_LEDGER, whose="acted.subscriber_id = ANY(%s)")
        cursor.execute(sql, [subscribers])


def follow_merge(*, kept: int, gone: list[int]) -> None:
    """Give one person what others did who turned out to be the same; to be called in the merge."""
    with connection.cursor() as cursor:
        cursor.execute(_sql(_MERGE), {"kept": kept, "gone": gone})
    Engagement.objects.filter(subscriber_id__in=gone).delete()


def rebuild() -> int:
    """Make every row anew from the ledger, some keys at a time; returns how many rows there are."""
    sql = _sql(_FROM_LEDGER, whose="acted.subscriber_id BETWEEN %(first)s AND %(last)s")
    last = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            position.take(wait=True)
            cursor.execute(_CHUNK, [last, REBUILT_AT_ONCE])
            first, end = cursor.fetchone()
            rows = Engagement.objects.filter(subscriber_id__gt=last)
            if first is None:
                rows.delete()
                return Engagement.objects.count()
            rows.filter(subscriber_id__lte=end).delete()
            cursor.execute(sql, {"first": first, "last": end})
        last = end
