"""Checking and running a move from its files to its end, whatever interrupts it.

All files are staged first, so that an address that stands in two of them is decided once. Then
ranges of rows are merged, each in one transaction together with the move's progress: after a crash
the files are staged again, and ranges that were merged are only looked at.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.cache import cache
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone, translation

from subscribers.fields.problems import Problem
from subscribers.imports import apart, files, mapping
from subscribers.imports import names as imports_names
from subscribers.imports.clashes import Watch
from subscribers.imports.mapping import Target
from subscribers.imports.merge import refresh_statistics
from subscribers.imports.reader import BrokenRow
from subscribers.imports.rows import Fault, RowMaker, RowRefused
from subscribers.imports.run import sole_worker
from subscribers.migrate_from import merging, staging
from subscribers.migrate_from.arrivals import Noticed, Part
from subscribers.migrate_from.merging import Decided, MoveWriter, Range
from subscribers.migrate_from.report import Report
from subscribers.migrate_from.staging import PART, Stage
from subscribers.models import Move
from subscribers.states import ImportStatus

ROWS_A_RANGE = 25_000
TAGS_LOOKED_AT = 2_000  # different ones, to say which are new
ROWS_A_LOOK = 10_000  # rows read between two looks at whether anybody still wants them


@dataclass(frozen=True, kw_only=True)
class Opened:
    """What there is to read."""

    parts: Sequence[Part]
    noticed: Noticed = field(default_factory=Noticed)
    new_lists: Mapping[int, str] = field(default_factory=dict)  # placeholder: name; checks only


Opener = Callable[[Move, bool], Opened]


class Stopped(Exception):  # noqa: N818 - an outcome, not an error
    """The move was cancelled or discarded while it ran."""


def check(move_id: int, opener: Opener) -> bool:
    """Do everything but write: fill in what the move would do. False: it was not due."""
    return _guarded(move_id, ImportStatus.CHECKING, opener)


def run(move_id: int, opener: Opener) -> bool:
    """Merge; goes on where an earlier run stopped. False: it was not due, or was stopped."""
    return _guarded(move_id, ImportStatus.RUNNING, opener)


def _guarded(move_id: int, status: ImportStatus, opener: Opener) -> bool:
    with sole_worker(-move_id) as got:  # imports lock their own, positive, numbers
        record = (
            Move.objects.select_related("workspace", "created_by", "mailing_list")
            .filter(pk=move_id, status=status)
            .first()
        )
        if not got or record is None:
            return False
        language = record.created_by.language if record.created_by else ""
        with translation.override(language or record.workspace.default_language):
            staging.open_tables()
            try:
                _Work(record, opener(record, status == ImportStatus.CHECKING)).do()
            except Stopped:
                return False
            finally:
                if connection.is_usable():
                    staging.close_tables()
    return True


class _Work:
    """One check, or one run, of one move."""

    def __init__(self, record: Move, opened: Opened) -> None:
        self._record = record
        self._opened = opened
        self._dry = record.status == ImportStatus.CHECKING
        self._at = record.started_at or timezone.now()
        self._fields: list[str] = []
        self._tags: dict[str, str] = {}  # by lower-cased name
        self._rows = 0
        self._totals: dict[str, int] = {}
        self._watch = Watch(record.workspace, [], fills=True)
        known = {} if self._dry else record.findings.get("refused", {})
        self._refused = apart.Refused(
            subject=f"move {record.pk}",
            passes=(Stopped,),
            reasons={int(row): why for row, why in known.items()},
        )

    def do(self) -> None:
        """Stage everything, merge range by range, and say what came of it."""
        record = self._record
        path = files.new_path(".report.csv")
        names = [part.name for part in self._opened.parts]
        merger = MoveWriter(
            record,
            watch=self._watch,
            at=self._at,
            detail=detail(record),
            refused=self._refused.reasons.keys(),
        )
        with Report(path, names=names, lists=self._opened.new_lists) as report:
            self._stage(report)
            new_tags = imports_names.new_ones(record.workspace, "tag", [*self._tags.values()])
            duplicates = self._duplicates
            refresh_statistics(only_if_stale=True)
            for number, rows in enumerate(merging.ranges(after=-1, size=ROWS_A_RANGE), start=1):
                done = not self._dry and rows.upto <= record.position
                decided = self._merge(merger, rows, only_look=self._dry or done)
                report.decided(decided)
                if self._dry:
                    self._count(decided)
                if number & (number - 1) == 0 and not self._dry:
                    refresh_statistics(only_if_stale=number == 1)
            self._tell(report)
        values = {
            "rows": self._rows,
            "invalid": report.invalid,
            "duplicates": duplicates,
            "findings": report.findings(self._opened.noticed, fields=self._fields, tags=new_tags),
            "report_path": str(path) if report.written else "",
        }
        files.discard(record.report_path)
        self._finish(values)

    def _stage(self, report: Report) -> None:
        stage = self._staged = Stage(self._refused)
        for index, part in enumerate(self._opened.parts):
            self._stage_part(stage, report, index, part)
        found = stage.finish()
        for duplicate in found:
            report.repeat(duplicate)
        self._duplicates = len(found)

    def _stage_part(self, stage: Stage, report: Report, index: int, part: Part) -> None:
        targets = list(part.targets)
        new = (target.label for target in targets if target.to == mapping.NEW)
        self._fields += [label for label in new if label not in self._fields]
        if not self._dry:
            targets = mapping.create_fields(self._record.workspace, targets)
        self._watch.also(targets)
        maker = RowMaker(self._record.workspace, targets=targets)
        # Of somebody who must not be written to nothing but the address counts, and can be wrong.
        addresses = RowMaker(self._record.workspace, targets=_addresses_only(targets))
        for arrival in part.rows():
            self._rows += 1
            if self._rows % ROWS_A_LOOK == 0:
                self._look()
            row = index * PART + arrival.number
            reader = addresses if not isinstance(arrival, BrokenRow) and arrival.reason else maker
            if isinstance(arrival, BrokenRow):
                report.refuse_broken(row, arrival)
                continue
            try:
                line = reader.line(row, arrival.cells)
            except RowRefused as refused:
                report.refuse(row, refused.faults, arrival.cells[maker.email_index])
            else:
                stage.add(row, line, arrival)
                if reader.dropped:
                    report.spare(row, reader.dropped, arrival.cells[maker.email_index])
                for name in arrival.tags:
                    if len(self._tags) < TAGS_LOOKED_AT:
                        self._tags.setdefault(name.lower(), name)

    def _look(self) -> None:
        cache.set(f"move:{self._record.pk}", self._rows, timeout=600)
        if not Move.objects.filter(pk=self._record.pk, status=self._record.status).exists():
            raise Stopped

    def _tell(self, report: Report) -> None:
        """Name the rows that the database refused."""
        reasons = self._refused.reasons
        addresses = {**staging.addresses(list(reasons)), **self._staged.addresses}
        for row, why in sorted(reasons.items()):
            problem = Problem("not_stored", reason=why)
            fault = Fault(field="", value="", problem=problem)
            report.refuse(row, [fault], addresses.get(row, ""))

    def _merge(self, merger: MoveWriter, rows: Range, *, only_look: bool) -> Decided:
        def work(some: Range) -> Decided:
            decided = merger.decide(some, dry_run=only_look)
            if not only_look:
                merger.write(decided)
                connection.check_constraints()  # those that would be asked at the commit
            return decided

        def whole() -> Decided:
            decided = work(rows)
            if not only_look:
                self._advance(rows, decided)
            return decided

        def part(numbers: Sequence[int]) -> Decided:
            some = Range(after=numbers[0] - 1, upto=numbers[-1], rows=len(numbers))
            return apart.steadily(lambda: work(some))

        try:
            return apart.steadily(whole)
        except Exception as error:
            if self._refused.is_nobodys_fault(error):
                raise
        with transaction.atomic():
            numbers = staging.rows_within(rows.after, rows.upto)
            decided = merging.together(self._refused.without(numbers, part, row=int))
            if not only_look:
                self._advance(rows, decided)
        return decided

    def _advance(self, rows: Range, decided: Decided) -> None:
        """Note progress in the range's own transaction; a cancelled move takes the range back."""
        running = Move.objects.filter(pk=self._record.pk, status=ImportStatus.RUNNING).update(
            rows=self._rows,
            position=rows.upto,
            findings={"refused": self._refused.reasons},
            **{column: F(column) + count for column, count in columns(decided).items()},
        )
        if not running:
            raise Stopped

    def _count(self, decided: Decided) -> None:
        for column, count in columns(decided).items():
            self._totals[column] = self._totals.get(column, 0) + count

    def _finish(self, values: dict[str, Any]) -> None:
        if self._dry:
            values.update(status=ImportStatus.CHECKED, **self._totals)
        else:
            values.update(status=ImportStatus.DONE, finished_at=timezone.now())
        finished = Move.objects.filter(pk=self._record.pk, status=self._record.status)
        if not finished.update(**values):
            files.discard(values["report_path"])
            raise Stopped


def _addresses_only(targets: Sequence[Target]) -> list[Target]:
    return [one if one.to == mapping.EMAIL else Target() for one in targets]


def columns(decided: Decided) -> dict[str, int]:
    """Return what a range adds to the columns of `Move`."""
    verdicts = decided.verdicts
    return {
        "created": verdicts.get(merging.NEW, 0),
        "updated": verdicts.get(merging.CHANGED, 0),
        "unchanged": verdicts.get(merging.UNCHANGED, 0),
        "kept_out": verdicts.get(merging.KEPT_OUT, 0) + verdicts.get(merging.LEFT, 0),
        "suppressed": verdicts.get(merging.SUPPRESS, 0),
    }


def detail(record: Move) -> str:
    """Name a move in the ledgers of consent and suppression."""
    return f"{record.get_source_display()} (move #{record.pk})"
