"""XLSX workbooks, rewritten as CSV when they are uploaded, so that there is one way to read."""

import csv
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from python_calamine import CalamineError, CalamineWorkbook

from subscribers.imports.files import FileRefused, new_path

LARGEST_UNPACKED = 1_500_000_000  # bytes: a workbook of a million rows and ten columns has 400 MB
MAGIC = b"PK\x03\x04"


def is_workbook(start: bytes) -> bool:
    """Say whether a file's first bytes are those of a ZIP archive, which XLSX is."""
    return start.startswith(MAGIC)


def to_csv(path: Path) -> Path:
    """Write the workbook's first sheet as CSV (UTF-8, commas) and return its place.

    Raises:
        FileRefused: it is no workbook, damaged, protected, or would unpack to too much.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > LARGEST_UNPACKED:
            raise FileRefused(_("The workbook is too large. Save the sheet as CSV."))
        workbook = CalamineWorkbook.from_path(str(path))
        sheet = workbook.get_sheet_by_index(0)
        target = new_path(".csv")
        with target.open("x", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(_rows(sheet.iter_rows()))
    except (zipfile.BadZipFile, CalamineError, IndexError, OSError) as error:
        raise FileRefused(
            _("This workbook can't be opened. Save it again as XLSX or CSV, without a password.")
        ) from error
    return target


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
