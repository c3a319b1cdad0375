"""The steps of an import: file, columns, consent, check, import. Each says whether it happened."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User, Workspace
from subscribers.imports import (
    batches,
    error_file,
    files,
    layout,
    mapping,
    questions,
    sources,
    spreadsheet,
)
from subscribers.imports.files import BelongsElsewhere, FileRefused
from subscribers.imports.mapping import ColumnTarget
from subscribers.imports.reader import BrokenRow, Rows
from subscribers.models import ConsentStatement, CustomField, Import, MailingList, SignupForm
from subscribers.states import ExistingPeople, ImportStatus, MigrationSource, SubscriptionStatus

SAMPLES = 100  # rows that suggestions look at
SAMPLES_KEPT = 5
LONGEST_SAMPLE = 120
# What a file of rows to correct keeps of the import it came from.
INHERITED = (
    "mailing_list", "new_list", "list_visibility", "subscription_status", "statement", "tags",
    "existing", "bring_back", "bring_back_reason", "asks_with", "corrections",
)  # fmt: skip
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
    source: str = "",
    encoding: str = "",
) -> Import:
    """Make an import of a stored file: find out how it is written and suggest what goes where.

    ``mailing_list`` is suggested too; the consent step asks for it. A file of rows to correct is
    read like the import it came from, with that import's list, consent and tags. ``source`` is the
    key of one of `sources.SOURCES`; empty, it is told by the columns. ``encoding``: what the file
    is written in, if that is known.

    Raises:
        FileRefused: there is no row in it, or it can't be read at all; the file is gone then.
            `BelongsElsewhere`: only a migration can tell who has left.
    """
    try:
        with path.open("rb") as file:
            start = file.read(4)
        if spreadsheet.is_workbook(start):
            converted = spreadsheet.to_csv(path)
            path.unlink()
            path, encoding = converted, ""
        found = layout.detect(path, encoding=encoding)
        values = _read(
            workspace, path, found, filename=filename, guess_types=guess_types, source=source
        )
        original: Import | None = values["corrects"]
        inherited = {name: getattr(original, name) for name in INHERITED} if original else {}
        record = Import.objects.create(
            **{"workspace": workspace, "mailing_list": mailing_list, **inherited},
            created_by=actor,
            filename=files.display_name(filename),
            path=str(path),
            size=path.stat().st_size if path.exists() else size,
            **values,
        )
    except Exception:
        path.unlink(missing_ok=True)
        raise
    if original:
        record.more_lists.set(original.more_lists.all())
    return record


def _read(  # noqa: PLR0913 - a file's own facts
    workspace: Workspace,
    path: Path,
    found: layout.Layout,
    *,
    filename: str,
    guess_types: bool,
    source: str = "",
) -> dict[str, Any]:
    columns, samples, has_header = _look(path, found)
    names = columns if has_header else [""] * len(columns)
    if elsewhere := sources.migration(names):
        raise BelongsElsewhere(elsewhere)
    original = error_file.original(workspace, columns=names, samples=samples)
    tool = sources.BY_KEY.get(source or (original.source if original else ""))
    tool = tool or sources.detect(names)
    understood = questions.understand(
        workspace, path=path, layout=found, columns=names, samples=samples, source=tool
    )
    targets = error_file.targets_before(original, columns=names) if original else None
    targets = targets or mapping.suggest(
        workspace,
        columns=names,
        samples=samples,
        guess_types=guess_types,
        sure=understood.sure,
    )
    says_status = any(target.to == mapping.STATUS for target in targets)
    if sources.is_of_people_who_left(filename) and not says_status:
        raise BelongsElsewhere(MigrationSource.SUPPRESSIONS)
    return {
        "corrects": original,
        "encoding": found.encoding,
        "encoding_is_certain": found.is_certain,
        "delimiter": found.delimiter,
        "has_header": has_header,
        "columns": columns,
        "samples": [[cell[:LONGEST_SAMPLE] for cell in row] for row in samples[:SAMPLES_KEPT]],
        "mapping": mapping.dump(targets),
        "source": tool.key if tool else "",
        # An earlier import may have taken further columns for the status.
        "value_counts": questions.counted(
            path,
            found,
            targets=targets,
            known={str(index): counts for index, counts in understood.counts.items()},
        ),
    }


def set_mapping(record: Import, *, targets: Sequence[ColumnTarget]) -> bool:
    """Say what goes where; False when the import has begun to run.

    Raises:
        mapping.MappingRefused: this can't be; says what to do. A `questions.QuestionOpen` leaves
            the mapping as it is given here, so that the question can be asked.
    """
    mapping.check(targets)
    changed = _change(
        record,
        OPEN,
        mapping=mapping.dump(targets),
        value_counts=questions.count_missing(record, targets),
        status=ImportStatus.UPLOADED,
    )
    if changed:
        questions.check(record, targets)
    return changed


@dataclass(frozen=True, kw_only=True)
class Consent:
    """Where people go, what they agreed to, and what becomes of those we know.

    ``lists`` and ``new_list`` are for everybody in the file; both may be empty if a column names
    lists; ``list_visibility`` is that of every list made on the way. ``bring_back``: the reason why
    people who unsubscribed are subscribed again, "" if they are not. ``asks_with``: the form whose
    mail asks the unconfirmed to confirm.
    """

    lists: Sequence[MailingList] = ()
    new_list: str = ""
    list_visibility: str = MailingList.Visibility.PRIVATE
    status: str = SubscriptionStatus.SUBSCRIBED
    statement: ConsentStatement | None = None
    existing: str = ExistingPeople.OVERWRITE
    tags: Sequence[str] = ()
    bring_back: str = ""
    asks_with: SignupForm | None = None


def chosen_consent(record: Import) -> Consent:
    """Return what was chosen, or inherited, so far."""
    lists = [record.mailing_list] if record.mailing_list else []
    return Consent(
        lists=[*lists, *record.more_lists.all()],
        new_list=record.new_list,
        list_visibility=record.list_visibility,
        status=record.subscription_status,
        statement=record.statement,
        existing=record.existing,
        tags=record.tags,
        bring_back=record.bring_back_reason if record.bring_back else "",
        asks_with=record.asks_with,
    )


def set_consent(record: Import, chosen: Consent) -> bool:
    """Take the choices of the consent step; False when the import has begun to run."""
    changed = _change(
        record,
        OPEN,
        mailing_list=chosen.lists[0] if chosen.lists else None,
        new_list=chosen.new_list,
        list_visibility=chosen.list_visibility,
        subscription_status=chosen.status,
        statement=chosen.statement,
        existing=chosen.existing,
        tags=list(chosen.tags),
        bring_back=bool(chosen.bring_back),
        bring_back_reason=chosen.bring_back,
        asks_with=chosen.asks_with if chosen.status == SubscriptionStatus.UNCONFIRMED else None,
        status=ImportStatus.UPLOADED,
    )
    if changed:
        record.more_lists.set(chosen.lists[1:])
    return changed


def correct_domain(record: Import, *, mistyped: str, right: str) -> bool:
    """Read a mistyped domain as what it means, in this import; it must be checked again."""
    corrections = {**record.corrections, mistyped: right}
    return _change(record, OPEN, corrections=corrections, status=ImportStatus.UPLOADED)


def reread(
    record: Import, *, encoding: str, delimiter: str, has_header: bool, source: str = ""
) -> bool:
    """Read the file in another way than was found out; its columns are suggested anew.

    Raises:
        FileRefused: nothing can be read in this way; the import stays as it is.
    """
    found = layout.Layout(encoding=encoding, delimiter=delimiter, has_header=has_header)
    values = _read(
        record.workspace,
        Path(record.path),
        found,
        filename=record.filename,
        guess_types=True,
        source=source,
    )
    return _change(record, OPEN, status=ImportStatus.UPLOADED, **values)


def is_ready(record: Import) -> bool:
    """Say whether all was asked that a check needs: consent, a list for each row, all values."""
    is_complete = record.statement_id and is_for_a_list(record)
    return bool(is_complete) and not questions.is_open(record)


def is_for_a_list(record: Import) -> bool:
    """Say whether each row goes to a list: one for everybody, or those that a column names."""
    places = {target.to for target in mapping.load(record.mapping)}
    chosen = record.mailing_list_id or record.new_list or record.more_lists.exists()
    return bool(chosen or mapping.LISTS in places)


def start_check(record: Import) -> bool:
    """Make an import due for checking; the caller enqueues the task. False: a question is open."""
    if questions.is_open(record):
        return False
    return _change(record, OPEN, status=ImportStatus.CHECKING, failure="", **_zero())


def start_run(record: Import) -> bool:
    """Make a checked import (or a failed one, to go on) due; the caller enqueues the task.

    New fields are created here, once: the mapping then names them, also for a second run. Nothing
    runs while a question is open.
    """
    if record.started_at is None and questions.is_open(record):
        return False
    known = set(_field_keys(record))
    targets = mapping.create_fields(record.workspace, mapping.load(record.mapping))
    made = [key for key in _field_keys(record) if key not in known]
    values: dict[str, Any] = {}
    if record.started_at is None:
        values = {
            **_zero(),
            "flagged": {**record.flagged, "new_fields": made},
            "started_at": _own_moment(record),
            "progress": {"size": batches.ROWS_A_BATCH, "done": []},
        }
    return _change(
        record,
        (ImportStatus.UPLOADED, ImportStatus.CHECKED, ImportStatus.FAILED),
        status=ImportStatus.RUNNING,
        mapping=mapping.dump(targets),
        failure="",
        **values,
    )


def _field_keys(record: Import) -> list[str]:
    own = CustomField.objects.filter(workspace=record.workspace_id)
    return list(own.values_list("key", flat=True))


def _own_moment(record: Import) -> datetime:
    """Return a moment that no other import of the workspace has: rows are known by it."""
    moment = timezone.now()
    while Import.objects.filter(workspace=record.workspace_id, started_at=moment).exists():
        moment += timedelta(microseconds=1)
    return moment


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
        files.discard(*record.paths)
    return bool(deleted)


def fail(import_id: int, *, reason: str) -> bool:
    """Note that a check or a run broke; it can be started again."""
    return bool(
        Import.objects.filter(
            pk=import_id,
            status__in=[ImportStatus.CHECKING, ImportStatus.RUNNING],
        ).update(status=ImportStatus.FAILED, failure=reason[:500])
    )


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
        "kept_out": 0,
        "duplicates": 0,
        "problems": [],
        "flagged": {},
    }
