"""Where uploaded files lie: DATA_DIR/imports, under random names, until their time is up."""

import os
import re
import secrets
import time
from collections.abc import Collection, Iterable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.background import set_aside
from subscribers.models import Import, ImportChange
from subscribers.states import ImportStatus, MigrationSource

KEPT_FOR = timedelta(days=30)
ORPHANED_AFTER = timedelta(days=1)
OURS = re.compile(r"[0-9a-f]{32}(\.\w+)+")
LONGEST_NAME = 255
NOTHING_KEPT = Q(path="", errors_path="", files=[])


class FileRefused(ValueError):  # noqa: N818 - what people read is a refusal
    """The file can't be taken; the message says why and what to do."""


class BelongsElsewhere(FileRefused):
    """Only a migration reads this file rightly: ``source`` says which."""

    def __init__(self, source: MigrationSource) -> None:
        """Say why, and what to do."""
        self.source = source
        text = {
            MigrationSource.MAILCHIMP: _(
                "This is a Mailchimp audience export. Which of its "
                "files somebody is in says whether they unsubscribed "
                "or bounced, so migrate it as a whole."
            ),
            MigrationSource.SUPPRESSIONS: _(
                "The name of this file says that these people left or can't be reached, and "
                "nothing in it says otherwise. If the name is wrong, rename the file."
            ),
            MigrationSource.MAUTIC: _(
                "This is a Mautic contact export. It does not say who "
                "must not be contacted. Migrate it together with the "
                "“Do not contact” list."
            ),
        }[source]
        super().__init__(text)


def folder() -> Path:
    """Return the folder, made on first use and open to nobody else."""
    path = Path(settings.DATA_DIR) / "imports"
    if not path.exists():
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        _give_to_owner(path)
    return path


def new_path(suffix: str) -> Path:
    """Make an unguessable place for a file; what the browser calls it never touches the disk."""
    return folder() / f"{secrets.token_hex(16)}{suffix}"


def store(chunks: Iterable[bytes], *, suffix: str = ".csv") -> tuple[Path, int]:
    """Keep an upload; returns its place and its size in bytes.

    Raises:
        FileRefused: it is empty or larger than IMPORT_MAX_BYTES.
    """
    path = new_path(suffix)
    size = 0
    limit = settings.IMPORT_MAX_BYTES
    try:
        with path.open("xb") as file:
            for chunk in chunks:
                size += len(chunk)
                if size > limit:
                    break
                file.write(chunk)
    except BaseException:  # a full disk, a damaged archive, a visitor who hung up
        path.unlink(missing_ok=True)
        raise
    if 0 < size <= limit:
        _give_to_owner(path)
        return path, size
    path.unlink()
    if not size:
        raise FileRefused(_("The file is empty."))
    raise FileRefused(
        _("The file is larger than %(limit)s MB. Split it into parts.")
        % {"limit": limit // 1_000_000}
    )


def _give_to_owner(path: Path) -> None:
    """Let the workers read what a command of root has stored: they are not root."""
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def discard(*paths: str) -> None:
    """Delete stored files; only ones in our own folder, and it is fine if they are gone."""
    for given in paths:
        if given and Path(given).parent == folder():
            with suppress(FileNotFoundError):
                Path(given).unlink()


def forget_orphans(known: Collection[str]) -> int:
    """Delete files that no import and no move names; returns how many.

    ``known`` are the places of all that one names. Who was cut off in the middle of an upload left
    them; what is young may still be on its way into the database.
    """
    count = 0
    youngest = time.time() - ORPHANED_AFTER.total_seconds()
    for path in folder().iterdir():
        if OURS.fullmatch(path.name) and str(path) not in known:
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < youngest:
                    path.unlink()
                    count += 1
    return count


def display_name(name: str) -> str:
    """Return an uploaded file's own name, fit to be shown and to be offered for download."""
    plain = re.sub(r"[\x00-\x1f\x7f\"\\/]+", " ", name).strip()
    return plain[-LONGEST_NAME:] or "file.csv"


def forget_old() -> int:
    """Delete the files of imports whose time is up; returns how many. The figures stay."""
    began = Coalesce("finished_at", "started_at", "created_at")
    due = (
        Import.objects.annotate(began=began)
        .filter(began__lt=timezone.now() - KEPT_FOR)
        .exclude(status=ImportStatus.UNDOING)
        # What an import changed is kept as long; a database that was read left no file.
        .filter(~NOTHING_KEPT | Exists(ImportChange.objects.filter(from_import=OuterRef("pk"))))
    )
    old = due.only("id", "path", "errors_path", "files").iterator()
    return set_aside.each("old files", old, _forget_file, name=lambda one: f"import {one.pk}")


def _forget_file(record: Import) -> None:
    discard(*record.paths)
    Import.objects.filter(pk=record.pk).update(
        path="", errors_path="", files=[], samples=[], problems=[], value_counts={}
    )
    record.changes.all().delete()


def known_paths() -> set[str]:
    """Return the places of all files that imports name."""
    rows = Import.objects.exclude(NOTHING_KEPT).only("path", "errors_path", "files")
    return {path for record in rows.iterator() for path in record.paths}
