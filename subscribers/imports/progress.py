"""How far an import is: noted in the transaction of the batch that is written."""

import json
from typing import Any

from django.db import connection

from subscribers.imports.batches import Batch
from subscribers.imports.merge import Counts
from subscribers.models import Import
from subscribers.states import ImportStatus

ADVANCE = """
UPDATE subscribers_import SET rows = GREATEST(rows, %(rows)s),
    rows_done = GREATEST(rows_done, %(last)s), invalid = GREATEST(invalid, %(invalid)s),
    created = created + %(created)s, updated = updated + %(updated)s,
    unchanged = unchanged + %(unchanged)s, suppressed = suppressed + %(suppressed)s,
    kept_out = kept_out + %(kept_out)s,
    progress = progress || jsonb_build_object(
        'done', COALESCE(progress->'done', '[]') || to_jsonb(%(last)s::bigint),
        'refused', COALESCE(progress->'refused', '{}') || %(refused)s::jsonb,
        'standings', (
            SELECT COALESCE(jsonb_object_agg(standing, total), '{}') FROM (
                SELECT key AS standing, sum(value::bigint) AS total FROM (
                    SELECT * FROM jsonb_each_text(COALESCE(progress->'standings', '{}'))
                    UNION ALL SELECT * FROM jsonb_each_text(%(standings)s::jsonb)
                ) both_of GROUP BY key) summed))
WHERE id = %(id)s AND status = %(running)s
    AND NOT COALESCE(progress->'done', '[]') @> to_jsonb(%(last)s::bigint)
"""


class Stopped(Exception):  # noqa: N818 - an outcome, not an error
    """The import was cancelled or discarded while it ran."""


class WrittenBefore(Exception):  # noqa: N818 - a signal
    """The commit of a worker that was killed came through after all."""


def advance(
    import_id: int, batch: Batch | None, counts: Counts, refused: dict[int, str] | None = None
) -> None:
    """Note progress in the batch's own transaction; a cancelled import takes the batch back."""
    values: dict[str, Any] = {
        "id": import_id,
        "running": ImportStatus.RUNNING,
        "rows": batch.rows if batch else 0,
        "last": batch.last_row if batch else 0,
        "invalid": batch.invalid if batch else 0,
        "created": counts.created,
        "updated": counts.updated,
        "unchanged": counts.unchanged,
        "suppressed": counts.suppressed,
        "kept_out": counts.kept_out,
        "standings": json.dumps(counts.standings),
        "refused": json.dumps(refused or {}),
    }
    with connection.cursor() as cursor:
        cursor.execute(ADVANCE, values)
        if cursor.rowcount:
            return
    if Import.objects.filter(pk=import_id, status=ImportStatus.RUNNING).exists():
        raise WrittenBefore
    raise Stopped


def ending_with(last_row: int, *, rows: int) -> Batch:
    """Return a batch of which only its end is told."""
    return Batch(lines=[], doubtful=b"", seen=b"", last_row=last_row, rows=rows, invalid=0)
