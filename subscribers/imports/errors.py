"""The file of rows that could not go in: to be read, corrected and imported again.

Columns: row, field, value, reason, then the columns of the original file. Cells that a spreadsheet
would run as a formula get an apostrophe in front (OWASP, CSV injection), which is taken off again
when such a file is imported.
"""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from django.utils.functional import cached_property

from subscribers.imports.clashes import Clash
from subscribers.imports.mapping import ERROR_COLUMNS, is_export
from subscribers.imports.reader import BrokenRow
from subscribers.imports.rows import Fault
from subscribers.problems import Problem

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
SHOWN_ON_PAGE = 200  # problems that the page lists; the file holds all
LONGEST_CELL = 5_000


def safe(cell: str) -> str:
    """Make a cell that no spreadsheet runs."""
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell


def unsafe(cell: str) -> str:
    """Undo `safe`."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA_STARTS) else cell


def is_error_file(columns: Sequence[str]) -> bool:
    """Say whether a file with these columns was written here."""
    return tuple(column.lower() for column in columns[:4]) == ERROR_COLUMNS


def is_ours(columns: Sequence[str]) -> bool:
    """Say whether a file was written here, so that its cells may have been made `safe`."""
    return is_error_file(columns) or is_export(columns)


class ErrorFile:
    """Writes the file as problems come in, and keeps the first ones for the page."""

    def __init__(self, path: Path, *, columns: Sequence[str]) -> None:
        """Prepare to write; nothing is made before the first problem."""
        self.path = path
        self.count = 0
        self.first: list[dict[str, Any]] = []
        # A corrected error file that fails again keeps one set of our own columns.
        self._skip = len(ERROR_COLUMNS) if is_error_file(columns) else 0
        self._columns = columns[self._skip :]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.count:
            self._file.close()

    @cached_property
    def _file(self) -> Any:
        return self.path.open("w", encoding="utf-8-sig", newline="")

    @cached_property
    def _writer(self) -> Any:
        writer = csv.writer(self._file)
        writer.writerow([*ERROR_COLUMNS, *map(safe, self._columns)])
        return writer

    def refuse(self, number: int, faults: Sequence[Fault], cells: Sequence[str]) -> None:
        """Note a row that can't go in."""
        self.count += 1
        for fault in faults:
            if len(self.first) < SHOWN_ON_PAGE:
                self.first.append(
                    {
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
                    *cells[self._skip :],
                ]
            )
        )

    def refuse_broken(self, row: BrokenRow) -> None:
        """Note a row that can't even be cut into cells."""
        fault = Fault(field="", value=row.text, problem=row.problem)
        self.refuse(row.number, [fault], row.cells or ([""] * self._skip + [row.text]))

    def refuse_duplicate(
        self, number: int, *, first: int, email: str, cells: Sequence[str]
    ) -> None:
        """Note a row whose address an earlier row has."""
        fault = Fault(field="email", value=email, problem=Problem("duplicate", row=first))
        self.refuse(number, [fault], cells)

    def refuse_clashes(self, clashes: Iterable[Clash]) -> None:
        """Note rows with values that may not stand there."""
        for clash in clashes:
            self.refuse(clash.row, clash.faults, clash.cells)


def _storable(cells: Sequence[str]) -> list[str]:
    return [
        safe(cell[:LONGEST_CELL].encode("utf-8", "replace").decode().replace("\0", "\u2400"))
        for cell in cells
    ]
