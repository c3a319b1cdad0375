"""Rows of a delimited text file, one at a time, whatever is broken in it.

Nothing that a file may hold raises here or grows the memory: a line or a row longer than
`LONGEST_ROW` characters, a quote that never closes, a NUL, bytes that are not in the encoding. Each
becomes a `BrokenRow`, and reading goes on behind it; no row is lost or counted twice.
"""

import csv
import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from subscribers.fields.problems import Problem
from subscribers.imports.layout import SEPARATOR_LINE, Layout

LONGEST_ROW = 100_000  # characters: a row of a person is a few hundred
WIDEST = 500  # columns
SHOWN = 200  # characters of a broken row that are kept to be shown
SURROGATE = re.compile("[\udc80-\udcff]")
DAMAGE = re.compile("[\udc80-\udcff\ufffd]")


@dataclass(frozen=True, kw_only=True, slots=True)
class BrokenRow:
    """A row that can't be cut into cells; ``text`` is its beginning."""

    number: int
    problem: Problem
    text: str
    cells: tuple[str, ...] = ()  # as far as there are any


class DamagedCells(list[str]):
    """The cells of a row of which some are damaged: index of the cell to what is wrong with it."""

    def __init__(self, cells: list[str], problems: dict[int, Problem]) -> None:
        super().__init__(cells)
        self.problems = problems


Row = tuple[int, list[str]]


class Rows:
    """Iterates over (number, cells) and `BrokenRow`.

    Numbers are those of a spreadsheet: the first row is 1, a row with line breaks inside its cells
    is one row, blank ones count but are not returned; a first line ``sep=;`` does not count.
    """

    def __init__(
        self,
        path: Path,
        layout: Layout,
        *,
        width: int | None = None,
        least: int | None = None,
        spares: bool = False,
    ) -> None:
        """Prepare to read ``path``; with ``width`` rows of another width are broken.

        ``least``: rows of so many cells are filled up with empty ones (spreadsheets leave out
        empty cells at a row's end). ``spares``: a row with damaged cells is returned, as
        `DamagedCells`, instead of being broken.
        """
        self.path = path
        self.layout = layout
        self.width = width
        self.least = least
        self.spares = spares

    def __iter__(self) -> Iterator[Row | BrokenRow]:
        """Read the file from its beginning."""
        errors = "surrogateescape" if self.layout.encoding.startswith("utf-8") else "replace"
        with self.path.open(encoding=self.layout.encoding, errors=errors, newline="") as file:
            if not SEPARATOR_LINE.match(file.readline(LONGEST_ROW)):
                file.seek(0)
            lines = _Lines(file)
            found_rows = _records(lines, self.layout.delimiter, self.width)
            for number, found in enumerate(found_rows, start=1):
                if isinstance(found, Problem):
                    yield BrokenRow(number=number, problem=found, text=lines.beginning())
                elif found and (found[0].strip() or any(map(str.strip, found))):
                    yield self._checked(number, found, lines)

    def _checked(self, number: int, cells: list[str], lines: "_Lines") -> Row | BrokenRow:
        # Lines are looked at when they are read, which is cheaper than looking at every cell.
        if lines.suspicious and (problems := _damage(cells, self.layout)):
            if not self.spares:
                problem = next(iter(problems.values()))
                return BrokenRow(number=number, problem=problem, text=_shown(cells, self.layout))
            cells = DamagedCells([_readable(cell) for cell in cells], problems)
        if self.width is None or len(cells) == self.width:
            return number, cells
        if self.least is not None and self.least <= len(cells) < self.width:
            cells.extend([""] * (self.width - len(cells)))
            return number, cells
        if self.width < len(cells) <= WIDEST and not any(cells[self.width :]):
            del cells[self.width :]
            return number, cells
        problem = Problem("row_columns", found=len(cells), expected=self.width)
        if len(cells) > WIDEST:
            problem = Problem("row_too_wide", limit=WIDEST)
        return BrokenRow(
            number=number,
            problem=problem,
            text=_shown(cells, self.layout),
            cells=tuple(cells[:WIDEST]),
        )


class _Lines:
    """Feeds physical lines to the CSV parser and remembers those of the row at hand."""

    def __init__(self, file: TextIO) -> None:
        self._read: Callable[[], str] = lambda: file.readline(LONGEST_ROW)
        self._again: deque[str] = deque()
        self.held: list[str] = []
        self.length = 0
        self.suspicious = False

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else self._read()
        if not line:
            raise StopIteration
        self.held.append(line)
        self.length += len(line)
        if "\0" in line or not (line.isascii() or DAMAGE.search(line) is None):
            self.suspicious = True
        if self.length >= LONGEST_ROW:
            raise _TooLong
        return line

    def next_record(self) -> None:
        """Forget the lines of the row before."""
        self.held.clear()
        self.length = 0
        self.suspicious = False

    def give_back(self) -> None:
        """Read all but the first line of this row again: its quote never closed."""
        self._again.extendleft(reversed(self.held[1:]))
        del self.held[1:]

    def swallowed(self, record: list[str], width: int | None) -> bool:
        """Say whether a row of several lines is one only because a quote was never closed."""
        if width is not None and len(record) != width:
            return True
        return sum(line.count('"') for line in self.held) % 2 == 1

    def skip_line(self) -> None:
        """Read past the end of a line that is too long."""
        line = self.held[-1]
        while line and not line.endswith(("\n", "\r")):
            line = self._again.popleft() if self._again else self._read()

    def beginning(self) -> str:
        """Return the beginning of the row at hand, for people."""
        return _readable(self.held[0][:SHOWN].rstrip("\r\n")) if self.held else ""


class _TooLong(Exception):  # noqa: N818 - a signal inside this module
    """The row at hand has more than `LONGEST_ROW` characters."""


def _records(lines: _Lines, delimiter: str, width: int | None) -> Iterator[list[str] | Problem]:
    csv.field_size_limit(LONGEST_ROW + 1)
    reader = csv.reader(lines, delimiter=delimiter)
    while True:
        lines.next_record()
        try:
            record = next(reader)
        except StopIteration:
            return
        except (_TooLong, csv.Error):
            reader = csv.reader(lines, delimiter=delimiter)
            if len(lines.held) > 1:
                lines.give_back()
            else:
                lines.skip_line()
            yield Problem("row_too_long", limit=LONGEST_ROW // 1000)
            continue
        if len(lines.held) > 1 and lines.swallowed(record, width):
            # A quote that opened by mistake swallows rows until the next quote or the file's end.
            lines.give_back()
            yield Problem("quote_open")
            continue
        yield record


def _damage(cells: list[str], layout: Layout) -> dict[int, Problem]:
    found: dict[int, Problem] = {}
    for index, cell in enumerate(cells):
        if "\0" in cell:
            found[index] = Problem("nul")
        elif not cell.isascii() and SURROGATE.search(cell):
            found[index] = Problem("undecodable", encoding="UTF-8")
        elif "\ufffd" in cell and not layout.encoding.startswith("utf-8"):
            found[index] = Problem("undecodable", encoding=layout.encoding.upper())
    return found


def _readable(cell: str) -> str:
    return SURROGATE.sub("\ufffd", cell).replace("\0", "\u2400")


def _shown(cells: list[str], layout: Layout) -> str:
    return _readable(layout.delimiter.join(cells)[:SHOWN])
