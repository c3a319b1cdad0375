"""Taking in what another tool handed out: files or a ZIP of them, kept until their time is up."""

import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import set_aside
from accounts.models import User, Workspace
from subscribers.imports import files, spreadsheet
from subscribers.imports.files import FileRefused
from subscribers.migrate_from import listmonk, mailchimp, mautic, suppressions, tables
from subscribers.migrate_from.arrivals import Noticed, Part
from subscribers.migrate_from.run import Opened
from subscribers.models import ConsentStatement, MailingList, Move
from subscribers.states import ImportStatus, MoveSource, SuppressionReason

BLOCK = 1024 * 1024
MOST_FILES = 20
# What reading a crafted or cut archive raises, besides what it was made for.
DAMAGED = (
    *(zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, lzma.LZMAError, struct.error),
    *(NotImplementedError, RuntimeError, EOFError, ValueError, OverflowError),
)
OPEN = (ImportStatus.UPLOADED, ImportStatus.CHECKING, ImportStatus.CHECKED, ImportStatus.FAILED)
READERS: dict[str, Callable[..., list[Part]]] = {
    MoveSource.MAILCHIMP: mailchimp.parts,
    MoveSource.LISTMONK: listmonk.parts,
    MoveSource.MAUTIC: mautic.parts,
}


def store(uploads: Iterable[tuple[str, BinaryIO]]) -> list[dict[str, str]]:
    """Keep uploaded files, the CSV files of a ZIP one by one; what else a ZIP holds is left out.

    Raises:
        FileRefused: there is nothing to read, or it is too large; nothing is kept then.
    """
    stored: list[dict[str, str]] = []
    try:
        for name, file in uploads:
            start = file.read(4)
            file.seek(0)
            if start.startswith(b"PK") and not name.lower().endswith(".xlsx"):
                _unpack(file, stored)
            else:
                _keep(name, file, stored)
    except Exception:
        files.discard(*(one["path"] for one in stored))
        raise
    if not stored:
        raise FileRefused(_("There is no CSV file in the export."))
    return stored


def _unpack(file: BinaryIO, stored: list[dict[str, str]]) -> None:
    try:
        with zipfile.ZipFile(file) as archive:
            members = [one for one in archive.infolist() if one.filename.lower().endswith(".csv")]
            for member in members[: MOST_FILES - len(stored)]:
                with archive.open(member) as inside:
                    _keep(member.filename, inside, stored)
    except FileRefused:
        raise
    except DAMAGED as error:
        raise FileRefused(_("The ZIP file is damaged or has a password.")) from error


def _keep(name: str, file: Any, stored: list[dict[str, str]]) -> None:
    if len(stored) == MOST_FILES:
        raise FileRefused(_("These are more files than an export has."))
    path, _size = files.store(iter(lambda: file.read(BLOCK), b""))
    with path.open("rb") as kept:
        is_workbook = spreadsheet.is_workbook(kept.read(4))
    if is_workbook:
        try:
            converted = spreadsheet.to_csv(path)
        finally:
            path.unlink()
        path = converted
    # A member's name is only shown; it never becomes a path.
    stored.append({"name": files.display_name(name.rpartition("/")[2]), "path": str(path)})
    if sum(Path(one["path"]).stat().st_size for one in stored) > settings.IMPORT_MAX_BYTES:
        raise FileRefused(
            _("Together the files are larger than %(limit)s MB.")
            % {"limit": settings.IMPORT_MAX_BYTES // 1_000_000}
        )


def take(  # noqa: PLR0913 - a move's own facts
    workspace: Workspace,
    *,
    source: MoveSource,
    stored: Sequence[dict[str, str]],
    mailing_list: MailingList | None,
    statement: ConsentStatement | None = None,
    reason: SuppressionReason = SuppressionReason.IMPORTED,
    actor: User | None = None,
) -> Move:
    """Make a move of stored files.

    Raises:
        SourceRefused: they are not what they are said to be; they are gone then.
    """
    record = Move(
        workspace=workspace,
        created_by=actor,
        source=source,
        files=list(stored),
        mailing_list=mailing_list,
        statement=statement,
        reason=reason,
    )
    try:
        open_files(record, quick=True)
        record.save()
    except Exception:
        files.discard(*(one["path"] for one in stored))
        raise
    return record


def open_files(record: Move, *, quick: bool = False) -> Opened:
    """Make the parts of a move of files; ``quick`` only finds out whether they can be read.

    Raises:
        SourceRefused: they can't be.
    """
    noticed = Noticed()
    if record.source == MoveSource.SUPPRESSIONS:
        reason = SuppressionReason(record.reason)
        parts = [
            suppressions.part(
                Path(one["path"]),
                name=one["name"],
                reason=reason,
                workspace=record.workspace,
                noticed=noticed,
            )
            for one in record.files
        ]
        return Opened(parts=parts, noticed=noticed)
    found = [
        tables.look(Path(one["path"]), name=one["name"], values=not quick) for one in record.files
    ]
    parts = READERS[record.source](
        record.workspace, found=found, list_id=record.mailing_list_id or 0, noticed=noticed
    )
    return Opened(parts=parts, noticed=noticed)


def opener(record: Move, dry_run: bool) -> Opened:  # noqa: FBT001, ARG001 - `run.Opener`
    """Open a move of files, as `run` wants it."""
    return open_files(record)


def start_check(record: Move) -> bool:
    """Make a move due for checking; the caller enqueues the task."""
    return _change(record, OPEN, status=ImportStatus.CHECKING, failure="", **_zero())


def start_run(record: Move) -> bool:
    """Make a move (or a failed one, to go on) due; the caller enqueues the task."""
    fresh = _zero() if record.started_at is None else {}
    return _change(
        record,
        (ImportStatus.UPLOADED, ImportStatus.CHECKED, ImportStatus.FAILED),
        status=ImportStatus.RUNNING,
        started_at=record.started_at or timezone.now(),
        failure="",
        **fresh,
    )


def cancel(record: Move) -> bool:
    """Stop a running move after the rows at hand; what is in stays in."""
    return _change(
        record, (ImportStatus.RUNNING,), status=ImportStatus.CANCELLED, finished_at=timezone.now()
    )


def discard(record: Move) -> bool:
    """Delete a move that has written nothing, with its files."""
    deleted, _rows = Move.objects.filter(
        pk=record.pk, status__in=OPEN, started_at__isnull=True
    ).delete()
    if deleted:
        _discard_files(record)
    return bool(deleted)


def fail(move_id: int, *, reason: str) -> bool:
    """Note that a check or a run broke; it can be started again."""
    busy = (ImportStatus.CHECKING, ImportStatus.RUNNING)
    return bool(
        Move.objects.filter(pk=move_id, status__in=busy).update(
            status=ImportStatus.FAILED, failure=reason[:500]
        )
    )


def forget_old_files() -> int:
    """Delete the files of moves whose time is up; returns how many. The figures stay."""
    due = Move.objects.filter(created_at__lt=timezone.now() - files.KEPT_FOR)
    old = due.exclude(files=[], report_path="").iterator()
    return set_aside.each("old files", old, _forget_file, name=lambda one: f"move {one.pk}")


def _forget_file(record: Move) -> None:
    _discard_files(record)
    findings = {**record.findings, "problems": []}
    Move.objects.filter(pk=record.pk).update(files=[], report_path="", findings=findings)


def known_paths() -> set[str]:
    """Return the places of all files that moves name."""
    rows = Move.objects.exclude(files=[], report_path="")
    found = {one.report_path for one in rows}
    return found | {file["path"] for one in rows for file in one.files}


def _discard_files(record: Move) -> None:
    files.discard(record.report_path, *(one["path"] for one in record.files))


def _change(record: Move, allowed: Sequence[str], **values: Any) -> bool:
    changed = Move.objects.filter(pk=record.pk, status__in=allowed).update(**values)
    if changed:
        record.refresh_from_db()
    return bool(changed)


def _zero() -> dict[str, Any]:
    counts = ("created", "updated", "unchanged", "kept_out", "suppressed", "invalid", "duplicates")
    return {**dict.fromkeys(counts, 0), "rows": 0, "position": 0, "findings": {}}
