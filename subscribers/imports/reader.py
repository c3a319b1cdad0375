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

from subscribers.imports.layout import Layout
from subscribers.problems import Problem

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


Row = tuple[int, list[str]]


class Rows:
    """Iterates over (number, cells) and `BrokenRow`.

    Numbers are those of a spreadsheet: the first row is 1, a row with line breaks inside its cells
    is one row, blank ones count but are not returned.
    """

    def __init__(self, path: Path, layout: Layout, *, width: int | None = None) -> None:
        """Prepare to read ``path``; with ``width`` rows of another width are broken."""
        self.path = path
        self.layout = layout
        self.width = width
        self.bytes_read = 0

    def __iter__(self) -> Iterator[Row | BrokenRow]:
        """Read the file from its beginning."""
        errors = "surrogateescape" if self.layout.encoding.startswith("utf-8") else "replace"
        with self.path.open(encoding=self.layout.encoding, errors=errors, newline="") as file:
            lines = _Lines(file)
            found_rows = _records(lines, self.layout.delimiter, self.width)
            for number, found in enumerate(found_rows, start=1):
                if isinstance(found, Problem):
                    yield BrokenRow(number=number, problem=found, text=lines.beginning())
                elif found:
                    yield self._checked(number, found, lines)

    def _checked(self, number: int, cells: list[str], lines: "_Lines") -> Row | BrokenRow:
        # Lines are looked at when they are read, which is cheaper than looking at every cell.
        if lines.suspicious:
            problem = _damage(cells, self.layout)
            if problem:
                return BrokenRow(number=number, problem=problem, text=_shown(cells, self.layout))
        if self.width is not None and len(cells) != self.width:
            problem = Problem("row_columns", found=len(cells), expected=self.width)
            if len(cells) > WIDEST:
                problem = Problem("row_too_wide", limit=WIDEST)
            elif len(cells) > self.width and not any(cells[self.width :]):
                return number, cells[: self.width]
            return BrokenRow(
                number=number,
                problem=problem,
                text=_shown(cells, self.layout),
                cells=tuple(cells[:WIDEST]),
            )
        return number, cells


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
        return SURROGATE.sub("\ufffd", self.held[0][:SHOWN].rstrip("\r\n")) if self.held else ""


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


def _damage(cells: list[str], layout: Layout) -> Problem | None:
    for cell in cells:
        if "\0" in cell:
            return Problem("nul")
        if not cell.isascii() and SURROGATE.search(cell):
            return Problem("undecodable", encoding="UTF-8")
        if "\ufffd" in cell and not layout.encoding.startswith("utf-8"):
            return Problem("undecodable", encoding=layout.encoding.upper())
    return None


def _shown(cells: list[str], layout: Layout) -> str:
    text = layout.delimiter.join(cells)[:SHOWN]
    return SURROGATE.sub("\ufffd", text).replace("\0", "\u2400")
