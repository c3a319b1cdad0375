"""Rows that the database refuses, whatever the reason: found by halving their batch, and named.

Values are read with care before (`rows`); what is refused here, nobody thought of. The other rows
of the batch go in. The refused ones stand in the error file with their numbers, and for operators
among what was set aside.
"""

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from django.db import connection, transaction

from accounts.background import set_aside
from subscribers.fields.problems import Problem
from subscribers.imports.batches import Batch
from subscribers.imports.clashes import Clash
from subscribers.imports.error_file import ErrorFile, unsafe
from subscribers.imports.memory import Memory
from subscribers.imports.merge import Counts, Duplicate, Merger, Overtaken
from subscribers.imports.reader import BrokenRow
from subscribers.imports.rows import ValueFault

MOST: Final = 1_000  # rows of one file; with more of them something else is wrong
KIND: Final = "import"
TRIES: Final = 5

Make = Callable[[str, list[str]], dict[str, int]]
Part = TypeVar("Part")
Made = TypeVar("Made")


@dataclass(kw_only=True)
class RefusedRows:
    """The rows of one file that the database refused: row → why."""

    subject: str  # names the file's import, for operators
    passes: tuple[type[Exception], ...] = ()  # what is no row's fault
    before: int = 0  # how many other rows of the file were refused
    reasons: dict[int, str] = field(default_factory=dict)

    def is_nobodys_fault(self, error: Exception) -> bool:
        """Say whether an error is to be raised, rather than looked for in one of the rows."""
        return set_aside.is_away(error) or isinstance(error, (OSError, *self.passes))

    def without(
        self,
        parts: Sequence[Part],
        work: Callable[[Sequence[Part]], Made],
        *,
        row: Callable[[Part], int],
    ) -> list[Made]:
        """Do ``work`` with all parts but those at fault, inside the caller's transaction.

        Returns what each piece of work made. ``row`` says which row of the file a part is.

        Raises:
            Exception: as ``work`` does, where no row is at fault, or more than `MOST` are.
        """
        if not parts:
            return []
        try:
            with transaction.atomic():
                made = work(parts)
        except Exception as error:
            if self.is_nobodys_fault(error) or self.before + len(self.reasons) >= MOST:
                raise
            if len(parts) > 1:
                first, second = set_aside.halves(parts)
                return [
                    *self.without(first, work, row=row),
                    *self.without(second, work, row=row),
                ]
            self._refuse(row(parts[0]), error)
            return []
        return [made]

    def _refuse(self, row: int, error: Exception) -> None:
        set_aside.note(KIND, subject=f"{self.subject}, row {row}", error=error)
        self.reasons[row] = set_aside.without_values(str(error)) or type(error).__name__


def steadily(work: Callable[[], Made]) -> Made:
    """Do ``work`` in a transaction, and again where somebody signed up in between.

    Raises:
        Overtaken: each time.
    """
    for _attempt in range(TRIES):
        try:
            with transaction.atomic():
                return work()
        except Overtaken:
            continue
    raise Overtaken


def batch(
    refused: RefusedRows,
    merger: Merger,
    make: Make,
    lines: Sequence[bytes],
    *,
    dry_run: bool = False,
) -> tuple[Counts, list[Clash]]:
    """Stage and merge a batch's pieces without its rows at fault, in the caller's transaction."""

    def work(part: Sequence[bytes]) -> tuple[Counts, list[Clash]]:
        merger.stage(part)
        return _merged(merger, make, dry_run=dry_run)

    def again(part: Sequence[bytes]) -> tuple[Counts, list[Clash]]:
        return steadily(lambda: work(part))

    try:
        with transaction.atomic():
            return work(lines)
    except Exception as error:
        if refused.is_nobodys_fault(error):
            raise
    return _together(refused.without(lines_of(lines), again, row=row_of))


def rest(
    refused: RefusedRows, merger: Merger, make: Make, *, dry_run: bool = False
) -> tuple[Counts, list[Clash]]:
    """Merge the rows that `Memory` kept, and let those leave of whom one says so; as `batch`."""

    def whole() -> tuple[Counts, list[Clash]]:
        done = _merged(merger, make, dry_run=dry_run)
        if not dry_run:
            merger.worsen()
            connection.check_constraints()
        return done

    def kept(rows: Sequence[int]) -> tuple[Counts, list[Clash]]:
        merger.stage_again(rows)
        return _merged(merger, make, dry_run=dry_run)

    def worse(rows: Sequence[int]) -> None:
        merger.stage_again(rows, source="import_worse")
        merger.worsen(source="import_stage")
        connection.check_constraints()

    try:
        return steadily(whole)
    except Exception as error:
        if refused.is_nobodys_fault(error):
            raise
    rows = merger.kept_rows()
    found = refused.without(rows, lambda part: steadily(lambda: kept(part)), row=int)
    if not dry_run:
        # They stand in the error file already, as rows that come twice.
        repeated = RefusedRows(subject=refused.subject, passes=refused.passes)
        repeated.without(merger.kept_rows("import_worse"), worse, row=int)
    return _together(found)


def keep(refused: RefusedRows, memory: Memory, one: Batch) -> None:
    """Have the addresses of a batch remembered, and the rows that may repeat one."""
    memory.note(one.seen)
    if one.doubtful:
        refused.without(lines_of([one.doubtful]), memory.keep, row=row_of)


def _merged(merger: Merger, make: Make, *, dry_run: bool) -> tuple[Counts, list[Clash]]:
    merger.learn(make)
    counts = merger.decide(dry_run=dry_run)
    if not dry_run:
        merger.write(counts)
        connection.check_constraints()  # those that would be asked at the commit
    return counts, merger.clashes


def _together(pieces: Sequence[tuple[Counts, list[Clash]]]) -> tuple[Counts, list[Clash]]:
    counts = sum((counts for counts, _found in pieces), Counts())
    return counts, [clash for _counts, found in pieces for clash in found]


def tell(
    reasons: dict[int, str],
    rows: Iterable[BrokenRow | tuple[int, list[str]]],
    errors: ErrorFile,
    *,
    is_safe: bool,
) -> None:
    """Put refused rows into the error file; ``rows`` is the file, read once more if there are any.

    ``is_safe``: its cells were made `safe` here.

    A batch keeps no cells of rows that seem fine, and one that an earlier run wrote has none.
    """
    if not reasons:
        return
    last = max(reasons)
    for one in rows:
        if isinstance(one, BrokenRow):
            continue
        number, cells = one
        if number in reasons:
            problem = Problem("not_stored", reason=reasons[number])
            cells = [unsafe(cell) for cell in cells] if is_safe else cells
            errors.refuse(number, [ValueFault(field="", value="", problem=problem)], cells)
        if number >= last:
            return


def row_of(line: bytes) -> int:
    """Return the row of a line for COPY."""
    return int(line.partition(b"\t")[0])


def refuse_duplicates(found: Sequence[Duplicate], errors: ErrorFile, refused: RefusedRows) -> int:
    """Put rows whose address an earlier row has into the error file; returns how many.

    Where that earlier one is refused, too, they are as well: nothing of the address has gone in.
    """
    again = [one for one in found if one.first not in refused.reasons]
    for duplicate in again:
        errors.refuse_duplicate(
            duplicate.row,
            first=duplicate.first,
            email=duplicate.email,
            cells=json.loads(duplicate.raw),
        )
    refused.reasons.update(
        {one.row: refused.reasons[one.first] for one in found if one.first in refused.reasons}
    )
    return len(again)


def leaving_out(lines: Sequence[bytes], rows: Collection[int]) -> Sequence[bytes]:
    """Return a batch's lines without those of some rows."""
    if not rows:
        return lines
    return [line for line in lines_of(lines) if row_of(line) not in rows]


def lines_of(pieces: Iterable[bytes]) -> list[bytes]:
    """Cut pieces of a batch into its lines; in COPY's text format no value holds a line break."""
    return [line + b"\n" for piece in pieces for line in piece.split(b"\n") if line]
