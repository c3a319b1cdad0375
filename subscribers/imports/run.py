"""Checking and running an import from its file to its end, whatever interrupts it.

Each batch is one transaction together with the import's progress, so after a crash the file is read
again from its beginning, and batches that are written are only looked at. A lock that the database
drops with the connection keeps two workers off the same import.
"""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.utils import timezone, translation

from subscribers.imports import apart, batches, files, mapping, names, progress, writers
from subscribers.imports.batches import Batch
from subscribers.imports.clashes import Clash, watched
from subscribers.imports.error_file import ErrorFile, is_ours
from subscribers.imports.layout import Layout
from subscribers.imports.memory import Memory
from subscribers.imports.merge import Counts, Merger
from subscribers.imports.reader import Rows
from subscribers.imports.rows import RowMaker
from subscribers.imports.statistics import refresh_statistics
from subscribers.models import Import
from subscribers.states import ImportStatus

LOCK_CLASS = 0x1417
TRIES = apart.TRIES
TYPOS_KEPT = 20
NAMES_KEPT = 50
LARGE = 2_000_000  # bytes; a smaller file is written by one connection


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """A file being read."""

    maker: RowMaker
    errors: ErrorFile
    source: Generator[Batch, None, None]
    again: Rows  # the file once more, row by row

    def findings(self) -> dict[str, Any]:
        """Return what the reading found, as columns of `Import`."""
        noticed = self.maker.noticed
        typos = sorted(noticed.typos.items(), key=lambda item: -item[1])[:TYPOS_KEPT]
        found: dict[str, Any] = {
            "typos": dict(typos),
            "roles": noticed.roles,
            "disposable": noticed.disposable,
        }
        if noticed.without:
            found["without"] = noticed.without
        if noticed.repaired:
            found |= {"repaired": noticed.repaired, "repairs": noticed.repairs}
        return {
            "invalid": self.errors.count,
            "problems": self.errors.first,
            "errors_path": str(self.errors.path) if self.errors.written else "",
            "flagged": found,
        }

    def names(self, what: str) -> list[str]:
        """Return the names that a column of "lists" or "tags" held."""
        if what not in self.maker.labels:
            return []
        return list(self.maker.labels[what][1].found.values())


@contextmanager
def sole_worker(import_id: int) -> Iterator[bool]:
    """Hold the import's lock, or yield False when another worker has it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK_CLASS, import_id])
        got = bool(cursor.fetchone()[0])
    try:
        yield got
    finally:
        if got and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK_CLASS, import_id])


def check(import_id: int) -> bool:
    """Do everything but write: fill in what the import would do. False: it was not due."""
    with sole_worker(import_id) as got:
        record = _load(import_id, ImportStatus.CHECKING) if got else None
        if record is None:
            return False
        with _speaking_for(record):
            _check(record)
    return True


def run(import_id: int) -> bool:
    """Write a file's people; goes on where an earlier run stopped. False: it was not due."""
    with sole_worker(import_id) as got:
        record = _load(import_id, ImportStatus.RUNNING) if got else None
        if record is None:
            return False
        with _speaking_for(record):
            try:
                _run(record)
            except progress.Stopped:
                return False
    return True


def _load(import_id: int, status: ImportStatus) -> Import | None:
    return (
        Import.objects.select_related("workspace", "created_by")
        .filter(pk=import_id, status=status)
        .first()
    )


@contextmanager
def _speaking_for(record: Import) -> Iterator[None]:
    member = record.created_by
    language = (member.language if member else "") or record.workspace.default_language
    with translation.override(language):
        yield


def _check(record: Import) -> None:
    make = names.pretender(record.workspace)
    merger = Merger(record, names=names.of(record, make=make), at=timezone.now())
    memory = Memory(merger)
    totals = Counts()
    clashes: list[Clash] = []
    refused = _refused(record)
    batch = None
    refresh_statistics(only_if_stale=True)
    with transaction.atomic(), _reading(record) as reading:
        merger.open()
        memory.open()
        for batch in reading.source:
            counts, found = apart.batch(refused, merger, make, batch.lines, dry_run=True)
            totals += counts
            clashes += found
            apart.keep(refused, memory, batch)
            _show_progress(record.pk, batch)
        memory.forget(list(refused.reasons))
        again = memory.take_duplicates()
        counts, found = apart.rest(refused, merger, make, dry_run=True)
        duplicates = apart.refuse_duplicates(again, reading.errors, refused)
        totals += counts
        reading.errors.refuse_clashes(clashes + found)
        _tell(record, reading, refused.reasons)
        merger.close()
    findings = reading.findings()
    findings["progress"] = {**record.progress, "standings": dict(totals.standings)}
    for what in ("list", "tag"):
        if new := _new_names(record, reading, what):
            findings["flagged"][f"new_{what}s"] = new
    Import.objects.filter(pk=record.pk, status=ImportStatus.CHECKING).update(
        status=ImportStatus.CHECKED,
        rows=batch.rows if batch else 0,
        rows_done=0,
        created=totals.created,
        updated=totals.updated,
        unchanged=totals.unchanged,
        suppressed=totals.suppressed,
        duplicates=duplicates,
        **findings,
    )


def _new_names(record: Import, reading: _Reading, what: str) -> list[str]:
    chosen = [record.new_list] if what == "list" else list(record.tags)
    wanted = [name for name in [*chosen, *reading.names(f"{what}s")] if name]
    return names.new_ones(record.workspace, what, wanted)[:NAMES_KEPT]


def _show_progress(import_id: int, batch: Batch) -> None:
    # Inside the check's transaction nobody would see it: the cache shows how far the check is.
    from django.core.cache import cache

    cache.set(f"import-check:{import_id}", batch.rows, timeout=600)


def _run(record: Import) -> None:
    at = record.started_at or timezone.now()
    make = names.writer(record.workspace, visibility=record.list_visibility)
    targets = names.of(record, make=make)

    def make_merger() -> Merger:
        return Merger(record, names=targets, at=at)

    merger = make_merger()
    memory = Memory(merger)
    written = set(record.progress.get("done", []))
    # Values that must be there only once are written one batch after the other.
    one_by_one = merger.watch.is_on or connection.in_atomic_block
    clashes: list[Clash] = []
    refused = _refused(record)
    refresh_statistics(only_if_stale=True)
    merger.open()
    memory.open()

    def write(by: Merger, batch: Batch) -> None:
        clashes.extend(_write(record, by, make, batch, refused))

    try:
        with _reading(record) as reading:
            batch = None
            with writers.running(
                write,
                make_merger=make_merger,
                here=merger,
                threads=writers.WRITERS if record.size > LARGE and not one_by_one else 0,
            ) as put:
                for batch in reading.source:
                    if not batch.last_row:
                        break  # the file has no row behind its header
                    apart.keep(refused, memory, batch)
                    if batch.last_row not in written:
                        put(batch)
                    elif merger.watch.is_on:
                        clashes += _look_again(merger, batch, refused)
            reading.errors.refuse_clashes(clashes)
            memory.forget(list(refused.reasons))
            again = memory.take_duplicates()
            with transaction.atomic():
                counts, found = apart.rest(refused, merger, make)
                duplicates = apart.refuse_duplicates(again, reading.errors, refused)
                progress.advance(record.pk, None, counts)
                reading.errors.refuse_clashes(found)
                _tell(record, reading, refused.reasons)
                _finish(record, reading, duplicates=duplicates)
    finally:
        if connection.is_usable():
            merger.close()


def _finish(record: Import, reading: _Reading, *, duplicates: int) -> None:
    """Close the import by what came of it, in the transaction of its last rows."""
    Import.objects.filter(pk=record.pk, status=ImportStatus.RUNNING).update(
        status=ImportStatus.DONE,
        duplicates=duplicates,
        finished_at=timezone.now(),
        asked_until=0 if record.asks_with_id else None,
        **_findings(record, reading),
    )


def _refused(record: Import) -> apart.RefusedRows:
    """Return the rows that earlier runs found the database to refuse."""
    return apart.RefusedRows(
        subject=f"import {record.pk}",
        passes=(progress.Stopped, progress.WrittenBefore),
        reasons={int(row): why for row, why in record.progress.get("refused", {}).items()},
    )


def _tell(record: Import, reading: _Reading, reasons: dict[int, str]) -> None:
    is_safe = record.has_header and is_ours(record.columns)
    apart.tell(reasons, reading.again, reading.errors, is_safe=is_safe)


def _findings(record: Import, reading: _Reading) -> dict[str, Any]:
    findings = reading.findings()
    made = {key: value for key, value in record.flagged.items() if key.startswith("new_")}
    findings["flagged"].update(made)  # by now they are new no more
    return findings


def _look_again(merger: Merger, batch: Batch, refused: apart.RefusedRows) -> list[Clash]:
    """Return what clashes in a batch that an earlier run wrote."""
    merger.stage(apart.leaving_out(batch.lines, refused.reasons))
    with transaction.atomic():
        merger.decide(dry_run=True)
    return merger.clashes


def _write(
    record: Import, merger: Merger, make: names.Make, batch: Batch, refused: apart.RefusedRows
) -> list[Clash]:
    """Write a batch, without its rows at fault; returns what clashes in it."""
    found = apart.RefusedRows(
        subject=refused.subject, passes=refused.passes, before=len(refused.reasons)
    )
    try:
        try:
            with transaction.atomic():
                merger.stage(batch.lines)
                merger.learn(make)
            apart.steadily(lambda: _merge(record.pk, merger, batch))
        except Exception as error:
            if found.is_nobodys_fault(error):
                raise
        else:
            return merger.clashes
        with transaction.atomic():
            counts, clashes = apart.batch(found, merger, make, batch.lines)
            progress.advance(record.pk, batch, counts, found.reasons)
    except progress.WrittenBefore:
        return merger.clashes
    refused.reasons.update(found.reasons)
    return clashes


def _merge(import_id: int, merger: Merger, batch: Batch) -> None:
    counts = merger.decide()
    merger.write(counts)
    progress.advance(import_id, batch, counts)


@contextmanager
def _reading(record: Import) -> Iterator[_Reading]:
    layout = Layout(
        encoding=record.encoding, delimiter=record.delimiter, has_header=record.has_header
    )
    targets = mapping.load(record.mapping)
    maker = RowMaker(
        record.workspace,
        targets=targets,
        corrections=record.corrections,
        needs_list=not (record.mailing_list_id or record.new_list or record.more_lists.exists()),
        keeps_cells=bool(watched(record.workspace, targets)),
    )
    least = 1 + max(i for i, one in enumerate(targets) if not mapping.can_be_absent(one))
    rows = Rows(Path(record.path), layout, width=len(record.columns), least=least, spares=True)
    path = Path(record.errors_path) if record.errors_path else files.new_path(".errors.csv")
    size = record.progress.get("size", batches.ROWS_A_BATCH)
    with ErrorFile(path, columns=record.columns, import_id=record.pk) as errors:
        source = batches.read(
            rows, maker=maker, errors=errors, has_header=record.has_header, size=size
        )
        try:
            yield _Reading(maker=maker, errors=errors, source=source, again=rows)
        finally:
            source.close()
