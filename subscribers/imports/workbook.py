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
import operator
import re
import resource
import sys
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

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


STYLE = re.compile(rb"\bs=[\"'](\d{1,6})[\"']")
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
RELATIONS = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
ROWS_OF_A_LOOK = 50
# Quoted text, an escaped character, a space as wide as a character, a fill, anything else.
PIECE = re.compile(r'"([^"]*)"|\\(.)|[_*].|.')
BRACKETS = re.compile(r"\[[^\]]*\]")  # a colour, a condition, a language
CONDITION = re.compile(r"\[(<=|>=|<>|<|>|=)(-?[\d.]{1,20})\]")
COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<>": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "=": operator.eq,
}


class TooLarge(Exception):  # noqa: N818 - says what is the case
    """The workbook holds, or asks for, more than we take."""


def main(source: str, target: str, most_columns: int, most_bytes: int) -> int:
    """Write a sheet's rows to ``target`` within all limits; return the exit status."""
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

    book = CalamineWorkbook.from_path(source)
    sheet = _choose(book)
    shown = _formats(Path(source), sheet.name)
    raw = target.open("xb")
    with io.TextIOWrapper(raw, encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        for number, row in enumerate(sheet.iter_rows()):
            writer.writerow(_cells(row, shown.get(number, {})))
            if raw.tell() > most_bytes:
                raise TooLarge


def _choose(book: Any) -> Any:
    """Return the first visible sheet with an address near its top, or else with anything."""
    visible = [one.name for one in book.sheets_metadata if str(one.visible).endswith("Visible")]
    filled = None
    for name in visible or book.sheet_names[:1]:
        sheet = book.get_sheet_by_name(name)
        top = list(islice(sheet.iter_rows(), ROWS_OF_A_LOOK))
        if any(isinstance(value, str) and "@" in value for row in top for value in row):
            return sheet
        if filled is None and any(value != "" for row in top for value in row):
            filled = sheet
    return filled or book.get_sheet_by_index(0)


def _formats(path: Path, sheet: str) -> dict[int, dict[int, str]]:
    """Return the number formats that show digits as codes, by row and column from 0.

    The reader gives numbers as they are stored: 1067 for what the format 00000 shows as 01067.
    """
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        if not {"xl/styles.xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels"} <= names:
            return {}
        codes = _codes(_tree(archive, "xl/styles.xml"))
        if not codes:
            return {}
        ids = {
            one.get("name"): one.get(f"{RELATIONS}id")
            for one in _tree(archive, "xl/workbook.xml").iter(f"{MAIN}sheet")
        }
        targets = {
            one.get("Id"): one.get("Target", "")
            for one in _tree(archive, "xl/_rels/workbook.xml.rels").iter()
        }
        target = targets.get(ids.get(sheet), "")
        name = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
        return _styled(archive, name, codes) if name in names else {}


def _tree(archive: zipfile.ZipFile, name: str) -> ET.Element:
    return ET.fromstring(archive.read(name))  # noqa: S314 - alone, with little memory


def _codes(styles: ET.Element) -> dict[bytes, str]:
    """Return the formats of codes by the number of the style that uses them."""
    formats = {
        one.get("numFmtId"): one.get("formatCode", "") for one in styles.iter(f"{MAIN}numFmt")
    }
    found: dict[bytes, str] = {}
    for styled in styles.iter(f"{MAIN}cellXfs"):
        for index, one in enumerate(styled.findall(f"{MAIN}xf")):
            code = formats.get(one.get("numFmtId"), "")
            if code and any(_pieces(section) for section in code.split(";")):
                found[str(index).encode()] = code
    return found


def _styled(
    archive: zipfile.ZipFile, name: str, codes: dict[bytes, str]
) -> dict[int, dict[int, str]]:
    found: dict[int, dict[int, str]] = {}
    rest = b""
    with archive.open(name) as part:
        while block := part.read(BLOCK):
            text = rest + block
            rest = text[text.rfind(b"<") :][-LONGEST_TAG:]
            for cell in CELL.finditer(text):
                style = STYLE.search(cell[0])
                if style and style[1] in codes:
                    row = found.setdefault(int(cell[2]) - 1, {})
                    row[_column(cell[1]) - 1] = codes[style[1]]
    return found


def _pieces(section: str) -> list[str] | None:
    """Cut a section of a format into places of digits and what stands between; None: no code.

    A code has zeros in front, a plus, or groups of digits; whatever has decimals, thousands, a
    unit or a date in it is a number or a day.
    """
    section = BRACKETS.sub("", section)
    pieces = []
    for match in PIECE.finditer(section):
        if match[0][0] in "_*":
            continue
        piece = match[1] if match[1] is not None else match[2] or match[0]
        if match[0] not in "0#?" and (piece.strip(" -+()/.0123456789") or match[0] in ".,%@"):
            return None
        pieces.append(match[0] if match[0] in "0#?" else f"={piece}")
    places = [piece for piece in pieces if piece in {"0", "#", "?"}]
    between = "".join(piece[1:] for piece in pieces if piece[0] == "=").strip()
    is_code = places.count("0") > 1 or (between and len(places) > 1) or "+" in between
    return pieces if places and is_code else None


def _show(code: str, value: float) -> str | None:
    """Write a whole number as its format shows it; None if the format is none of a code."""
    sections = code.split(";")
    chosen = sections[0]
    for section in sections:
        if not (bound := CONDITION.search(section)):
            chosen = section if CONDITION.search(sections[0]) else chosen
            break
        if COMPARE[bound[1]](value, float(bound[2])):
            chosen = section
            break
    pieces = _pieces(chosen)
    if pieces is None or value < 0 or not float(value).is_integer():
        return None
    digits = str(int(value))
    shown: list[str] = []
    left = sum(piece in {"0", "#", "?"} for piece in pieces)
    for piece in reversed(pieces):
        if piece[0] == "=":
            shown.append(piece[1:])
            continue
        left -= 1
        take = digits if left == 0 else digits[-1:]
        digits = "" if left == 0 else digits[:-1]
        shown.append(take or ("0" if piece == "0" else ""))
    return "".join(reversed(shown)).strip()


def _cells(row: list[Any], shown: dict[int, str]) -> list[str]:
    cells = [_cell(value) for value in row]
    for column, code in shown.items():
        value = row[column] if column < len(row) else None
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            cells[column] = _show(code, value) or cells[column]
    return cells


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        # Spreadsheets show, and mean, fifteen digits: 12.3, not 12.300000000000001.
        return str(int(value)) if value.is_integer() else repr(float(f"{value:.15g}"))
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat()
    if isinstance(value, (date, time)):
        return value.isoformat()
    return str(value) if isinstance(value, (int, timedelta)) else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
