"""XLSX workbooks, rewritten as CSV when they are uploaded, so that there is one way to read."""

import subprocess
import sys
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from subscribers.imports import workbook
from subscribers.imports.files import FileRefused, new_path

LONGEST_WAIT = 60  # seconds
MAGIC = b"PK\x03\x04"


def is_workbook(start: bytes) -> bool:
    """Say whether a file's first bytes are those of a ZIP archive, which XLSX is."""
    return start.startswith(MAGIC)


def to_csv(path: Path) -> Path:
    """Write the workbook's first sheet as CSV (UTF-8, commas) and return its place.

    A process of its own does it (`workbook`), with limits on memory, time and what it writes.

    Raises:
        FileRefused: it is no workbook, damaged, protected, or would unpack to too much.
    """
    target = new_path(".csv")
    status = _convert(path, target)
    if status == 0:
        return target
    target.unlink(missing_ok=True)
    if status == workbook.TOO_LARGE or status < 0:
        raise FileRefused(_("The workbook is too large. Save the sheet as CSV."))
    raise FileRefused(
        _("This workbook can't be opened. Save it again as XLSX or CSV, without a password.")
    )


def _convert(path: Path, target: Path) -> int:
    """Run the program; returns its exit status, negative when it was ended."""
    command = [
        *(sys.executable, "-I", workbook.__file__, str(path), str(target)),
        *(str(settings.IMPORT_MAX_COLUMNS), str(settings.IMPORT_MAX_BYTES)),
    ]
    try:
        done = subprocess.run(  # noqa: S603 - our own program and our own names of files
            command,
            timeout=LONGEST_WAIT,
            check=False,
            env={},  # a crafted file finds no secrets there
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return -1
    return done.returncode
