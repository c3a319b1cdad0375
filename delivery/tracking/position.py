"""How far the stream of opens and clicks has been read, and by whom: one writer at a time."""

import time
from collections.abc import Sequence

from django.db import connection
from django.db.models import F

from accounts.background import set_aside
from delivery.models import StreamPosition
from delivery.tracking import hits
from delivery.tracking.hits import Entry

START = "0-0"
# The key's index is named: while a dump is being loaded below us it is not there yet, and a row of
# ours would stand in the way of the dump's. Then this fails, and the next run finds the dump's row.
_BEGIN = """
INSERT INTO delivery_streamposition (name, last_id, reviewed_through) VALUES (%s, %s, 0)
ON CONFLICT (name) DO NOTHING
"""
ORIGIN = "origin:"
KEPT_SECONDS = 90 * 86_400.0  # a spool that turns up later than this counts anew


def take(*, wait: bool = False) -> StreamPosition | None:
    """Become the one writer until the transaction ends; None when somebody else is."""
    with connection.cursor() as cursor:
        # Sooner than the server's deadlock timeout: sending goes first, we try again.
        cursor.execute("SET LOCAL lock_timeout = '500ms'")
    rows = StreamPosition.objects.filter(name=hits.STREAM)
    if not rows.exists():  # the first run of all
        with connection.cursor() as cursor:
            cursor.execute(_BEGIN, [hits.STREAM, START])
    return rows.select_for_update(skip_locked=not wait).first()


def unknown(place: StreamPosition, entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries that were not stored yet, and note that they are; see `hits`."""
    names = {f"{ORIGIN}{entry.origin}" for entry in entries if entry.origin}
    found = StreamPosition.objects.filter(name__in=names).values_list("name", "last_id")
    known = {name.removeprefix(ORIGIN): int(last) for name, last in found} if names else {}
    fresh, changed, lost = [], {}, 0
    for entry in entries:
        if not entry.origin:
            if not hits.is_before(entry.id, place.last_id):
                fresh.append(entry)
            continue
        through = known.get(entry.origin, 0)
        if entry.number < through:
            continue
        lost += entry.number - through
        known[entry.origin] = changed[entry.origin] = entry.number + len(entry.lines)
        fresh.append(entry)
    if changed:
        StreamPosition.objects.bulk_create(
            [
                StreamPosition(name=f"{ORIGIN}{origin}", last_id=str(through))
                for origin, through in sorted(changed.items())
            ],
            update_conflicts=True,
            unique_fields=["name"],
            update_fields=["last_id"],
        )
    if lost:
        set_aside.put(
            "opens and clicks",
            subject=f"{lost} hits",
            error="They were answered and never arrived: Redis lost them, or was flushed.",
        )
        StreamPosition.objects.filter(pk=place.pk).update(lost=F("lost") + lost)
    return fresh


def forget_old_origins() -> int:
    """Forget web processes of long ago; a name begins with when it started, in hexadecimal."""
    before = int(time.time() - KEPT_SECONDS)
    names = StreamPosition.objects.filter(name__startswith=ORIGIN).values_list("name", flat=True)
    old = [name for name in names if _started(name) < before]
    gone, _each = StreamPosition.objects.filter(name__in=old).delete()
    return gone


def _started(name: str) -> int:
    try:
        return int(name.removeprefix(ORIGIN).partition("-")[0], 16)
    except ValueError:
        return 0
