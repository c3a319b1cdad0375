"""Arrivals into temporary tables by COPY, each address once."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from django.db import DatabaseError, connection, transaction

from accounts import set_aside
from subscribers.imports import merge
from subscribers.imports.apart import Refused
from subscribers.imports.rows import STAGE_COLUMNS
from subscribers.migrate_from.arrivals import Arrival

PART = 10_000_000_000  # the rows of a move's second file are numbered from here, and so on
ROWS_A_COPY = 20_000
# A person's columns are those of an import's stage, so that both read rows alike.
TABLES = """
CREATE TEMPORARY TABLE move_stage (LIKE import_stage);
ALTER TABLE move_stage ADD COLUMN reason text, ADD COLUMN reason_at timestamptz,
    ADD COLUMN reason_detail text;
CREATE TEMPORARY TABLE move_joining (
    row bigint, list_id bigint, status text, at timestamptz);
CREATE TEMPORARY TABLE move_proof (
    row bigint, list_id bigint, kind text, at timestamptz, ip inet, detail text);
CREATE TEMPORARY TABLE move_tag (row bigint, name text);
CREATE TEMPORARY TABLE move_decided (
    LIKE move_stage, person_id bigint, is_new boolean, known_reason text, differs boolean,
    verdict text);
CREATE TEMPORARY TABLE move_joined (
    row bigint, person_id bigint, list_id bigint, status text, at timestamptz, act text);
"""
DROP = """DROP TABLE IF EXISTS move_stage, move_joining, move_proof, move_tag, move_decided,
    move_joined"""
INDEXES = """
CREATE INDEX ON move_stage (row);
CREATE INDEX ON move_joining (row);
CREATE INDEX ON move_proof (row);
CREATE INDEX ON move_tag (row);
ANALYZE move_stage, move_joining, move_proof, move_tag;
"""
WORK_MEMORY = "SET LOCAL work_mem = '64MB'"
# Who is not to be written to comes first: a doubt never makes anybody a subscriber.
DUPLICATES = """
WITH again AS (
    SELECT address_hash FROM move_stage GROUP BY address_hash HAVING count(*) > 1
), ordered AS (
    SELECT stage.row, stage.email, address_hash, first_value(stage.row) OVER (
        PARTITION BY stage.address_hash ORDER BY stage.reason IS NULL, stage.row) AS first
    FROM move_stage stage JOIN again USING (address_hash)
)
DELETE FROM move_stage USING ordered
WHERE move_stage.row = ordered.row AND move_stage.address_hash = ordered.address_hash
    AND ordered.first <> ordered.row
RETURNING ordered.row, ordered.first, ordered.email
"""
COPIES = (
    ("move_stage", (*STAGE_COLUMNS, "address_flags", "reason", "reason_at", "reason_detail")),
    ("move_joining", ("row", "list_id", "status", "at")),
    ("move_proof", ("row", "list_id", "kind", "at", "ip", "detail")),
    ("move_tag", ("row", "name")),
)
NOTHING = r"\N"


@dataclass(frozen=True, kw_only=True, slots=True)
class Duplicate:
    """A row whose address another row has, too."""

    row: int
    first: int
    email: str


def open_tables() -> None:
    """Make the temporary tables; they live as long as the connection or until `close_tables`."""
    # Refused once the connection has used temporary tables; then it has them already.
    with suppress(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(merge.TEMPORARY_BUFFERS)
    with connection.cursor() as cursor:
        cursor.execute(merge.DROP)
        cursor.execute(DROP)
        cursor.execute(merge.TABLES)
        cursor.execute(TABLES)


def close_tables() -> None:
    """Drop the temporary tables."""
    with connection.cursor() as cursor:
        cursor.execute(DROP)
        cursor.execute(merge.DROP)


class Stage:
    """Collects lines and copies them."""

    def __init__(self, refused: Refused) -> None:
        """Begin empty; ``refused`` takes the rows that the database does not."""
        self._lines: tuple[list[str], ...] = ([], [], [], [])
        self._refused = refused
        self.addresses: dict[int, str] = {}  # of the rows that were refused

    def add(self, row: int, line: str, arrival: Arrival) -> None:
        """Take one row: the line that `imports.rows` made of its cells, and what else it says."""
        people, joinings, proofs, tags = self._lines
        people.append(
            f"{line[:-1]}\t{_text(arrival.reason)}\t{_moment(arrival.reason_at)}"
            f"\t{_text(arrival.reason_detail)}\n"
        )
        for joining in arrival.joinings:
            joinings.append(f"{row}\t{joining.list_id}\t{joining.status}\t{_moment(joining.at)}\n")
            proofs.extend(
                f"{row}\t{joining.list_id}\t{proof.kind}\t{_moment(proof.at)}"
                f"\t{proof.ip or NOTHING}\t{_text(proof.detail)}\n"
                for proof in joining.proofs
            )
        tags.extend(f"{row}\t{_text(name)}\n" for name in arrival.tags)
        if len(people) >= ROWS_A_COPY:
            self.flush()

    def flush(self) -> None:
        """Copy what was collected, without the rows at fault."""
        try:
            with transaction.atomic():
                _copy_all(self._lines)
        except Exception as error:
            if set_aside.is_away(error):
                raise
            self._flush_apart()
        for lines in self._lines:
            lines.clear()

    def _flush_apart(self) -> None:
        known = set(self._refused.reasons)
        rows = sorted(map(_row, self._lines[0]))
        self._refused.without(rows, self._copy_some, row=int)
        new = self._refused.reasons.keys() - known
        for line in self._lines[0]:
            if (row := _row(line)) in new:
                self.addresses[row] = line.split("\t", 2)[1]

    def _copy_some(self, rows: Sequence[int]) -> None:
        within = range(rows[0], rows[-1] + 1)
        _copy_all([[line for line in lines if _row(line) in within] for lines in self._lines])

    def finish(self) -> list[Duplicate]:
        """After the last row: leave each address once, and return the rows that went."""
        self.flush()
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(WORK_MEMORY)
            cursor.execute(DUPLICATES)
            found = cursor.fetchall()
        with connection.cursor() as cursor:
            cursor.execute(INDEXES)
        return [Duplicate(row=row, first=first, email=email) for row, first, email in sorted(found)]


def _copy_all(lines_of_tables: Sequence[Sequence[str]]) -> None:
    for (table, columns), lines in zip(COPIES, lines_of_tables, strict=True):
        if lines:
            _copy(table, columns, lines)


def _row(line: str) -> int:
    return int(line.partition("\t")[0])


def addresses(rows: Sequence[int]) -> dict[int, str]:
    """Return the addresses of staged rows."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT row, email FROM move_stage WHERE row = ANY(%s)", [list(rows)])
        return dict(cursor.fetchall())


def rows_within(after: int, upto: int) -> list[int]:
    """Return the numbers of staged rows after one and up to another."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT row FROM move_stage WHERE row > %s AND row <= %s ORDER BY row", [after, upto]
        )
        return [row for (row,) in cursor.fetchall()]


def _copy(table: str, columns: Sequence[str], lines: Iterable[str]) -> None:
    with connection.cursor() as cursor:
        statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
        with cursor.copy(statement) as copy:
            copy.write("".join(lines).encode())


def _text(value: str | None) -> str:
    if value is None:
        return NOTHING
    clean = "".join(letter if letter.isprintable() else " " for letter in value)
    return clean.replace("\\", "\\\\")


def _moment(value: datetime | None) -> str:
    return value.isoformat() if value else NOTHING
