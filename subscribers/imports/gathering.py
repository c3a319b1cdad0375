"""Rows that are gathered whole before anything is written, and say more than a file's rows do.

A migration's rows come from several files, so who must not be written to is known before anybody
is written at all; each row has its own lists, with a standing, moments and proofs on each. Batches
of them go into the stage of an import, and are merged like a file's.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction

from subscribers.consent import ledger
from subscribers.imports import statements
from subscribers.imports.consent_statements import DETAIL
from subscribers.imports.rows import STAGE_COLUMNS
from subscribers.imports.statements import Placing

# Columns of the lines, in order, behind those that `rows.RowMaker` makes. ``reason``: why nobody is
# made of the row and its address is suppressed. ``joinings``: JSON objects with list_id, wanted,
# since (or null) and proofs, which are objects with kind, at, ip and why.
COLUMNS = ("reason", "status_at", "status_detail", "tags", "joinings")
LINE = (*STAGE_COLUMNS, "address_flags", *COLUMNS)
ONE_BY_ONE = Placing(
    each="""jsonb_to_recordset(decided.joinings)
        AS target (list_id bigint, wanted text, since timestamptz, proofs jsonb)""",
    wanted="target.wanted",
    since="target.since",
    # Who came (back) here after leaving there stays.
    later="AND (target.since IS NULL OR target.since > subscription.changed_at)",
)
TARGETS = """ARRAY(
        SELECT (one->>'list_id')::bigint FROM jsonb_array_elements(stage.joinings) AS one)"""
SOURCE = "import_all"
TABLE = "CREATE TEMPORARY TABLE import_all (LIKE import_stage)"
INDEX = "CREATE INDEX ON import_all (row); ANALYZE import_all"
# Who is not to be written to comes first: a doubt never makes anybody a subscriber.
DUPLICATES = """
WITH again AS (
    SELECT address_hash FROM import_all GROUP BY address_hash HAVING count(*) > 1
), ordered AS (
    SELECT given.row, given.email, address_hash, first_value(given.row) OVER (
        PARTITION BY given.address_hash ORDER BY given.reason IS NULL, given.row) AS first
    FROM import_all given JOIN again USING (address_hash)
)
DELETE FROM import_all USING ordered
WHERE import_all.row = ordered.row AND import_all.address_hash = ordered.address_hash
    AND ordered.first <> ordered.row
RETURNING ordered.row, ordered.first, ordered.email
"""
UPTO = """
SELECT max(row), count(*) FROM (
    SELECT row FROM import_all WHERE row > %s ORDER BY row LIMIT %s
) range
"""
TAKE = "INSERT INTO import_stage SELECT * FROM import_all WHERE row > %s AND row <= %s"
TAGS = "SELECT DISTINCT unnest(tags) FROM import_all LIMIT %s"
# What can't stand here stays behind; whether anything of the row is new is seen once more.
LEAVE_BEHIND = """
UPDATE import_decided decided SET fields = decided.fields - behind.keys
FROM (
    SELECT row, array_agg(key) AS keys
    FROM unnest(%s::bigint[], %s::text[]) AS one (row, key) GROUP BY row
) behind
WHERE behind.row = decided.row
"""
LOOK_AGAIN = """
UPDATE import_decided stage SET differs = EXISTS (
    SELECT FROM subscribers_subscriber person WHERE person.id = stage.person_id AND ({differs}))
WHERE stage.differs AND stage.row = ANY(%s)
"""
# Proofs go into the ledger of those whose subscription was written just now, and of nobody else.
PLACE_KNOWN = f"""{statements.PLACE_KNOWN}
DELETE FROM import_placed placed WHERE NOT EXISTS (
    SELECT FROM done
    WHERE done.list_id = placed.list_id AND done.subscriber_id = placed.person_id)
"""  # noqa: S608 - our own words
PROOFS = ledger.inserting(
    f"""(
    SELECT decided.person_id, target.list_id, target.proofs, true AS joins
    FROM import_decided decided CROSS JOIN LATERAL {ONE_BY_ONE.each}
    WHERE decided.is_new AND NOT decided.is_barred
    UNION ALL
    SELECT decided.person_id, target.list_id, target.proofs, placed.step <> 'leaves'
    FROM import_placed placed JOIN import_decided decided ON decided.person_id = placed.person_id
    CROSS JOIN LATERAL {ONE_BY_ONE.each}
    WHERE target.list_id = placed.list_id
) joining
CROSS JOIN LATERAL jsonb_to_recordset(joining.proofs)
    AS proof (kind text, at timestamptz, ip inet, why text)
WHERE joining.joins OR proof.kind = %(kind_left)s
ORDER BY joining.person_id, proof.at NULLS LAST
""",  # noqa: S608 - our own words
    subscriber="joining.person_id",
    list_id="joining.list_id",
    kind="proof.kind",
    at="COALESCE(proof.at, %(at)s)",
    statement="CASE WHEN proof.kind <> %(kind_left)s THEN %(statement)s::bigint END",
    ip="proof.ip",
    detail=DETAIL.format(why="proof.why"),
)
# By list, for people: what the lists gain and lose, leaving out who is kept out.
COUNT_LISTS = f"""
SELECT target.list_id, CASE WHEN decided.is_new THEN 'joins' ELSE placed.step END,
    target.wanted, count(*)
FROM import_decided decided CROSS JOIN LATERAL {ONE_BY_ONE.each}
LEFT JOIN import_placed placed ON NOT decided.is_new
    AND placed.person_id = decided.person_id AND placed.list_id = target.list_id
WHERE NOT decided.is_barred GROUP BY 1, 2, 3
"""  # noqa: S608 - our own words
COUNT_REASONS = """
SELECT reason, count(*) FROM import_decided
WHERE reason IS NOT NULL AND known_reason IS NULL GROUP BY 1
"""
KEPT = """
SELECT row, email, COALESCE(known_reason, '') FROM import_decided
WHERE is_barred AND reason IS NULL ORDER BY row
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """Somebody who stays as they are here, and why."""

    row: int
    email: str
    reason: str  # a `SuppressionReason`, or "" for who has left the lists


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchFindings:
    """What a batch does, or would do, for people.

    ``lists``: how many people by list, step ("joins", "leaves", "confirms"; None: as before) and
    standing. ``reasons``: how many are newly suppressed for what.
    """

    lists: Counter[tuple[int, str | None, str]] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    kept: Sequence[Kept] = ()

    @property
    def places(self) -> bool:
        """Say whether anybody comes onto a list, or goes off one."""
        return any(step for _list, step, _wanted in self.lists)


def findings(cursor: Any) -> BatchFindings:
    """Look at what was decided about a batch."""
    cursor.execute(COUNT_LISTS)
    lists = Counter({(key, step, wanted): count for key, step, wanted, count in cursor.fetchall()})
    cursor.execute(COUNT_REASONS)
    reasons = Counter(dict(cursor.fetchall()))
    cursor.execute(KEPT)
    kept = [Kept(row=row, email=email, reason=reason) for row, email, reason in cursor.fetchall()]
    return BatchFindings(lists=lists, reasons=reasons, kept=kept)


@dataclass(frozen=True, kw_only=True, slots=True)
class Repeated:
    """A row whose address another row has, which counts in its place."""

    row: int
    first: int
    email: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Range:
    """Gathered rows after one and up to another."""

    after: int
    upto: int


class Gathered:
    """All rows, in a temporary table beside the merger's own."""

    def open(self) -> None:
        """Make the table; the merger has made its own."""
        with connection.cursor() as cursor:
            cursor.execute(TABLE)

    def take(self, lines: Sequence[str]) -> None:
        """Take lines of `LINE`, for COPY."""
        with (
            connection.cursor() as cursor,
            cursor.copy(f"COPY import_all ({', '.join(LINE)}) FROM STDIN") as copy,
        ):
            copy.write("".join(lines).encode())

    def finish(self) -> list[Repeated]:
        """After the last row: leave each address once, and return the rows that went."""
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statements.BATCH_SETTINGS)
            cursor.execute(DUPLICATES)
            found = sorted(cursor.fetchall())
        with connection.cursor() as cursor:
            cursor.execute(INDEX)
        return [Repeated(row=row, first=first, email=email) for row, first, email in found]

    def tags(self, *, most: int) -> list[str]:
        """Return names of tags that rows have, as written."""
        with connection.cursor() as cursor:
            cursor.execute(TAGS, [most])
            return sorted(name for (name,) in cursor.fetchall() if name)

    def ranges(self, *, size: int) -> Iterator[Range]:
        """Stage ``size`` rows after the others; the same rows always make the same ranges."""
        after = -1
        while True:
            with connection.cursor() as cursor:
                cursor.execute(UPTO, [after, size])
                upto, rows = cursor.fetchone()
                if not rows:
                    return
                cursor.execute("TRUNCATE import_stage")
                cursor.execute(TAKE, [after, upto])
            yield Range(after=after, upto=upto)
            after = upto

    def rows_of(self, one: Range) -> list[int]:
        """Return the numbers of a range's rows."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT row FROM import_all WHERE row > %s AND row <= %s ORDER BY row",
                [one.after, one.upto],
            )
            return [row for (row,) in cursor.fetchall()]

    def addresses(self, rows: Sequence[int]) -> dict[int, str]:
        """Return the addresses of gathered rows, by their numbers."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT row, email FROM import_all WHERE row = ANY(%s)", [list(rows)])
            return dict(cursor.fetchall())
