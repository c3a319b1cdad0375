"""What a command's options say about columns: ``--map``, ``--status-value``, ``--not-a-status``."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from django.utils.translation import gettext as _

from accounts.models import Workspace
from subscribers.imports import row_status
from subscribers.imports.consent_words import BLOCKED, WORD
from subscribers.imports.mapping import (
    FIELD,
    IGNORE,
    NEW,
    SEVERAL,
    STATUS,
    ColumnTarget,
    MappingRefused,
    standard_targets,
)
from subscribers.models import CustomField
from subscribers.states import FieldType

EMPTY_WORDS = frozenset({"", "(empty)"})
BY_WORD = {**{choice: choice for choice in row_status.CHOICES}, "blocked": BLOCKED}


def named(
    columns: Sequence[str],
    *,
    suggested: Sequence[ColumnTarget],
    chosen: Mapping[str, str],
    workspace: Workspace,
) -> list[ColumnTarget]:
    """Apply COLUMN=field pairs (a command's --map) to suggested targets.

    A field is a standard one (email, first_name …), a custom field's key, ``-`` to leave the column
    out, ``new:TYPE:NAME``, or any other name, which becomes a new text field.

    Raises:
        MappingRefused: the file has no such column.
    """
    own = set(CustomField.objects.filter(workspace=workspace).values_list("key", flat=True))
    standard = {to for to, _name in standard_targets()}
    result = list(suggested)
    for column, to in chosen.items():
        index = _index(columns, column)
        if to not in SEVERAL:
            # A target that somebody names moves there from where it was suggested.
            moves = {to, f"{FIELD}{to}"}
            result = [ColumnTarget() if target.to in moves else target for target in result]
        if to in own:
            result[index] = ColumnTarget(to=f"{FIELD}{to}", date_order=suggested[index].date_order)
        elif to == STATUS:
            reads = suggested[index].reads or WORD
            result[index] = replace(suggested[index], to=STATUS, reads=reads)
        elif to in standard or to == "-":
            result[index] = ColumnTarget(
                to=IGNORE if to == "-" else to, date_order=suggested[index].date_order
            )
        else:
            kind, _colon, name = to.removeprefix("new:").rpartition(":")
            result[index] = ColumnTarget(
                to=NEW,
                label=name,
                type=kind or FieldType.TEXT,
                date_order=suggested[index].date_order,
            )
    return result


def waived(
    columns: Sequence[str], *, targets: Sequence[ColumnTarget], names: Sequence[str], by: str
) -> list[ColumnTarget]:
    """Apply ``--not-a-status COLUMN``: it says nothing about who may be written to.

    A column that would be read so becomes a field of its own, unless it was mapped elsewhere.

    Raises:
        MappingRefused: the file has no such column.
    """
    result = list(targets)
    for name in names:
        index = _index(columns, name)
        target = result[index]
        if target.to == STATUS:
            target = ColumnTarget(
                to=NEW, label=" ".join(columns[index].replace("_", " ").split())[:80]
            )
        result[index] = replace(target, waived=by)
    return result


def answered(
    columns: Sequence[str], *, targets: Sequence[ColumnTarget], answers: Sequence[str]
) -> list[ColumnTarget]:
    """Apply ``--status-value VALUE=STATUS`` (for all columns) or ``COLUMN:VALUE=STATUS``.

    An empty value, or ``(empty)``, is an empty cell; ``*`` is every value that nobody understands.

    Raises:
        MappingRefused: there is no such column or status.
    """
    result = list(targets)
    for given in answers:
        value, equals, status = given.rpartition("=")
        meant = BY_WORD.get(status.strip().lower().replace("-", "_").replace(" ", "_"))
        if not equals or meant is None:
            raise MappingRefused(
                _("“%(given)s” is not VALUE=STATUS. STATUS is one of: %(choices)s.")
                % {"given": given, "choices": ", ".join(choice for choice in BY_WORD)}
            )
        only, value = _in_column(columns, value)
        for index, target in enumerate(result):
            if target.to == STATUS and only in {None, index}:
                key = (
                    row_status.EMPTY_KEY
                    if value.strip().lower() in EMPTY_WORDS
                    else row_status.OTHERS_KEY
                    if value.strip() == row_status.OTHERS_KEY
                    else value.strip()
                    if value.strip() in {row_status.DATE_KEY, row_status.TEXT_KEY}
                    else row_status.key_of(value, reads=target.reads)
                )
                result[index] = replace(target, answers={**target.answers, key: meant})
    return result


def _in_column(columns: Sequence[str], value: str) -> tuple[int | None, str]:
    """Cut ``COLUMN:VALUE``; a value may hold a colon itself."""
    for index, column in enumerate(columns):
        if column and value.strip().lower().startswith(f"{column.strip().lower()}:"):
            return index, value.strip()[len(column.strip()) + 1 :]
    return None, value


def _index(columns: Sequence[str], name: str) -> int:
    lower = [column.strip().lower() for column in columns]
    if name.strip().lower() not in lower:
        raise MappingRefused(
            _("The file has no column “%(column)s”. It has: %(columns)s.")
            % {"column": name, "columns": ", ".join(columns)}
        )
    return lower.index(name.strip().lower())
