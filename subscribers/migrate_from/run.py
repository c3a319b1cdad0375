"""Checking and running a migration from its files to its end, whatever interrupts it.

It is an import whose rows are all gathered first (`imports.gathering`), so that an address that
stands in two files is decided once. Then batches of them are merged, each in one transaction
together with the import's progress: after a crash the files are gathered again, and batches that
are written are only looked at.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.core.cache import cache
from django.db import connection, transaction
from django.utils import timezone, translation

from subscribers.fields.problems import Problem
from subscribers.imports import apart, files, gathering, mapping, names, progress
from subscribers.imports.clashes import Clash
from subscribers.imports.gathering import Gathered, Range
from subscribers.imports.mapping import ColumnTarget
from subscribers.imports.merge import Counts, Merger
from subscribers.imports.names import Names
from subscribers.imports.progress import Stopped, WrittenBefore
from subscribers.imports.reader import BrokenRow
from subscribers.imports.rows import RowMaker, RowRefused, ValueFault
from subscribers.imports.run import sole_worker
from subscribers.imports.statistics import refresh_statistics
from subscribers.migrate_from import lines
from subscribers.migrate_from.arrivals import ExportPart, NotBroughtOver
from subscribers.migrate_from.report import PART, Report
from subscribers.models import CustomField, MailingList, ToolMigration
from subscribers.states import ImportStatus

ROWS_A_RANGE = 25_000
ROWS_A_COPY = 20_000
TAGS_LOOKED_AT = 2_000  # different ones, to say which are new
ROWS_A_LOOK = 10_000  # rows read between two looks at whether anybody still wants them


@dataclass(frozen=True, kw_only=True)
class OpenedExport:
    """What there is to read; ``new_lists`` are names by ids, below zero if nothing is written."""

    parts: Sequence[ExportPart]
    noticed: NotBroughtOver = field(default_factory=NotBroughtOver)
    new_lists: Mapping[int, str] = field(default_factory=dict)


Opener = Callable[[ToolMigration, bool], OpenedExport]


def check(migration_id: int, opener: Opener) -> bool:
    """Do everything but write: fill in what the move would do. False: it was not due."""
    return _guarded(migration_id, ImportStatus.CHECKING, opener)


def run(migration_id: int, opener: Opener) -> bool:
    """Merge; goes on where an earlier run stopped. False: it was not due, or was stopped."""
    return _guarded(migration_id, ImportStatus.RUNNING, opener)


def _guarded(migration_id: int, status: ImportStatus, opener: Opener) -> bool:
    with sole_worker(migration_id) as got:
        record = (
            ToolMigration.objects.select_related("workspace", "created_by", "mailing_list")
            .filter(pk=migration_id, status=status)
            .first()
        )
        if not got or record is None:
            return False
        language = record.created_by.language if record.created_by else ""
        with translation.override(language or record.workspace.default_language):
            try:
                _Work(record, opener(record, status == ImportStatus.CHECKING)).do()
            except Stopped:
                return False
    return True


class _Piece(NamedTuple):
    """What became of a range of rows, or of a part of it."""

    counts: Counts
    findings: gathering.BatchFindings
    clashes: list[Clash]


class _Work:
    """One check, or one run, of one move."""

    def __init__(self, record: ToolMigration, opened: OpenedExport) -> None:
        self._record = record
        self._opened = opened
        self._dry = record.status == ImportStatus.CHECKING
        self._make = (
            names.pretender(record.workspace)
            if self._dry
            else names.writer(record.workspace, visibility=MailingList.Visibility.PRIVATE)
        )
        self._merger = Merger(
            record,
            names=Names(fixed_lists=[], fixed_tags=[], columns=gathering.COLUMNS),
            at=record.started_at or timezone.now(),
        )
        self._gathered = Gathered()
        self._lines: list[str] = []
        self._fields: list[str] = []  # labels of those that are made
        self._keys: list[str] = []
        self._rows = 0
        self._totals = Counts()
        known = {} if self._dry else record.progress.get("refused", {})
        self._refused = apart.RefusedRows(
            subject=f"migration {record.pk}",
            passes=(Stopped, WrittenBefore),
            reasons={int(row): why for row, why in known.items()},
        )
        self._addresses: dict[int, str] = {}  # of rows that could not be gathered

    def do(self) -> None:
        """Gather everything, merge batch by batch, and say what came of it."""
        self._merger.open()
        self._gathered.open()
        try:
            self._do()
        finally:
            if connection.is_usable():
                self._merger.close()

    def _do(self) -> None:
        path = files.new_path(".report.csv")
        of_parts = [part.name for part in self._opened.parts]
        with Report(path, names=of_parts, lists=self._opened.new_lists) as report:
            for index, part in enumerate(self._opened.parts):
                self._gather(report, index, part)
            repeated = self._gathered.finish()
            for one in repeated:
                report.repeat(one)
            made = self._note_made()
            refresh_statistics(only_if_stale=True)
            for number, rows in enumerate(self._gathered.ranges(size=ROWS_A_RANGE), start=1):
                for piece in self._merge(rows):
                    report.decided(piece.findings, piece.clashes)
                if number & (number - 1) == 0 and not self._dry:
                    refresh_statistics(only_if_stale=number == 1)
            self._tell(report)
        told = report.findings(self._opened.noticed)
        self._finish(
            rows=self._rows,
            invalid=report.invalid,
            duplicates=len(repeated),
            flagged=told | made,
            problems=report.problems,
            errors_path=str(path) if report.written else "",
        )

    def _note_made(self) -> dict[str, list[str]]:
        """Say what the move makes, or would make; an undo asks, also of one that was cut off."""
        tags = self._gathered.tags(most=TAGS_LOOKED_AT)
        made = {
            "fields": self._fields,
            "new_fields": self._keys,
            "new_lists": list(self._opened.new_lists.values()),
            "new_tags": names.new_ones(self._record.workspace, "tag", tags),
        }
        if not self._dry:
            # What a check or an earlier run found new may be there by now.
            before = self._record.flagged
            made = {
                what: list(dict.fromkeys([*before.get(what, []), *made[what]])) for what in made
            }
            rows = ToolMigration.objects.filter(pk=self._record.pk, status=self._record.status)
            rows.update(flagged=before | made)
        return made

    def _gather(self, report: Report, index: int, part: ExportPart) -> None:
        targets = self._targets(part)
        self._merger.watch.also(targets)
        maker = RowMaker(self._record.workspace, targets=targets)
        # Of somebody who must not be written to nothing but the address counts, and can be wrong.
        addresses = RowMaker(self._record.workspace, targets=_addresses_only(targets))
        for arrival in part.rows():
            self._rows += 1
            if self._rows % ROWS_A_LOOK == 0:
                self._look()
            row = index * PART + arrival.number
            if isinstance(arrival, BrokenRow):
                report.refuse_broken(row, arrival)
                continue
            reader = addresses if arrival.reason else maker
            address = arrival.cells[maker.email_index]
            try:
                line = reader.line(row, arrival.cells)
            except RowRefused as refused:
                report.refuse(row, refused.faults, address)
                continue
            self._lines.append(lines.of(arrival, line))
            if reader.dropped:
                report.spare(row, reader.dropped, address)
            if len(self._lines) >= ROWS_A_COPY:
                self._flush()
        self._flush()

    def _flush(self) -> None:
        known = set(self._refused.reasons)
        self._refused.without(self._lines, self._gathered.take, row=lines.row_of)
        for line in self._lines if len(self._refused.reasons) > len(known) else ():
            self._addresses[lines.row_of(line)] = lines.address_of(line)
        self._lines.clear()

    def _tell(self, report: Report) -> None:
        """Name the rows that the database refused."""
        reasons = self._refused.reasons
        addresses = self._gathered.addresses(list(reasons)) | self._addresses
        for row, why in sorted(reasons.items()):
            problem = Problem("not_stored", reason=why)
            fault = ValueFault(field="", value="", problem=problem)
            report.refuse(row, [fault], addresses.get(row, ""))

    def _targets(self, part: ExportPart) -> list[ColumnTarget]:
        """Return what a part's columns go to; its new fields are made, unless this is a check."""
        targets = list(part.targets)
        new = [target.label for target in targets if target.to == mapping.NEW]
        self._fields += [label for label in new if label not in self._fields]
        if self._dry or not new:
            return targets
        own = CustomField.objects.filter(workspace=self._record.workspace)
        known = set(own.values_list("key", flat=True))
        targets = mapping.create_fields(self._record.workspace, targets)
        self._keys += [key for key in own.values_list("key", flat=True) if key not in known]
        return targets

    def _look(self) -> None:
        cache.set(f"migration:{self._record.pk}", self._rows, timeout=600)
        if not ToolMigration.objects.filter(
            pk=self._record.pk, status=self._record.status
        ).exists():
            raise Stopped

    def _merge(self, rows: Range) -> list[_Piece]:
        """Merge a range, without its rows at fault; or look at it, where it is written already."""
        only_look = self._dry or rows.upto <= self._record.rows_done
        pieces: list[_Piece] = []

        def piece() -> _Piece:
            self._merger.learn(self._make)
            counts = self._merger.decide(dry_run=only_look)
            if not only_look:
                self._merger.write(counts)
                connection.check_constraints()  # those that would be asked at the commit
            return _Piece(counts, self._merger.findings, self._merger.clashes)

        def part(numbers: Sequence[int]) -> _Piece:
            self._merger.stage_again(numbers, source=gathering.SOURCE)
            return apart.steadily(piece)

        def whole() -> None:
            pieces[:] = [piece()]
            self._advance(rows, pieces, only_look=only_look)

        try:
            apart.steadily(whole)
        except WrittenBefore:
            pass
        except Exception as error:
            if self._refused.is_nobodys_fault(error):
                raise
            with transaction.atomic():
                pieces = self._refused.without(self._gathered.rows_of(rows), part, row=int)
                self._advance(rows, pieces, only_look=only_look)
        if self._dry:
            self._totals = sum((one.counts for one in pieces), self._totals)
        return pieces

    def _advance(self, rows: Range, pieces: Sequence[_Piece], *, only_look: bool) -> None:
        if not only_look:
            progress.advance(
                self._record.pk,
                progress.ending_with(rows.upto, rows=self._rows),
                sum((one.counts for one in pieces), Counts()),
                self._refused.reasons,
            )

    def _finish(self, **values: Any) -> None:
        record = self._record
        if self._dry:
            totals = self._totals
            values.update(
                status=ImportStatus.CHECKED,
                created=totals.created,
                updated=totals.updated,
                unchanged=totals.unchanged,
                suppressed=totals.suppressed,
                kept_out=totals.kept_out,
            )
        else:
            values.update(status=ImportStatus.DONE, finished_at=timezone.now())
        files.discard(record.errors_path)
        if not ToolMigration.objects.filter(pk=record.pk, status=record.status).update(**values):
            files.discard(values["errors_path"])
            raise Stopped


def _addresses_only(targets: Sequence[ColumnTarget]) -> list[ColumnTarget]:
    return [one if one.to == mapping.EMAIL else ColumnTarget() for one in targets]
