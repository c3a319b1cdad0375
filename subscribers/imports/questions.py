"""What only people can tell about a file: what the values mean that say who may be written to.

Nothing is checked or written while a question is open. A column that looks like one and is mapped
elsewhere is a question, too, until somebody says that it is none (`mapping.ColumnTarget.waived`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Workspace
from subscribers.imports import consent_columns, row_status
from subscribers.imports.column_types import date_order
from subscribers.imports.consent_columns import ConsentColumn, Counts
from subscribers.imports.consent_words import STATUS_WORDS, WORD
from subscribers.imports.layout import Layout
from subscribers.imports.mapping import (
    EXPORT_ONLY,
    SYNONYMS,
    TAGS,
    ColumnTarget,
    MappingRefused,
    is_export,
    load,
    names_of,
    own_columns,
)
from subscribers.imports.mapping import STATUS as TO_STATUS
from subscribers.imports.normalizing import fold
from subscribers.imports.row_status import DATE_KEY, EMPTY_KEY, OTHERS_KEY, TEXT_KEY
from subscribers.imports.sources import Source
from subscribers.models import CustomField, Import

SHOWN = 50  # values of one column to choose for, one by one
NAMED = 8  # values in an error message


class QuestionOpen(MappingRefused):
    """The file says who may be written to in a way that only people can tell."""


@dataclass(frozen=True, kw_only=True)
class Value:
    """One value of a status column; ``standing``: what it means, None if nobody can tell."""

    key: str
    text: str  # as people read it
    rows: int
    standing: str | None


@dataclass(frozen=True, kw_only=True)
class Question:
    """A status column with the values of the whole file. Open if a value is not understood."""

    index: int
    column: str
    values: Sequence[Value]

    @property
    def open(self) -> list[Value]:
        """Return the values that somebody must say the meaning of."""
        return [value for value in self.values if value.standing is None]


@dataclass(frozen=True, kw_only=True)
class Understood:
    """What was found out about a file: sure targets by column, and counts of values."""

    sure: dict[int, ColumnTarget]
    counts: dict[int, Counts]


def understand(  # noqa: PLR0913 - a file's own facts
    workspace: Workspace,
    *,
    path: Path,
    layout: Layout,
    columns: Sequence[str],
    samples: Sequence[Sequence[str]],
    source: Source | None,
) -> Understood:
    """Find and count what says who may be written to; reads the file if there is such a column."""
    found = consent_columns.find(_names(columns), samples, exported=is_export(columns))
    reads = {index: one.reads for index, one in found.items() if one.reads}
    counts = consent_columns.count(path, layout, width=len(columns), found=reads) if reads else {}
    sure = settle(workspace, columns=columns, samples=samples, counts=counts, source=source)
    return Understood(sure=sure, counts=counts)


def settle(
    workspace: Workspace,
    *,
    columns: Sequence[str],
    samples: Sequence[Sequence[str]],
    counts: Mapping[int, Counts],
    source: Source | None,
) -> dict[int, ColumnTarget]:
    """Return the targets of the columns that say who may be written to, or prove it."""
    exported = is_export(columns)
    found = consent_columns.find(_names(columns), samples, exported=exported)
    own = names_of(list(CustomField.objects.filter(workspace=workspace)))
    sure: dict[int, ColumnTarget] = {}
    for index, column in enumerate(columns if source else ()):
        to = _by_source(source, fold(column))
        if to is not None and (not to or to not in {target.to for target in sure.values()}):
            sure[index] = ColumnTarget(to=to)
            found.pop(index, None)
    for index, one in found.items():
        if one.reads and _holds(one, counts.get(index, {}), own=fold(columns[index]) in own):
            answers = dict(source.answers) if source and ":" not in one.reads else {}
            if exported:
                answers = dict(consent_columns.ANSWERS_OF_EXPORTS)
            order = date_order([row[index] for row in samples if index < len(row)])
            sure[index] = ColumnTarget(
                to=TO_STATUS, reads=one.reads, answers=answers, date_order=order
            )
    taken = {target.to for target in sure.values()}
    for index, proof in consent_columns.best_proofs(found, columns).items():
        if proof not in taken and fold(columns[index]) not in own:
            values = [row[index] for row in samples if index < len(row)]
            sure[index] = ColumnTarget(to=proof, date_order=date_order(values))
    return sure


def _by_source(source: Source | None, name: str) -> str | None:
    """Return where a column goes of a tool that is known; tags are tags then, if nobody looks."""
    if source is None:
        return None
    return source.columns.get(name, TAGS if name in SYNONYMS[TAGS] else None)


def _holds(found: ConsentColumn, counts: Counts, *, own: bool) -> bool:
    """Say whether a column is one; a field of the workspace's own needs words that are clear."""
    if own and not any(key in STATUS_WORDS for key in counts):
        return found.is_sure and ":" in found.reads
    return consent_columns.is_settled(found, counts)


def _names(columns: Sequence[str]) -> list[str | None]:
    """Return names of columns; None for those that our own files put there for people only."""
    ours = own_columns(columns)
    exported = is_export(columns)
    return [
        None
        if index < ours or (exported and name in EXPORT_ONLY - consent_columns.OF_EXPORTS.keys())
        else name
        for index, name in enumerate(columns)
    ]


def ask(record: Import, targets: Sequence[ColumnTarget] | None = None) -> list[Question]:
    """Return the status columns of an import with their values, open or not."""
    if targets is None:
        targets = load(record.mapping)
    counts = record.value_counts or {}
    return [
        Question(
            index=index,
            column=record.columns[index],
            values=_values(target, counts.get(str(index), {})),
        )
        for index, target in enumerate(targets)
        if target.to == TO_STATUS
    ]


def _values(target: ColumnTarget, counts: Counts) -> list[Value]:
    ordered = sorted(counts.items(), key=lambda item: (item[0] == OTHERS_KEY, -item[1]["n"]))
    return [
        Value(
            key=key,
            text=_shown(key, one["example"]),
            rows=one["n"],
            standing=row_status.meaning(key, reads=target.reads, answers=target.answers),
        )
        for key, one in ordered
    ]


def _shown(key: str, example: str) -> str:
    return {
        EMPTY_KEY: _("(empty)"),
        DATE_KEY: _("a date, like %(example)s") % {"example": example},
        TEXT_KEY: _("a text, like %(example)s") % {"example": example},
        OTHERS_KEY: _("all other values"),
    }.get(key, example)


def count_missing(record: Import, targets: Sequence[ColumnTarget]) -> dict[str, Counts]:
    """Return the counts of an import, with those of status columns that were not counted yet."""
    layout = Layout(
        encoding=record.encoding, delimiter=record.delimiter, has_header=record.has_header
    )
    return counted(Path(record.path), layout, targets=targets, known=record.value_counts or {})


def counted(
    path: Path, layout: Layout, *, targets: Sequence[ColumnTarget], known: Mapping[str, Counts]
) -> dict[str, Counts]:
    """Return counts by column, as `Import.value_counts` keeps them, for all status columns."""
    missing = {
        index: target.reads or WORD
        for index, target in enumerate(targets)
        if target.to == TO_STATUS and str(index) not in known
    }
    if not missing:
        return dict(known)
    found = consent_columns.count(path, layout, width=len(targets), found=missing)
    return {**known, **{str(index): values for index, values in found.items()}}


def disregarded(record: Import, targets: Sequence[ColumnTarget]) -> list[int]:
    """Return the columns that say who may be written to, are not read, and nobody waived."""
    own = names_of(list(CustomField.objects.filter(workspace=record.workspace_id)))
    left = []
    for key, counts in (record.value_counts or {}).items():
        index = int(key)
        target, name = targets[index], record.columns[index] if record.has_header else ""
        if target.to != TO_STATUS and not target.waived:
            found = consent_columns.by_counts(name, counts)
            if found and _holds(found, counts, own=fold(name) in own):
                left.append(index)
    return left


def check(record: Import, targets: Sequence[ColumnTarget]) -> None:
    """Refuse to go on while something is open.

    Raises:
        QuestionOpen: names the column, and what is open about it.
    """
    if left := disregarded(record, targets):
        raise QuestionOpen(_disregarded_words(record.columns[left[0]]))
    for question in ask(record):
        if question.open:
            raise QuestionOpen(_words(question))


def is_open(record: Import) -> bool:
    """Say whether a question is open that keeps an import from being checked and from running."""
    targets = load(record.mapping)
    if record.value_counts is None and targets:
        record.value_counts = count_missing(record, targets)
        Import.objects.filter(pk=record.pk).update(value_counts=record.value_counts)
    try:
        check(record, targets)
    except QuestionOpen:
        return True
    return False


def _disregarded_words(column: str) -> str:
    return _(
        "The column “%(column)s” seems to say who may be emailed. Read it as the status, or "
        "confirm that it says nothing about that."
    ) % {"column": column}


def _words(question: Question) -> str:
    rows = sum(value.rows for value in question.open)
    named = ", ".join(f"“{value.text}” ({value.rows})" for value in question.open[:NAMED]) + (
        " …" if len(question.open) > NAMED else ""
    )
    text = ngettext(
        "The column “%(column)s” says who may be emailed, but it is not clear what %(values)s "
        "means (%(rows)s row). Say what it means.",
        "The column “%(column)s” says who may be emailed, but it is not clear what these values "
        "mean: %(values)s (%(rows)s rows). Say what each of them means.",
        rows,
    )
    return text % {"column": question.column, "values": named, "rows": rows}


def answer(target: ColumnTarget, answers: Mapping[str, str]) -> ColumnTarget:
    """Return a status column with what people said its values mean."""
    known = {key: word for key, word in answers.items() if word in row_status.CHOICES}
    return replace(target, answers={**target.answers, **known})
