"""Take a backup: one snapshot of the database, the uploaded files, the keys, and what is in it.

The file is a tar archive: ``manifest.json``, ``database.dump`` (pg_dump's custom format),
``media/…`` and ``keys.json``. The counts in the manifest are of the same snapshot as the dump, so a
drill can compare them exactly.
"""

import hashlib
import json
import os
import tarfile
import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import connection, transaction

from accounts.backups import clients, places, sealed
from accounts.backups.clients import BackupError

FORMAT: Final = 1
MOMENT: Final = "%Y%m%d-%H%M%S"  # in the names of backups
MANIFEST, DATABASE, KEYS, MEDIA = "manifest.json", "database.dump", "keys.json", "media"
Say = Callable[[str], None]


def take(to: places.BackupPlace, *, password: str = "", keep: int = 0, say: Say) -> dict[str, Any]:
    """Take a backup, bring it to its place, delete those beyond ``keep``; returns what was done.

    Raises:
        BackupError: it can't be taken; nothing unfinished is left.
    """
    major = clients.server_major()
    programs = clients.find(major)
    # Beside its place, so that it gets its name in one step when it is whole.
    with tempfile.TemporaryDirectory(dir=to.folder, prefix=".backup-") as name:
        folder = Path(name)
        say(f"Dumping the database (PostgreSQL {major}).")
        manifest = _dump(folder / DATABASE, programs) | {
            "format": FORMAT,
            "taken_at": datetime.now(tz=UTC).isoformat(timespec="seconds"),
            "postgresql": major,
            "sha256": _digest(folder / DATABASE),
        }
        say("Adding uploaded files and keys.")
        archive = folder / f"{places.BEGINNING}{datetime.now(tz=UTC):{MOMENT}}.tar"
        manifest["files"] = _pack(archive, folder, manifest)
        if password:
            say("Encrypting.")
            archive = _seal(archive, password)
        archive.chmod(0o600)
        size = archive.stat().st_size
        lies = to.put(archive)
        say(f"{lies} ({size / 1e6:,.1f} MB).")
    gone = to.keep(keep)
    for old in gone:
        say(f"Deleted {old}.")
    return {
        "file": lies,
        "bytes": size,
        "encrypted": bool(password),
        "deleted": gone,
        "rows": sum(manifest["rows"].values()),
        "postgresql": major,
    }


def is_due(place: places.BackupPlace, *, every: timedelta) -> bool:
    """Say whether the newest backup there is older than ``every``; its name says when it was."""
    for name in reversed(place.names()):
        moment = name.removeprefix(places.BEGINNING).partition(".")[0]
        with suppress(ValueError):
            taken = datetime.strptime(moment, MOMENT).replace(tzinfo=UTC)
            return datetime.now(tz=UTC) - taken >= every
    return True


def count_rows(cursor: Any) -> dict[str, int]:
    """Count every table's rows, as the transaction in force sees them."""
    counts = {}
    cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1")
    for (table,) in cursor.fetchall():
        cursor.execute(f"SELECT count(*) FROM {connection.ops.quote_name(table)}")  # noqa: S608 - its own name
        counts[str(table)] = int(cursor.fetchone()[0])
    return counts


def _dump(path: Path, programs: Path) -> dict[str, Any]:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute("SELECT pg_export_snapshot()")
            row = cursor.fetchone()
        snapshot = str(row[0]) if row else ""
        clients.run(
            [
                *(programs / "pg_dump", "--format=custom", "--no-owner"),
                *(f"--snapshot={snapshot}", f"--file={path}"),
            ],
            env=clients.where(connection.settings_dict),
        )
        with connection.cursor() as cursor:
            cursor.execute("SELECT app, name FROM django_migrations ORDER BY 1, 2")
            migrations = [f"{app}.{name}" for app, name in cursor.fetchall()]
            return {"rows": count_rows(cursor), "migrations": migrations}


def _pack(archive: Path, folder: Path, manifest: dict[str, Any]) -> int:
    media = Path(settings.MEDIA_ROOT)
    keys = {"secret_key": settings.SECRET_KEY, "fallbacks": list(settings.SECRET_KEY_FALLBACKS)}
    files = [path for path in media.rglob("*") if path.is_file()] if media.is_dir() else []
    with tarfile.open(archive, "w") as tar:
        _write(tar, MANIFEST, json.dumps({**manifest, "files": len(files)}, indent=1), folder)
        _write(tar, KEYS, json.dumps(keys), folder)
        tar.add(folder / DATABASE, arcname=DATABASE)
        for path in files:
            try:
                tar.add(path, arcname=f"{MEDIA}/{path.relative_to(media)}")
            except FileNotFoundError:
                continue  # forgotten meanwhile, as uploaded files are
    (folder / DATABASE).unlink()
    return len(files)


def _write(tar: tarfile.TarFile, name: str, text: str, folder: Path) -> None:
    path = folder / name
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
    tar.add(path, arcname=name)
    path.unlink()


def _seal(archive: Path, password: str) -> Path:
    target = archive.with_name(f"{archive.name}.sealed")
    with archive.open("rb") as source, target.open("wb") as file:
        sealed.seal(source, file, password)
        file.flush()
        os.fsync(file.fileno())
    archive.unlink()
    return target


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def password_of_settings() -> str:
    """Return the password that backups are encrypted with; "": they are not.

    Raises:
        BackupError: it is too short to protect anything.
    """
    password = str(settings.BACKUP_PASSWORD)
    if password and len(password) < SHORTEST:
        raise BackupError(f"BACKUP_PASSWORD is too short: give at least {SHORTEST} characters.")
    return password


SHORTEST: Final = 12
