"""The steps of an import: file, columns, consent, check, import. Each says whether it happened."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User, Workspace
from subscribers.imports import files, layout, mapping, spreadsheet
from subscribers.imports.files import FileRefused
from subscribers.imports.mapping import Target
from subscribers.imports.reader import BrokenRow, Rows
from subscribers.models import ConsentStatement, Import, MailingList
from subscribers.states import ImportStatus

SAMPLES = 100  # rows that suggestions look at
SAMPLES_KEPT = 5
LONGEST_SAMPLE = 120
OPEN = (ImportStatus.UPLOADED, ImportStatus.CHECKING, ImportStatus.CHECKED, ImportStatus.FAILED)


def take_file(  # noqa: PLR0913 - a file's own facts
    workspace: Workspace,
    *,
    path: Path,
    size: int,
    filename: str,
    actor: User | None = None,
    guess_types: bool = True,
    mailing_list: MailingList | None = None,
) -> Import:
    """Make an import of a stored file: find out how it is written and suggest what goes where.

    ``mailing_list`` is suggested too; the consent step asks for it.

    Raises:
        FileRefused: there is no row in it, or it can't be read at all; the file is gone then.
    """
    try:
        with path.open("rb") as file:
            start = file.read(4)
        if spreadsheet.is_workbook(start):
            converted = spreadsheet.to_csv(path)
            path.unlink()
            path = converted
        found = layout.detect(path)
        columns, samples, has_header = _look(path, found)
    except Exception:
        path.unlink(missing_ok=True)
        raise
    targets = mapping.suggest(
        workspace,
        columns=columns if has_header else [""] * len(columns),
        samples=samples,
        guess_types=guess_types,
    )
    return Import.objects.create(
        workspace=workspace,
        created_by=actor,
        mailing_list=mailing_list,
        filename=files.display_name(filename),
        path=str(path),
        size=size,
        encoding=found.encoding,
        delimiter=found.delimiter,
        has_header=has_header,
        columns=columns,
        samples=[[cell[:LONGEST_SAMPLE] for cell in row] for row in samples[:SAMPLES_KEPT]],
        mapping=mapping.dump(targets),
    )


def set_mapping(record: Import, *, targets: Sequence[Target]) -> bool:
    """Say what goes where; False when the import has begun to run.

    Raises:
        mapping.MappingRefused: this can't be; says what to do.
    """
    mapping.check(targets)
    return _change(record, OPEN, mapping=mapping.dump(targets), status=ImportStatus.UPLOADED)


def set_consent(
    record: Import,
    *,
    mailing_list: MailingList,
    status: str,
    statement: ConsentStatement | None,
    fill_empty_only: bool,
) -> bool:
    """Say where people go and what they agreed to; False when the import has begun to run."""
    return _change(
        record,
        OPEN,
        mailing_list=mailing_list,
        subscription_status=status,
        statement=statement,
        fill_empty_only=fill_empty_only,
        status=ImportStatus.UPLOADED,
    )


def correct_domain(record: Import, *, mistyped: str, right: str) -> bool:
    """Read a mistyped domain as what it means, in this import; it must be checked again."""
    corrections = {**record.corrections, mistyped: right}
    return _change(record, OPEN, corrections=corrections, status=ImportStatus.UPLOADED)


def start_check(record: Import) -> bool:
    """Make an import due for checking; the caller enqueues the task."""
    return _change(record, OPEN, status=ImportStatus.CHECKING, failure="", **_zero())


def start_run(record: Import) -> bool:
    """Make a checked import (or a failed one, to go on) due; the caller enqueues the task.

    New fields are created here, once: the mapping then names them, also for a second run.
    """
    targets = mapping.create_fields(record.workspace, mapping.load(record.mapping))
    fresh = record.started_at is None
    values: dict[str, Any] = _zero() if fresh else {}
    return _change(
        record,
        (ImportStatus.UPLOADED, ImportStatus.CHECKED, ImportStatus.FAILED),
        status=ImportStatus.RUNNING,
        mapping=mapping.dump(targets),
        started_at=record.started_at or timezone.now(),
        failure="",
        **values,
    )


def cancel(record: Import) -> bool:
    """Stop a running import after the batch at hand; what is in stays in and can be undone."""
    return _change(
        record,
        (ImportStatus.RUNNING,),
        status=ImportStatus.CANCELLED,
        finished_at=timezone.now(),
    )


def discard(record: Import) -> bool:
    """Delete an import that has written nothing, with its file."""
    deleted, _rows = Import.objects.filter(
        pk=record.pk, status__in=OPEN, started_at__isnull=True
    ).delete()
    if deleted:
        files.discard(record.path, record.errors_path)
    return bool(deleted)


def fail(import_id: int, *, reason: str) -> bool:
    """Note that a check or a run broke; it can be started again."""
    return bool(
        Import.objects.filter(
            pk=import_id, status__in=[ImportStatus.CHECKING, ImportStatus.RUNNING]
        ).update(status=ImportStatus.FAILED, failure=reason[:500])
    )


def forget_old_files() -> int:
    """Delete the files of imports whose time is up; returns how many. The figures stay."""
    due = Import.objects.filter(created_at__lt=timezone.now() - files.KEPT_FOR).exclude(
        path="", errors_path=""
    )
    count = 0
    for record in due.only("id", "path", "errors_path").iterator():
        files.discard(record.path, record.errors_path)
        Import.objects.filter(pk=record.pk).update(path="", errors_path="", samples=[], problems=[])
        record.changes.all().delete()
        count += 1
    return count


def _look(path: Path, found: layout.Layout) -> tuple[list[str], list[list[str]], bool]:
    rows: list[list[str]] = []
    for row in Rows(path, found):
        if isinstance(row, BrokenRow):
            continue
        rows.append([cell.replace("\0", "") for cell in row[1]])
        if len(rows) > SAMPLES:
            break
    if not rows:
        raise FileRefused(_("There is no row that can be read in this file."))
    width = len(rows[0])
    if width > settings.IMPORT_MAX_COLUMNS:
        raise FileRefused(_("The first row has more columns than anybody needs. Check the file."))
    if found.has_header:
        columns = [cell.strip()[:LONGEST_SAMPLE] for cell in rows[0]]
        return columns, rows[1:], True
    columns = [_("Column %(number)s") % {"number": number + 1} for number in range(width)]
    return columns, rows, False


def _change(record: Import, allowed: Sequence[str], **values: Any) -> bool:
    changed = Import.objects.filter(pk=record.pk, status__in=allowed).update(**values)
    if changed:
        record.refresh_from_db()
    return bool(changed)


def _zero() -> dict[str, Any]:
    return {
        "rows_done": 0,
        "created": 0,
        "updated": 0,
        "unchanged": 0,
        "invalid": 0,
        "suppressed": 0,
        "duplicates": 0,
        "problems": [],
        "flagged": {},
    }
