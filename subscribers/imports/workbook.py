"""The program that rewrites one XLSX workbook as CSV, in a process of its own.

A workbook of two cells can ask for terabytes, and the library that reads it then ends the process
it runs in. So this one runs alone, with little memory and time, and nothing of ours is loaded:
``python -I workbook.py SOURCE TARGET COLUMNS BYTES``.

Ends with 0 (written), `TOO_LARGE` or `UNREADABLE`; ended by a signal means too large.
"""

import contextlib
import csv
import errno
import io
import re
import resource
import sys
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

TOO_LARGE = 3
UNREADABLE = 4
MEMORY = 1 << 30  # bytes of address space: about ten million cells
SECONDS = 60
LARGEST_UNPACKED = 1_500_000_000  # bytes: a workbook of a million rows and ten columns has 400 MB
MOST_CELLS = 20_000_000  # of the rectangle around all cells that hold something
MOST_ROWS = 1_048_576  # of a sheet, by ECMA-376
BLOCK = 1 << 20
LONGEST_TAG = 1_000  # bytes kept between blocks, so that no tag is cut in two
# A cell that holds something; an empty one with a style alone (<c r="XFD9" s="1"/>) takes no room.
CELL = re.compile(
    rb"<(?:\w{1,40}:)?c\s[^>]{0,200}?\br=[\"']\$?([A-Z]{1,7})\$?(\d{1,10})[^>]{0,200}>"
)


class TooLarge(Exception):  # noqa: N818 - says what is the case
    """The workbook holds, or asks for, more than we take."""


def main(source: str, target: str, most_columns: int, most_bytes: int) -> int:
    """Write the first sheet's rows to ``target`` within all limits; return the exit status."""
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_CPU, SECONDS)
    _limit(resource.RLIMIT_AS, MEMORY)
    _limit(resource.RLIMIT_FSIZE, most_bytes + BLOCK)
    try:
        _measure(Path(source), most_columns)
        _write(source, Path(target), most_bytes)
    except (TooLarge, MemoryError):
        return TOO_LARGE
    except OSError as error:
        return TOO_LARGE if error.errno == errno.EFBIG else UNREADABLE
    except Exception:  # noqa: BLE001 - whatever a crafted file does to the readers
        return UNREADABLE
    return 0


def _limit(what: int, most: int) -> None:
    with contextlib.suppress(ValueError, OSError):  # a lower limit holds already
        resource.setrlimit(what, (most, most))


def _measure(path: Path, most_columns: int) -> None:
    """Unpack all parts once, counting, and find the rectangle that the cells span."""
    unpacked = 0
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            width = height = 0
            rest = b""
            with archive.open(entry) as part:
                while block := part.read(BLOCK):
                    unpacked += len(block)
                    if unpacked > LARGEST_UNPACKED:
                        raise TooLarge
                    text = rest + block
                    rest = text[-LONGEST_TAG:]
                    for cell in CELL.finditer(text):
                        if cell[0].endswith(b"/>"):
                            continue
                        width = max(width, _column(cell[1]))
                        height = max(height, int(cell[2]))
                    if width > most_columns or height > MOST_ROWS or width * height > MOST_CELLS:
                        raise TooLarge


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _write(source: str, target: Path, most_bytes: int) -> None:
    # Loaded late, so that the limits hold for all that it does.
    from python_calamine import CalamineWorkbook

    sheet = CalamineWorkbook.from_path(source).get_sheet_by_index(0)
    raw = target.open("xb")
    with io.TextIOWrapper(raw, encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        for row in _rows(sheet.iter_rows()):
            writer.writerow(row)
            if raw.tell() > most_bytes:
                raise TooLarge


def _rows(rows: Iterator[list[Any]]) -> Iterator[list[str]]:
    for row in rows:
        yield [_cell(value) for value in row]


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat()
    if isinstance(value, (date, time)):
        return value.isoformat()
    return str(value) if isinstance(value, (int, timedelta)) else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
