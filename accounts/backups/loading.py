"""Load a backup: into the database of the settings, or beside it to prove that it can be loaded."""

import hashlib
import json
import secrets
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader

from accounts.backups import clients, places, sealed, taking
from accounts.backups.clients import BackupError
from accounts.backups.taking import DATABASE, KEYS, MANIFEST, MEDIA, Say

# What newer programs set at the beginning and older servers do not know.
_NEWER_SETTINGS: Final = (b"SET transaction_timeout",)
_HEAD: Final = 40  # lines
# A newer Warta's tables are not in an older dump, and would stand in the way of its migrations.
_EMPTY: Final = b"""DO $$
DECLARE found record;
BEGIN
    FOR found IN SELECT tablename FROM pg_tables WHERE schemaname = current_schema() LOOP
        EXECUTE format('DROP TABLE IF EXISTS %I CASCADE', found.tablename);
    END LOOP;
END $$;
"""


@dataclass(frozen=True, kw_only=True)
class OpenedBackup:
    """A backup, unpacked into a folder."""

    folder: Path
    manifest: dict[str, Any]

    @property
    def dump(self) -> Path:
        """The database's dump."""
        return self.folder / DATABASE


@contextmanager
def opened(given: str, *, password: str = "") -> Iterator[OpenedBackup]:
    """Fetch, decrypt, unpack and check a backup for the length of the block.

    Raises:
        BackupError: it is none, is damaged, is of a newer Warta, or the password is missing.
    """
    base = Path(settings.DATA_DIR) / "tmp"
    base.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=base, prefix="restore-") as name:
        folder = Path(name)
        path = _plain(places.find(given, folder), folder, password)
        try:
            with tarfile.open(path) as tar:
                tar.extractall(folder / "in", filter="data")
            manifest = json.loads((folder / "in" / MANIFEST).read_text(encoding="utf-8"))
            with (folder / "in" / DATABASE).open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except (tarfile.TarError, OSError, ValueError) as error:
            raise BackupError(f"{given} is no backup of Warta, or damaged: {error}") from error
        if digest != manifest["sha256"]:
            raise BackupError(f"{given} is damaged: its dump is not the one that was taken.")
        _refuse_newer(manifest)
        yield OpenedBackup(folder=folder / "in", manifest=manifest)


def verify(given: str, *, password: str = "", say: Say) -> dict[str, Any]:
    """Prove a backup: load it into a database of its own, count, compare, and drop that again.

    Raises:
        BackupError: it can't be loaded, or its counts are not those of the moment it was taken.
    """
    with opened(given, password=password) as found:
        name = f"warta_drill_{secrets.token_hex(4)}"
        say(f"Loading it into the database {name} beside.")
        _make(name)
        try:
            _load(found, name=name)
            wrong = _differences(found, name)
        finally:
            _drop(name)
        if wrong:
            raise BackupError("The backup is not what was taken: " + "; ".join(wrong))
        rows = found.manifest["rows"]
        say(f"Proven: {sum(rows.values()):,} rows in {len(rows)} tables are as when it was taken.")
        return {"rows": sum(rows.values()), "tables": len(rows)} | {
            "taken_at": found.manifest["taken_at"]
        }


def load(found: OpenedBackup, *, say: Say) -> list[str]:
    """Load a backup into the database of the settings, with its files; returns what is left to do.

    The database's own tables are replaced in one transaction: it is whole, or as it was.

    Raises:
        BackupError: it can't be loaded; the database is as it was.
    """
    say(f"Loading the database of {found.manifest['taken_at']}.")
    _load(found)
    connection.close()
    to_do = _bring_media(found, say=say)
    return to_do + _bring_keys(found, say=say)


def _plain(path: Path, folder: Path, password: str) -> Path:
    with path.open("rb") as source:
        if not sealed.is_sealed(source):
            return path
        if not password:
            raise BackupError("It is encrypted: set BACKUP_PASSWORD, or BACKUP_PASSWORD_FILE.")
        target = folder / "plain.tar"
        try:
            with target.open("wb") as file:
                sealed.unseal(source, file, password)
        except sealed.SealError as error:
            raise BackupError(str(error)) from error
    return target


def _refuse_newer(manifest: dict[str, Any]) -> None:
    if manifest.get("format") != taking.FORMAT:
        raise BackupError("A newer Warta made this backup. Restore it with that version.")
    disk = MigrationLoader(None, ignore_no_migrations=True).disk_migrations or {}
    ours = {f"{app}.{name}" for app, name in disk}
    apps = {name.partition(".")[0] for name in ours}
    unknown = [
        name
        for name in manifest["migrations"]
        if name not in ours and name.partition(".")[0] in apps
    ]
    if unknown:
        raise BackupError(
            f"A newer Warta made this backup (this one does not know {unknown[0]}). "
            "Restore it with that version."
        )


def _load(found: OpenedBackup, *, name: str = "") -> None:
    """Write the dump as SQL and run that in one transaction, so that any server's age is met."""
    programs = clients.find(max(int(found.manifest["postgresql"]), clients.server_major()))
    env = clients.where(connection.settings_dict, name=name)
    restore: list[str | Path] = [programs / "pg_restore", "--clean", "--if-exists"]
    restore += ["--no-owner", "--no-privileges"]
    psql: list[str | Path] = [programs / "psql", "--no-psqlrc", "--quiet", "--single-transaction"]
    psql += ["--set=ON_ERROR_STOP=1", "--output=/dev/null"]
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(  # noqa: S603 - PostgreSQL's own
            [*restore, "--file=-", found.dump], stdout=subprocess.PIPE, stderr=errors, env=env
        ) as writer,
        subprocess.Popen(  # noqa: S603
            psql, stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=env
        ) as reader,
    ):
        assert writer.stdout is not None  # noqa: S101 - for the type checker
        assert reader.stdin is not None  # noqa: S101
        try:
            reader.stdin.write(_EMPTY)
            for number, line in enumerate(writer.stdout):
                # Only in the head: further on a line like it would be somebody's data.
                if number > _HEAD or not line.startswith(_NEWER_SETTINGS):
                    reader.stdin.write(line)
        except BrokenPipeError:
            writer.kill()
        if writer.wait() > 0:
            # What came so far must not be committed as if it were all.
            reader.kill()
            errors.seek(0)
            raise BackupError(f"pg_restore failed: {clients.last_words(errors.read())}")
        _out, words = reader.communicate()
        if reader.returncode:
            raise BackupError(f"The database does not take it: {clients.last_words(words)}")


def _make(name: str) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
    except DatabaseError as error:
        raise BackupError(
            "No database can be made beside to prove it: let the role create databases "
            f"(ALTER ROLE … CREATEDB). {str(error).strip()}"
        ) from error


def _drop(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _differences(found: OpenedBackup, name: str) -> list[str]:
    beside = connection.copy()
    beside.settings_dict = {**connection.settings_dict, "NAME": name}
    try:
        with beside.cursor() as cursor:
            counts = taking.count_rows(cursor)
    finally:
        beside.close()
    wanted = found.manifest["rows"]
    return [
        f"{table} has {counts.get(table, 0):,} rows instead of {wanted.get(table, 0):,}"
        for table in sorted({*wanted, *counts})
        if counts.get(table) != wanted.get(table)
    ]


def _bring_media(found: OpenedBackup, *, say: Say) -> list[str]:
    media, source = Path(settings.MEDIA_ROOT), found.folder / MEDIA
    if not source.is_dir():
        return []
    say(f"Bringing {found.manifest['files']:,} uploaded files.")
    if media.exists() and any(media.iterdir()):
        aside = media.with_name(f"{media.name}-before-{datetime.now(tz=UTC):%Y%m%d-%H%M%S}")
        media.rename(aside)
        say(f"The files that were here are in {aside} now.")
    shutil.copytree(source, media, dirs_exist_ok=True)
    return []


def _bring_keys(found: OpenedBackup, *, say: Say) -> list[str]:
    """Bring the key by which links and passwords are read; say what a person has to do."""
    keys = json.loads((found.folder / KEYS).read_text(encoding="utf-8"))
    known = {settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS}
    missing = [key for key in (keys["secret_key"], *keys["fallbacks"]) if key not in known]
    if not missing:
        return []
    path = Path(settings.DATA_DIR) / "secret_key"
    kept = path.read_text(encoding="ascii").strip() if path.exists() else ""
    if kept == settings.SECRET_KEY:  # made here, not given
        path.rename(path.with_name(f"secret_key-before-{datetime.now(tz=UTC):%Y%m%d-%H%M%S}"))
        path.touch(mode=0o600)
        path.write_text(keys["secret_key"], encoding="ascii")
        say("The backup's SECRET_KEY is in DATA_DIR/secret_key now.")
        missing = [key for key in keys["fallbacks"] if key not in known]
    if not missing:
        return []
    aside = Path(settings.DATA_DIR) / "secret_key.of-backup"
    aside.touch(mode=0o600)
    aside.write_text("\n".join(missing), encoding="ascii")
    words = (
        f"The backup was made with another SECRET_KEY. Add what is in {aside} to "
        "SECRET_KEY_FALLBACKS, else links in mail that was sent, and kept passwords, do not work."
    )
    return [words]
