"""What a move found and did, for people: counts for the page, and a file with every row left out.

Columns of the file: file, row, address, outcome, reason. Cells that a spreadsheet would run as a
formula are made safe as in `imports.errors`.
"""

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from django.utils.translation import gettext as _

from subscribers.imports.clashes import Clash
from subscribers.imports.error_file import safe
from subscribers.imports.gathering import BatchFindings, Kept, Repeated
from subscribers.imports.reader import BrokenRow
from subscribers.imports.rows import ValueFault
from subscribers.migrate_from.arrivals import NotBroughtOver
from subscribers.models import MailingList
from subscribers.states import SuppressionReason

PART = 10_000_000_000  # the rows of a move's second file are numbered from here, and so on
COLUMNS = ("file", "row", "address", "outcome", "reason")
PROBLEMS_SHOWN = 50
LONGEST_CELL = 500
STEPS = {"leaves": "leave", "confirms": "confirm"}  # None: as before


class Report:
    """Collects while a move is checked or runs."""

    def __init__(self, path: Path, *, names: Sequence[str], lists: Mapping[int, str]) -> None:
        """Prepare; ``names`` are the files', ``lists`` those that are still to be made."""
        self.path = path
        self.invalid = 0
        self.written = 0
        self.problems: list[dict[str, Any]] = []
        self._names = names
        self._new_lists = dict(lists)
        self._lists: Counter[tuple[int, str | None, str]] = Counter()
        self._reasons: Counter[str] = Counter()
        self._kept: Counter[str] = Counter()

    def __enter__(self) -> Self:
        self._file = self.path.open("w", encoding="utf-8-sig", newline="")
        self._writer = csv.writer(self._file)
        self._writer.writerow(COLUMNS)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
        if not self.written:
            self.path.unlink(missing_ok=True)

    def refuse(self, row: int, faults: Sequence[ValueFault], address: str) -> None:
        """Note a row with values that can't go in."""
        self.invalid += 1
        self._problems(row, faults)
        reasons = "; ".join(
            f"{fault.field}: {fault.problem.message}" if fault.field else fault.problem.message
            for fault in faults
        )
        self._write(row, address, _("invalid"), reasons)

    def _problems(self, row: int, faults: Sequence[ValueFault]) -> None:
        for fault in faults:
            if len(self.problems) < PROBLEMS_SHOWN:
                self.problems.append(
                    {
                        **self._place(row),
                        "field": fault.field,
                        "value": fault.value,
                        "code": fault.problem.code,
                        "params": fault.problem.params,
                    }
                )

    def refuse_broken(self, row: int, broken: BrokenRow) -> None:
        """Note a row that can't be cut into cells."""
        fault = ValueFault(field="", value=broken.text, problem=broken.problem)
        self.refuse(row, [fault], broken.text)

    def repeat(self, duplicate: Repeated) -> None:
        """Note a row whose address another row has."""
        first = self._place(duplicate.first)
        why = _("The same address stands in row %(row)s of %(file)s.") % first
        self._write(duplicate.row, duplicate.email, _("twice"), why)

    def decided(self, findings: BatchFindings, clashes: Sequence[Clash]) -> None:
        """Take the figures of one batch; note who is kept out, and whose values another has."""
        self._lists.update(findings.lists)
        self._reasons.update(findings.reasons)
        for kept in findings.kept:
            self.keep(kept)
        for clash in clashes:
            self.spare(clash.row, clash.faults, clash.email)

    def spare(self, row: int, faults: Sequence[ValueFault], address: str) -> None:
        """Note somebody who comes without a value."""
        self._problems(row, faults)
        reasons = "; ".join(
            f"{fault.field}: {fault.value}: {fault.problem.message}" for fault in faults
        )
        self._write(row, address, _("comes without a value"), reasons)

    def keep(self, kept: Kept) -> None:
        """Note somebody who stays as they are here."""
        self._kept[kept.reason] += 1
        if kept.reason:
            label = SuppressionReason(kept.reason).label
            why = _("Suppressed here: %(reason)s") % {"reason": label}
        else:
            why = _("Has left the list here; only the person may come back.")
        self._write(kept.row, kept.email, _("kept out"), why)

    def findings(self, noticed: NotBroughtOver) -> dict[str, Any]:
        """Return what `ToolMigration.flagged` holds, besides names of what is made."""
        return {
            "lists": self._list_findings(),
            "reasons": dict(self._reasons),
            "kept": dict(self._kept),
            "left_out": noticed.left_out,
            "noticed": noticed.counts,
        }

    def _list_findings(self) -> list[dict[str, Any]]:
        known = dict(
            MailingList.objects.filter(pk__in={key for key, _step, _status in self._lists})
            .order_by()
            .values_list("pk", "name")
        )
        rows: dict[int, dict[str, Any]] = {}
        for (key, step, status), count in sorted(self._lists.items(), key=_in_order):
            name = self._new_lists.get(key) or known.get(key, "")
            row = rows.setdefault(key, {"name": name, "is_new": key in self._new_lists})
            what = status if step == "joins" else STEPS.get(step or "", "same")
            row[what] = row.get(what, 0) + count
        return list(rows.values())

    def _place(self, row: int) -> dict[str, Any]:
        part, number = divmod(row, PART)
        return {"file": self._names[part], "row": number}

    def _write(self, row: int, address: str, outcome: str, why: str) -> None:
        self.written += 1
        place = self._place(row)
        cells = (place["file"], str(place["row"]), address, outcome, why)
        self._writer.writerow([_storable(cell) for cell in cells])


def _in_order(item: tuple[tuple[int, str | None, str], int]) -> tuple[int, str, str]:
    (key, step, status), _count = item
    return key, step or "", status


def _storable(cell: str) -> str:
    return safe(cell[:LONGEST_CELL].encode("utf-8", "replace").decode().replace("\0", "\u2400"))
