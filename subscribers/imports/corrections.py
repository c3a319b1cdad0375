"""A file of rows to correct that comes back: whose it is, and how it is read."""

from collections.abc import Sequence

from accounts.models import Workspace
from accounts.numbers import row_number
from subscribers.imports import mapping
from subscribers.imports.mapping import ERROR_COLUMNS, Target
from subscribers.models import Import


def original(
    workspace: Workspace, *, columns: Sequence[str], samples: Sequence[Sequence[str]]
) -> Import | None:
    """Return the import that an error file came from, if this is one and the import is known.

    Its number stands in each row; a file without it is told by its columns.
    """
    own = mapping.own_columns(columns)
    if not own:
        return None
    imports = Import.objects.filter(workspace=workspace).exclude(mapping=[]).order_by("-pk")
    if own > len(ERROR_COLUMNS):
        place = len(ERROR_COLUMNS)
        numbers = {row[place].strip() for row in samples if place < len(row)} - {""}
        known = {row_number(number.partition(" ")[0]) for number in numbers}
        return imports.filter(pk=known.pop() or 0).first() if len(known) == 1 else None
    return imports.filter(columns=list(columns[own:])).first()


def targets(original: Import, *, columns: Sequence[str]) -> list[Target] | None:
    """Return where the original's columns went, behind our own; None: other columns stand there."""
    own = mapping.own_columns(columns)
    before = mapping.load(original.mapping)
    skipped = mapping.own_columns(original.columns)  # of a correction that failed again
    names = [name.strip().lower() for name in columns[own:]]
    if names != [name.strip().lower() for name in original.columns[skipped:]]:
        return None
    return [Target()] * own + before[skipped:]
