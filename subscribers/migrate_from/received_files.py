"""Taking in what another tool handed out: files or a ZIP of them, kept until their time is up."""

import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.models import User, Workspace
from subscribers.imports import files, spreadsheet
from subscribers.imports.files import FileRefused
from subscribers.migrate_from import listmonk, mailchimp, mautic, suppressions, tables
from subscribers.migrate_from.arrivals import ExportPart, NotBroughtOver
from subscribers.migrate_from.run import OpenedExport
from subscribers.models import ConsentStatement, MailingList, ToolMigration
from subscribers.states import ExistingPeople, MigrationSource, SuppressionReason

BLOCK = 1024 * 1024
MOST_FILES = 20
# What reading a crafted or cut archive raises, besides what it was made for.
DAMAGED = (
    *(zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, lzma.LZMAError, struct.error),
    *(NotImplementedError, RuntimeError, EOFError, ValueError, OverflowError),
)
READERS: dict[str, Callable[..., list[ExportPart]]] = {
    MigrationSource.MAILCHIMP: mailchimp.parts,
    MigrationSource.LISTMONK: listmonk.parts,
    MigrationSource.MAUTIC: mautic.parts,
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
    source: MigrationSource,
    stored: Sequence[dict[str, str]],
    mailing_list: MailingList | None,
    statement: ConsentStatement | None = None,
    existing: ExistingPeople = ExistingPeople.FILL,
    reason: SuppressionReason = SuppressionReason.IMPORTED,
    actor: User | None = None,
) -> ToolMigration:
    """Make a move of stored files.

    Raises:
        SourceRefused: they are not what they are said to be; they are gone then.
    """
    record = ToolMigration(
        workspace=workspace,
        created_by=actor,
        source=source,
        filename=str(MigrationSource(source).label),
        files=list(stored),
        size=sum(Path(one["path"]).stat().st_size for one in stored),
        existing=existing,
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


def open_files(record: ToolMigration, *, quick: bool = False) -> OpenedExport:
    """Make the parts of a move of files; ``quick`` only finds out whether they can be read.

    Raises:
        SourceRefused: they can't be.
    """
    noticed = NotBroughtOver()
    if record.source == MigrationSource.SUPPRESSIONS:
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
        return OpenedExport(parts=parts, noticed=noticed)
    found = [
        tables.look(Path(one["path"]), name=one["name"], values=not quick) for one in record.files
    ]
    parts = READERS[record.source](
        record.workspace, found=found, list_id=record.mailing_list_id or 0, noticed=noticed
    )
    return OpenedExport(parts=parts, noticed=noticed)


def opener(record: ToolMigration, dry_run: bool) -> OpenedExport:  # noqa: FBT001, ARG001 - `run.Opener`
    """Open a move of files, as `run` wants it."""
    return open_files(record)
