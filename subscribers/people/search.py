"""Finding people by any part of their name or address, at a million as at ten.

People whose keys share ``id >> 6`` make a block; a block's folded text (lower case, no accents) is
one string, so looking for a word is looking through a few thousand strings, newest first, until
enough is found. What the blocks hold is only a hint: each person found is checked against their own
row. A trigger marks the blocks whose people change, in the same transaction; marked blocks are read
from the people themselves until `rebuild` has written them anew. So nobody is ever missed, and
writers wait for nothing (docs/decisions/0035-search-by-text-blocks.md).
"""

from collections.abc import Sequence
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Func, IntegerField, Q, TextField, Value
from django.db.models.lookups import GreaterThan

from accounts.background import set_aside

MOST_WORDS = 5
BLOCK_BITS = 6
REBUILT_AT_ONCE = 2_000  # blocks; a fifth of a second
_LOCK = 0x5EA7C4  # an advisory lock: one rebuild at a time

_KEYS = """
SELECT id FROM (
    (SELECT person.id
    FROM (
        SELECT block FROM subscribers_searchblock
        WHERE workspace_id = %(workspace)s AND block {bound} %(edge)s >> 6 AND {in_text}
        ORDER BY block {order}
    ) hit
    CROSS JOIN LATERAL (
        SELECT id FROM subscribers_subscriber
        WHERE workspace_id = %(workspace)s AND id >= hit.block << 6 AND id < (hit.block + 1) << 6
            AND id {beyond} %(edge)s AND {in_person}
    ) person
    ORDER BY hit.block {order}, person.id {order} LIMIT %(limit)s)
    UNION
    (SELECT person.id
    FROM (
        SELECT DISTINCT block FROM subscribers_searchmark
        WHERE workspace_id = %(workspace)s AND block {bound} %(edge)s >> 6
        ORDER BY block {order}
    ) marked
    CROSS JOIN LATERAL (
        SELECT id FROM subscribers_subscriber
        WHERE workspace_id = %(workspace)s AND id >= marked.block << 6
            AND id < (marked.block + 1) << 6 AND id {beyond} %(edge)s AND {in_person}
    ) person
    ORDER BY marked.block {order}, person.id {order} LIMIT %(limit)s)
) found
ORDER BY id {order} LIMIT %(limit)s
"""
# Of blocks as they were written, each line is a person; marked ones are read from the people.
_COUNT = """
SELECT count(*) FROM (
    (SELECT 1
    FROM subscribers_searchblock block
    CROSS JOIN LATERAL unnest(string_to_array(block.text, E'\\n')) AS line
    WHERE block.workspace_id = %(workspace)s AND {in_text} AND {in_line} AND block.block NOT IN (
        SELECT block FROM subscribers_searchmark WHERE workspace_id = %(workspace)s))
    UNION ALL
    (SELECT 1
    FROM (SELECT DISTINCT block FROM subscribers_searchmark WHERE workspace_id = %(workspace)s)
        marked
    CROSS JOIN LATERAL (
        SELECT id FROM subscribers_subscriber
        WHERE workspace_id = %(workspace)s AND id >= marked.block << 6
            AND id < (marked.block + 1) << 6 AND {in_person}
    ) person)
    LIMIT %(limit)s
) found
"""
# A block that has a word has somebody who has it.
_BLOCKS = """
SELECT count(*) FROM (
    SELECT 1 FROM subscribers_searchblock
    WHERE workspace_id = %(workspace)s AND {in_text} AND block NOT IN (
        SELECT block FROM subscribers_searchmark WHERE workspace_id = %(workspace)s)
    LIMIT %(limit)s
) hit
"""
_MARKS = """
SELECT array_agg(id), array_agg(workspace_id), array_agg(block) FROM (
    SELECT id, workspace_id, block FROM subscribers_searchmark ORDER BY id LIMIT %s
) oldest
"""
# One block after the other: joined as sets, every person would be compared with every block.
_WRITE = """
INSERT INTO subscribers_searchblock (workspace_id, block, text)
SELECT due.workspace_id, due.block, people.text
FROM (SELECT DISTINCT * FROM unnest(%(workspaces)s::bigint[], %(blocks)s::bigint[])
    AS due (workspace_id, block)) due
CROSS JOIN LATERAL (
    SELECT string_agg(
        subscribers_search_text(person.email_key, person.first_name, person.last_name), E'\\n'
    ) AS text
    FROM subscribers_subscriber person
    WHERE person.workspace_id = due.workspace_id
        AND person.id >= due.block << 6 AND person.id < (due.block + 1) << 6
) people
WHERE people.text IS NOT NULL
ORDER BY due.workspace_id, due.block
ON CONFLICT (workspace_id, block) DO UPDATE SET text = EXCLUDED.text
"""
_EMPTY = """
DELETE FROM subscribers_searchblock b
USING unnest(%(workspaces)s::bigint[], %(blocks)s::bigint[]) AS due (workspace_id, block)
WHERE b.workspace_id = due.workspace_id AND b.block = due.block AND (
    SELECT person.id FROM subscribers_subscriber person
    WHERE person.workspace_id = due.workspace_id
        AND person.id >= due.block << 6 AND person.id < (due.block + 1) << 6
    LIMIT 1) IS NULL
"""
_FORGET = "DELETE FROM subscribers_searchmark WHERE id = ANY(%(marks)s)"
_TEXT = "subscribers_search_text(email_key, first_name, last_name)"


def words(text: str) -> list[str]:
    """Return the words of a search; each must be a part of the person's name or address."""
    return text.replace("\0", "").split()[:MOST_WORDS]


def contains(text: str) -> Q:
    """Return the condition that every word is a part of a person's name or address."""
    found = Q()
    for word in words(text):
        folded = Func(Value(word), function="subscribers_fold", output_field=TextField())
        written = Func(
            F("email_key"),
            F("first_name"),
            F("last_name"),
            function="subscribers_search_text",
            output_field=TextField(),
        )
        place = Func(written, folded, function="strpos", output_field=IntegerField())
        found &= Q(GreaterThan(place, 0))
    return found


def keys(
    workspace_id: int,
    text: str,
    *,
    before: int | None = None,
    after: int | None = None,
    limit: int,
) -> list[int]:
    """Return the keys of the newest people found, below ``before``; newest first.

    With ``after`` the oldest above it instead, oldest first. Only for a text with words in it.
    """
    parts = words(text)
    upwards = after is not None
    sql = _KEYS.format(
        bound=">=" if upwards else "<=",
        beyond=">" if upwards else "<",
        order="ASC" if upwards else "DESC",
        in_text=_has("text", parts),
        in_person=_has(_TEXT, parts),
    )
    edge = after if after is not None else 2**62 if before is None else before
    values = {**_values(workspace_id, parts), "edge": edge, "limit": limit}
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [row[0] for row in cursor.fetchall()]


def count(workspace_id: int, text: str, *, limit: int) -> int:
    """Count the people found, up to ``limit``. Only for a text with words in it."""
    parts = words(text)
    values = {**_values(workspace_id, parts), "limit": limit}
    sql = _COUNT.format(
        in_text=_has("block.text", parts), in_line=_has("line", parts), in_person=_has(_TEXT, parts)
    )
    with connection.cursor() as cursor:
        if len(parts) == 1:
            cursor.execute(_BLOCKS.format(in_text=_has("text", parts)), values)
            if cursor.fetchone()[0] >= limit:
                return limit
        cursor.execute(sql, values)
        return int(cursor.fetchone()[0])


def _has(text: str, parts: list[str]) -> str:
    fold = "strpos({text}, subscribers_fold(%(word{number})s)) > 0"
    return " AND ".join(fold.format(text=text, number=number) for number in range(len(parts)))


def _values(workspace_id: int, parts: list[str]) -> dict[str, Any]:
    return {
        "workspace": workspace_id,
        **{f"word{number}": word for number, word in enumerate(parts)},
    }


@transaction.atomic
def rebuild() -> int:
    """Write the blocks that were marked first anew; returns how many marks that took, 0: none.

    The marks are read before the people: a change that comes between has made a mark of its own.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute(_MARKS, [REBUILT_AT_ONCE])
        marks, workspaces, blocks = cursor.fetchone()
        if not marks:
            return 0
        due = sorted(set(zip(workspaces, blocks, strict=True)))
        set_aside.together("search", due, _write, name=lambda one: f"block {one[1]}")
        cursor.execute(_FORGET, {"marks": marks})
    return len(marks)


def _write(due: Sequence[tuple[int, int]]) -> None:
    workspaces, blocks = zip(*due, strict=True)
    values = {"workspaces": list(workspaces), "blocks": list(blocks)}
    with connection.cursor() as cursor:
        for statement in (_WRITE, _EMPTY):
            cursor.execute(statement, values)
