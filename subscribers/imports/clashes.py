"""Rows of a file whose values may not stand there: taken by somebody, or required and missing.

Looked for among what was decided about a batch (`import_decided`), before anything is written. Only
values that would be written count: not those of people who are barred or skipped, nor, where empty
fields are filled only, those that are there already.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from accounts.models import Workspace
from subscribers.fields.problems import Problem
from subscribers.imports.mapping import FIELD, ColumnTarget
from subscribers.imports.rows import LONGEST_SHOWN, ValueFault
from subscribers.models import CustomField

# ``import_given`` is what a check has seen: nothing is written then that a later batch could meet.
TAKEN = """
WITH given AS (
    SELECT decided.row, decided.person_id, decided.email, decided.raw, field.id AS field_id,
        field.key, field.label, decided.fields ->> field.key AS value,
        subscribers_value_digest(decided.fields -> field.key) AS digest
    FROM import_decided decided
    JOIN subscribers_customfield field
        ON field.workspace_id = %(workspace)s AND field.is_unique AND field.key = ANY(%(keys)s)
    LEFT JOIN subscribers_subscriber person
        ON person.id = decided.person_id AND NOT decided.is_new
    WHERE {written} AND decided.fields ? field.key
        AND decided.fields -> field.key NOT IN ('null', '""')
        AND NOT (%(fills)s AND COALESCE(person.fields ? field.key, false))
), judged AS (
    SELECT given.*, LEAST(
        min(given.row) OVER (PARTITION BY given.field_id, given.digest),
        (SELECT min(seen.row) FROM import_given seen
            WHERE seen.field_id = given.field_id AND seen.digest = given.digest)
    ) AS first, EXISTS (
        SELECT FROM subscribers_uniquevalue taken
        WHERE taken.field_id = given.field_id AND taken.digest = given.digest
            AND taken.subscriber_id IS DISTINCT FROM given.person_id
    ) AS is_taken
    FROM given
)
"""
CLASHES = "SELECT row, email, raw, key, label, value, first, is_taken FROM judged"
NOTE = """
INSERT INTO import_given SELECT field_id, digest, row FROM judged
WHERE NOT is_taken AND first = row
"""
MISSING = """
SELECT decided.row, decided.email, decided.raw, field.key, field.label
FROM import_decided decided
JOIN subscribers_customfield field
    ON field.workspace_id = %(workspace)s AND field.is_required AND field.key = ANY(%(keys)s)
WHERE decided.is_new AND NOT decided.is_barred
    AND COALESCE(decided.fields -> field.key, 'null') IN ('null', '""', '[]')
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Clash:
    """A row with what is wrong with it; ``keys`` are the fields' that are."""

    row: int
    email: str
    cells: Sequence[str]  # of the file, if they were kept
    faults: tuple[ValueFault, ...]
    keys: tuple[str, ...]


class Watch:
    """Looks for clashes in the batches of one file; off where no column could cause one."""

    def __init__(
        self, workspace: Workspace, targets: Sequence[ColumnTarget], *, fills: bool
    ) -> None:
        self._workspace = workspace
        self._keys = watched(workspace, targets)
        self._values: dict[str, Any] = {
            "workspace": workspace.pk,
            "keys": self._keys,
            "fills": fills,
        }

    def also(self, targets: Sequence[ColumnTarget]) -> None:
        """Watch further columns: those of another file."""
        self._keys[:] = sorted({*self._keys, *watched(self._workspace, targets)})

    @property
    def is_on(self) -> bool:
        """Say whether a column goes to a unique or required field."""
        return bool(self._keys)

    def taken(self, *, written: str, dry_run: bool) -> list[Clash]:
        """Return the rows with a value that somebody else, or an earlier row, has.

        ``written`` is the condition of rows that would be written.
        """
        if not self._keys:
            return []
        judged = TAKEN.format(written=written)
        with connection.cursor() as cursor:
            cursor.execute(judged + CLASHES, self._values)
            found = [row for row in cursor.fetchall() if row[7] or row[6] < row[0]]
            if dry_run:
                cursor.execute(judged + NOTE, self._values)
        return _by_row(
            (
                row,
                email,
                raw,
                key,
                ValueFault(field=label, value=value[:LONGEST_SHOWN], problem=problem),
            )
            for row, email, raw, key, label, value, first, is_taken in found
            for problem in [Problem("taken") if is_taken else Problem("taken_row", row=first)]
        )

    def missing(self) -> list[Clash]:
        """Return the rows of new people whose cell of a required field is empty."""
        if not self._keys:
            return []
        with connection.cursor() as cursor:
            cursor.execute(MISSING, self._values)
            found = cursor.fetchall()
        return _by_row(
            (row, email, raw, key, ValueFault(field=label, value="", problem=Problem("required")))
            for row, email, raw, key, label in found
        )


def watched(workspace: Workspace, targets: Sequence[ColumnTarget]) -> list[str]:
    """Return the keys of the unique or required fields that columns go to."""
    mapped = {target.to.removeprefix(FIELD) for target in targets if target.to.startswith(FIELD)}
    strict = CustomField.objects.filter(workspace=workspace, key__in=mapped)
    return [one.key for one in strict if one.is_unique or one.is_required]


def joined(*groups: Collection[Clash]) -> list[Clash]:
    """Return clashes with one entry for each row, in the order of the file."""
    return _by_row(
        (clash.row, clash.email, clash.cells, key, fault)
        for group in groups
        for clash in group
        for key, fault in zip(clash.keys, clash.faults, strict=True)
    )


def _by_row(found: Any) -> list[Clash]:
    rows: dict[int, Clash] = {}
    for row, email, cells, key, fault in found:
        before = rows.get(row)
        rows[row] = Clash(
            row=row,
            email=email,
            cells=json.loads(cells) if isinstance(cells, str) else cells or (),
            faults=(*before.faults, fault) if before else (fault,),
            keys=(*before.keys, key) if before else (key,),
        )
    return [rows[row] for row in sorted(rows)]
