"""Pages of the library: searched, sorted, and walked by key, so that a late page costs as a first.

A cursor is the last picture's value in the chosen order and its key, joined by a tilde.
"""

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, unquote

from django.db.models import Q, QuerySet

from accounts.input.numbers import row_number
from accounts.models import Workspace
from campaigns.models import Picture

PAGE: Final = 48
MOST_WORDS: Final = 8
LONGEST_SEARCH: Final = 200
# Name of an order → its column ("" for the key alone) and whether the highest comes first.
ORDERS: Final[dict[str, tuple[str, bool]]] = {
    "newest": ("", True),
    "oldest": ("", False),
    "name": ("name", False),
    "largest": ("size", True),
}


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is looked for; ``folder`` "" is everywhere, "none" in no folder, else a folder's key."""

    search: str = ""
    folder: str = ""
    order: str = "newest"
    after: str = ""
    before: str = ""


@dataclass(frozen=True, kw_only=True)
class Page:
    """Pictures, and the cursors of the pages beside ("" where there is none)."""

    pictures: list[Picture]
    next: str
    previous: str


def page(workspace: Workspace, asked: Question, *, size: int = PAGE) -> Page:
    """Return one page, in one query."""
    column, is_falling = ORDERS.get(asked.order, ORDERS["newest"])
    found = matching(workspace, asked)
    backwards = bool(asked.before)
    cursor = _read(asked.before or asked.after, column)
    if cursor is not None:
        found = _beyond(found, column, cursor, less=is_falling != backwards)
    falling = is_falling != backwards
    mark = "-" if falling else ""
    order = [f"{mark}{column}"] * bool(column) + [f"{mark}id"]
    pictures = list(found.order_by(*order)[: size + 1])
    more = len(pictures) > size
    pictures = pictures[:size]
    if backwards:
        pictures.reverse()
    is_start = cursor is None or (backwards and not more)
    is_end = not more if not backwards else False
    return Page(
        pictures=pictures,
        next="" if is_end or not pictures else _cursor(pictures[-1], column),
        previous="" if is_start or not pictures else _cursor(pictures[0], column),
    )


def matching(workspace: Workspace, asked: Question) -> QuerySet[Picture]:
    """Return every picture that is looked for, in no order."""
    found = Picture.objects.filter(workspace=workspace, hidden_at=None)
    if asked.folder == "none":
        found = found.filter(folder=None)
    elif folder := row_number(asked.folder):
        found = found.filter(folder=folder)
    for word in asked.search[:LONGEST_SEARCH].split()[:MOST_WORDS]:
        found = found.filter(Q(name__icontains=word) | Q(alt_text__icontains=word))
    return found


def _cursor(picture: Picture, column: str) -> str:
    value = getattr(picture, column) if column else ""
    return f"{quote(str(value), safe='')}~{picture.pk}"


def _read(cursor: str, column: str) -> tuple[Any, int] | None:
    value, _tilde, key = cursor.rpartition("~")
    number = row_number(key)
    if number is None:
        return None
    if column == "size":
        size = row_number(value)
        return None if size is None else (size, number)
    return unquote(value), number


def _beyond(
    found: QuerySet[Picture], column: str, cursor: tuple[Any, int], *, less: bool
) -> QuerySet[Picture]:
    """Keep what comes after the cursor, by the column and then by the key."""
    value, key = cursor
    if not column:
        return found.filter(pk__lt=key) if less else found.filter(pk__gt=key)
    beyond = {f"{column}__{'lt' if less else 'gt'}": value}
    same = {column: value, f"pk__{'lt' if less else 'gt'}": key}
    return found.filter(Q(**beyond) | Q(**same))
