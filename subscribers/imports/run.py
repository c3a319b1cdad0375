"""Checking and running an import from its file to its end, whatever interrupts it.

Each batch is one transaction together with the import's progress, so after a crash the file is read
again from its beginning and everything up to that progress is only looked at, not written. A lock
that the database drops with the connection keeps two workers off the same import.
"""

import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone, translation

from subscribers.imports import batches, files, mapping
from subscribers.imports.batches import Batch
from subscribers.imports.errors import ErrorFile
from subscribers.imports.layout import Layout
from subscribers.imports.merge import Counts, Merger, Overtaken, refresh_statistics
from subscribers.imports.reader import Rows
from subscribers.imports.rows import RowMaker
from subscribers.models import Import
from subscribers.states import ImportStatus

LOCK_CLASS = 0x1417
TRIES = 5
TYPOS_KEPT = 20


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """A file being read."""

    maker: RowMaker
    errors: ErrorFile
    source: Generator[Batch, None, None]

    def findings(self) -> dict[str, Any]:
        """Return what the reading found, as columns of `Import`."""
        noticed = self.maker.noticed
        typos = sorted(noticed.typos.items(), key=lambda item: -item[1])[:TYPOS_KEPT]
        return {
            "invalid": self.errors.count,
            "problems": self.errors.first,
            "errors_path": str(self.errors.path) if self.errors.count else "",
            "flagged": {
                "typos": dict(typos),
                "roles": noticed.roles,
                "disposable": noticed.disposable,
            },
        }


class Stopped(Exception):  # noqa: N818 - an outcome, not an error
    """The import was cancelled or discarded while it ran."""


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
            except Stopped:
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
    merger = Merger(record, at=timezone.now())
    totals = Counts(created=0, updated=0, unchanged=0, suppressed=0)
    batch = None
    duplicates = 0
    refresh_statistics(only_if_stale=True)
    with transaction.atomic(), _reading(record) as reading:
        merger.open()
        for batch in reading.source:
            merger.stage(batch.lines)
            totals = _sum(totals, merger.decide(dry_run=True))
            _show_progress(record.pk, batch)
        duplicates = _refuse_duplicates(merger, reading.errors)
        totals = _sum(totals, merger.decide(leftovers=True, dry_run=True))
        merger.close()
    Import.objects.filter(pk=record.pk, status=ImportStatus.CHECKING).update(
        status=ImportStatus.CHECKED,
        rows=batch.rows if batch else 0,
        rows_done=0,
        created=totals.created,
        updated=totals.updated,
        unchanged=totals.unchanged,
        suppressed=totals.suppressed,
        duplicates=duplicates,
        **reading.findings(),
    )


def _show_progress(import_id: int, batch: Batch) -> None:
    # Inside the check's transaction nobody would see it: the cache shows how far the check is.
    from django.core.cache import cache

    cache.set(f"import-check:{import_id}", batch.rows, timeout=600)


def _run(record: Import) -> None:
    at = record.started_at or timezone.now()
    merger = Merger(record, at=at)
    refresh_statistics(only_if_stale=True)
    merger.open()
    try:
        with _reading(record) as reading:
            batch = None
            for number, batch in enumerate(reading.source, start=1):
                merger.stage(batch.lines)
                if batch.last_row > record.rows_done:
                    _merge(record.pk, merger, batch, leftovers=False)
                if number & (number - 1) == 0:  # after 1, 2, 4, 8 … batches
                    refresh_statistics(only_if_stale=number == 1)
            duplicates = _refuse_duplicates(merger, reading.errors)
            with transaction.atomic():
                if batch is not None:
                    _merge(record.pk, merger, batch, leftovers=True)
                Import.objects.filter(pk=record.pk, status=ImportStatus.RUNNING).update(
                    status=ImportStatus.DONE,
                    duplicates=duplicates,
                    finished_at=timezone.now(),
                    **reading.findings(),
                )
    finally:
        if connection.is_usable():
            merger.close()


def _merge(import_id: int, merger: Merger, batch: Batch, *, leftovers: bool) -> None:
    for _attempt in range(TRIES):
        try:
            with transaction.atomic():
                counts = merger.decide(leftovers=leftovers)
                merger.write(counts)
                _advance(import_id, batch, counts)
        except Overtaken:
            continue
        return
    raise Overtaken


def _advance(import_id: int, batch: Batch, counts: Counts) -> None:
    """Note progress in the batch's own transaction; a cancelled import takes the batch back."""
    running = Import.objects.filter(pk=import_id, status=ImportStatus.RUNNING).update(
        rows=batch.rows,
        rows_done=batch.last_row,
        invalid=batch.invalid,
        created=F("created") + counts.created,
        updated=F("updated") + counts.updated,
        unchanged=F("unchanged") + counts.unchanged,
        suppressed=F("suppressed") + counts.suppressed,
    )
    if not running:
        raise Stopped


def _refuse_duplicates(merger: Merger, errors: ErrorFile) -> int:
    duplicates = merger.take_duplicates()
    for duplicate in duplicates:
        errors.refuse_duplicate(
            duplicate.row,
            first=duplicate.first,
            email=duplicate.email,
            cells=json.loads(duplicate.raw),
        )
    return len(duplicates)


@contextmanager
def _reading(record: Import) -> Iterator[_Reading]:
    layout = Layout(
        encoding=record.encoding, delimiter=record.delimiter, has_header=record.has_header
    )
    maker = RowMaker(
        record.workspace, targets=mapping.load(record.mapping), corrections=record.corrections
    )
    rows = Rows(Path(record.path), layout, width=len(record.columns))
    path = Path(record.errors_path) if record.errors_path else files.new_path(".errors.csv")
    with ErrorFile(path, columns=record.columns) as errors:
        source = batches.read(rows, maker=maker, errors=errors, has_header=record.has_header)
        try:
            yield _Reading(maker=maker, errors=errors, source=source)
        finally:
            source.close()


def _sum(one: Counts, other: Counts) -> Counts:
    return Counts(
        created=one.created + other.created,
        updated=one.updated + other.updated,
        unchanged=one.unchanged + other.unchanged,
        suppressed=one.suppressed + other.suppressed,
    )
