"""The file of rows that could not go in: to be read, corrected and imported again, as it was.

Columns: row, field, value, reason, import, then the columns of the original file. Rows that went in
without a value that can't be read are in it, too; they do not count as refused. Cells that a
spreadsheet would run as a formula get an apostrophe in front (OWASP, CSV injection), which is taken
off again when such a file is imported.
"""

import csv
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from django.utils.functional import cached_property

from accounts.input.numbers import row_number
from accounts.models import Workspace
from subscribers.fields.problems import Problem
from subscribers.imports import mapping
from subscribers.imports.clashes import Clash
from subscribers.imports.mapping import (
    ERROR_COLUMNS,
    OF_IMPORT,
    ColumnTarget,
    is_export,
    own_columns,
)
from subscribers.imports.reader import BrokenRow
from subscribers.imports.rows import ValueFault
from subscribers.models import Import

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠")
# A number, and a phone number with its country: nothing runs, and an apostrophe would spoil them.
HARMLESS = re.compile(r"-\d[\d.,]*(?:[eE][+-]?\d+)?|\+\d[\d ()./-]*").fullmatch
SHOWN_ON_PAGE = 200  # problems that the page lists; the file holds all
LONGEST_CELL = 5_000
REPEATS = "(twice)"  # behind the import's number: the row repeats an address that has gone in


def safe(cell: str) -> str:
    """Make a cell that no spreadsheet runs, and that `unsafe` makes again what it was."""
    if not cell.startswith(("'", *FORMULA_STARTS)) or HARMLESS(cell):
        return cell
    return f"'{cell}" if cell.lstrip("'").startswith(FORMULA_STARTS) else cell


def unsafe(cell: str) -> str:
    """Undo `safe`."""
    quoted = cell.startswith("'") and cell.lstrip("'").startswith(FORMULA_STARTS)
    return cell[1:] if quoted else cell


def is_ours(columns: Sequence[str]) -> bool:
    """Say whether a file was written here, so that its cells may have been made `safe`."""
    return bool(own_columns(columns)) or is_export(columns)


class ErrorFile:
    """Writes the file as problems come in, and keeps the first ones for the page."""

    def __init__(self, path: Path, *, columns: Sequence[str], import_id: int) -> None:
        """Prepare to write; nothing is made before the first problem."""
        self.path = path
        self.count = 0  # rows that are refused
        self.written = 0
        self._import_id = str(import_id)
        self.first: list[dict[str, Any]] = []
        # A corrected error file that fails again keeps one set of our own columns.
        self._skip = own_columns(columns)
        self._columns = columns[self._skip :]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.written:
            self._file.close()

    @cached_property
    def _file(self) -> Any:
        return self.path.open("w", encoding="utf-8-sig", newline="")

    @cached_property
    def _writer(self) -> Any:
        writer = csv.writer(self._file)
        writer.writerow([*ERROR_COLUMNS, OF_IMPORT, *map(safe, self._columns)])
        return writer

    def refuse(self, number: int, faults: Sequence[ValueFault], cells: Sequence[str]) -> None:
        """Note a row that can't go in."""
        self.count += 1
        self._write(number, faults, cells)

    def spare(self, number: int, faults: Sequence[ValueFault], cells: Sequence[str]) -> None:
        """Note a row that goes in without some values."""
        self._write(number, faults, cells, goes_in=True)

    def _write(
        self,
        number: int,
        faults: Sequence[ValueFault],
        cells: Sequence[str],
        *,
        goes_in: bool = False,
        mark: str = "",
    ) -> None:
        self.written += 1
        for fault in faults:
            if len(self.first) < SHOWN_ON_PAGE:
                self.first.append(
                    {
                        "goes_in": goes_in,
                        "row": number,
                        "field": fault.field,
                        "value": fault.value,
                        "code": fault.problem.code,
                        "params": fault.problem.params,
                    }
                )
        values = (fault.value for fault in faults)
        self._writer.writerow(
            _storable(
                [
                    str(number),
                    "; ".join(fault.field for fault in faults),
                    "; ".join(values),
                    "; ".join(fault.problem.message for fault in faults),
                    f"{self._import_id} {mark}".rstrip(),
                    *cells[self._skip :],
                ]
            )
        )

    def refuse_broken(self, row: BrokenRow) -> None:
        """Note a row that can't even be cut into cells."""
        fault = ValueFault(field="", value=row.text, problem=row.problem)
        self.refuse(row.number, [fault], row.cells or ([""] * self._skip + [row.text]))

    def refuse_duplicate(
        self, number: int, *, first: int, email: str, cells: Sequence[str]
    ) -> None:
        """Note a row whose address an earlier row has."""
        fault = ValueFault(field="email", value=email, problem=Problem("duplicate", row=first))
        self.count += 1
        self._write(number, [fault], cells, mark=REPEATS)

    def refuse_clashes(self, clashes: Iterable[Clash]) -> None:
        """Note rows with values that may not stand there."""
        for clash in clashes:
            self.refuse(clash.row, clash.faults, clash.cells)


def _storable(cells: Sequence[str]) -> list[str]:
    return [
        safe(cell[:LONGEST_CELL].encode("utf-8", "replace").decode().replace("\0", "\u2400"))
        for cell in cells
    ]


def original(
    workspace: Workspace, *, columns: Sequence[str], samples: Sequence[Sequence[str]]
) -> Import | None:
    """Return the import that an error file came from, if this is one and the import is known.

    Its number stands in each row; a file without it is told by its columns.
    """
    own = own_columns(columns)
    if not own:
        return None
    imports = Import.objects.filter(workspace=workspace).exclude(mapping=[]).order_by("-pk")
    if own > len(ERROR_COLUMNS):
        place = len(ERROR_COLUMNS)
        numbers = {row[place].strip() for row in samples if place < len(row)} - {""}
        known = {row_number(number.partition(" ")[0]) for number in numbers}
        return imports.filter(pk=known.pop() or 0).first() if len(known) == 1 else None
    return imports.filter(columns=list(columns[own:])).first()


def targets_before(original: Import, *, columns: Sequence[str]) -> list[ColumnTarget] | None:
    """Return where the original's columns went, behind our own; None: other columns stand there."""
    own = own_columns(columns)
    before = mapping.load(original.mapping)
    skipped = own_columns(original.columns)  # of a correction that failed again
    names = [name.strip().lower() for name in columns[own:]]
    if names != [name.strip().lower() for name in original.columns[skipped:]]:
        return None
    return [ColumnTarget()] * own + before[skipped:]
