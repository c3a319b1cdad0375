"""A delimited file of another tool: its columns, what they could mean here, its rows."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.models import Workspace
from subscribers.fields import definitions
from subscribers.fields.definitions import FieldShape
from subscribers.fields.problems import Problem
from subscribers.imports import layout, mapping
from subscribers.imports.layout import Layout
from subscribers.imports.mapping import ColumnTarget
from subscribers.imports.reader import BrokenRow, Rows
from subscribers.migrate_from import arrivals
from subscribers.migrate_from.arrivals import Arrival, NotBroughtOver, SourceRefused
from subscribers.models import CustomField
from subscribers.people import people
from subscribers.states import FieldType

VALUES_LOOKED_AT = 100  # of each column
# Why a column stays behind; `templates/subscribers/_migration_findings.html` puts it into words.
INTERNAL, TOO_MANY, NO_PLACE = "internal", "too_many", "no_place"


@dataclass(frozen=True, kw_only=True)
class Table:
    """A file with a first row that names its columns; ``samples`` are columns' first values."""

    path: Path
    name: str
    layout: Layout
    columns: Sequence[str]
    samples: Sequence[Sequence[str]]
    limit: int | None = None  # rows that are read; None: all

    def rows(self) -> Iterator[tuple[int, list[str]] | BrokenRow]:
        """Read the rows behind the first one."""
        source = iter(Rows(self.path, self.layout, width=len(self.columns)))
        next(source, None)
        yield from islice(source, self.limit)

    def is_filled(self, index: int) -> bool:
        """Say whether a column holds anything at all."""
        return any(row[index] for row in self.samples)


def look(path: Path, *, name: str, values: bool = True) -> Table:
    """Read a file's columns and which of them hold something; without ``values`` a few rows only.

    Raises:
        SourceRefused: it has no row that names columns.
    """
    found = layout.detect(path)
    source = iter(Rows(path, found))
    first = next(source, None)
    if first is None or isinstance(first, BrokenRow) or not found.has_header:
        raise SourceRefused(
            _("%(file)s: the first row does not name the columns. Upload it as it was exported.")
            % {"file": name}
        )
    columns = [cell.strip().lstrip("\ufeff")[:120] for cell in first[1]]
    if len(columns) > settings.IMPORT_MAX_COLUMNS:
        raise SourceRefused(_("%(file)s has more columns than anybody needs.") % {"file": name})
    limit = None if values else VALUES_LOOKED_AT
    table = Table(path=path, name=name, layout=found, columns=columns, samples=(), limit=limit)
    return replace(table, samples=_samples(table))


def _samples(table: Table) -> list[list[str]]:
    found: list[list[str]] = [[] for _column in table.columns]
    wanting = set(range(len(found)))
    for row in table.rows():
        if isinstance(row, BrokenRow):
            continue
        full = []
        for index in wanting:
            cell = row[1][index]
            if cell and not cell.isspace():
                found[index].append(cell)
                if len(found[index]) == VALUES_LOOKED_AT:
                    full.append(index)
        wanting.difference_update(full)
        if not wanting:
            break
    longest = max(map(len, found), default=0)
    return [
        [values[index] if index < len(values) else "" for values in found]
        for index in range(longest)
    ]


def reading(
    table: Table, make: Callable[[int, list[str]], Arrival | None]
) -> Callable[[], Iterator[Arrival | BrokenRow]]:
    """Return what reads a table's rows by ``make``; None: nothing comes of this row."""

    def rows() -> Iterator[Arrival | BrokenRow]:
        for row in table.rows():
            found = row if isinstance(row, BrokenRow) else make(*row)
            if found is not None:
                yield found

    return rows


def known(table: Table, names: Mapping[str, Sequence[str]]) -> dict[int, ColumnTarget]:
    """Find the columns that are known for sure, by the names that each target has there."""
    found = {arrivals.column(table.columns, *wanted): to for to, wanted in names.items()}
    return {index: ColumnTarget(to=to) for index, to in found.items() if index is not None}


def targets(  # noqa: PLR0913 - what the tool's reader knows of its columns
    workspace: Workspace,
    table: Table,
    *,
    known: Mapping[int, ColumnTarget],
    internal: Collection[str],
    used: Collection[str],
    noticed: NotBroughtOver,
) -> list[ColumnTarget]:
    """Say what each column goes to: what is known for sure, a field of its own, or nothing.

    ``internal`` are names (`arrivals.plain`) of columns that mean nothing here, ``used`` of those
    that the reader reads itself.
    """
    words = list(map(arrivals.plain, table.columns))
    suggested = mapping.suggest(
        workspace, columns=table.columns, samples=table.samples, guess_types=False
    )
    taken = {target.to for target in known.values()}
    if {mapping.FIRST_NAME, mapping.LAST_NAME} & taken:
        taken.add(mapping.NAME)
    own = {
        f"{mapping.FIELD}{field.key}": definitions.shape(field)
        for field in CustomField.objects.filter(workspace=workspace)
    }
    result = []
    for index, column in enumerate(table.columns):
        target = known.get(index)
        if target is None:
            is_internal = words[index] in internal
            target = ColumnTarget() if is_internal else suggested[index]
            if target.to != mapping.NEW and target.to in taken:
                target = ColumnTarget()
            if target.to in own and not _fits(own[target.to], table, index):
                # Better a second field than refusing everybody for a value of the other tool's.
                label = f"{column} ({FieldType.TEXT.label})"[: mapping.LONGEST_LABEL]
                target = ColumnTarget(to=mapping.NEW, label=label)
            is_ignored = target.to == mapping.IGNORE and words[index] not in used
            if is_ignored and table.is_filled(index):
                noticed.left_out[column] = INTERNAL if is_internal else TOO_MANY
        result.append(target)
    return result


def _fits(field: FieldShape, table: Table, index: int) -> bool:
    """Say whether every value looked at can go into a field."""
    try:
        for row in table.samples:
            definitions.parse(field, row[index])
    except Problem:
        return False
    return True


class Tamer:
    """Empties languages and time zones that are none here: no reason to refuse a person."""

    def __init__(self, targets: Sequence[ColumnTarget], noticed: NotBroughtOver) -> None:
        """Find the columns to look after."""
        places = {target.to: index for index, target in enumerate(targets)}
        self._language = places.get(mapping.LANGUAGE)
        self._time_zone = places.get(mapping.TIME_ZONE)
        self._languages = {code for code, _name in settings.LANGUAGES}
        self._zones = {zone.lower(): zone for zone in people.time_zones()}
        self._noticed = noticed

    def tame(self, cells: list[str]) -> list[str]:
        """Mend a row in place, and return it."""
        if (index := self._language) is not None and cells[index]:
            code = cells[index].strip().lower().replace("_", "-").partition("-")[0]
            if code not in self._languages:
                self._noticed.count("language")
                code = ""
            cells[index] = code
        if (index := self._time_zone) is not None and cells[index]:
            zone = self._zones.get(cells[index].strip().lower(), "")
            if not zone:
                self._noticed.count("time_zone")
            cells[index] = zone
        return cells
