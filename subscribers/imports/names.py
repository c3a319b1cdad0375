"""The lists and tags that an import puts people on, also those that it makes on the way."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import count

from django.db.models.functions import Lower
from django.utils import timezone

from accounts.models import Workspace
from subscribers.imports import mapping
from subscribers.models import Import, MailingList, Tag

COLUMNS = {mapping.STATUS: "status", mapping.TAGS: "tags", mapping.LISTS: "lists"}
Make = Callable[[str, list[str]], dict[str, int]]


@dataclass(frozen=True, kw_only=True)
class Names:
    """Ids for everybody in the file, and which optional columns its lines have, in order."""

    fixed_lists: list[int]
    fixed_tags: list[int]
    columns: tuple[str, ...]


def of(record: Import, *, make: Make) -> Names:
    """Return an import's lists and tags; ``make`` gives an id to a name (`writer`, `pretender`)."""
    chosen = [record.mailing_list_id] if record.mailing_list_id else []
    chosen += [key for key in record.more_lists.values_list("pk", flat=True) if key not in chosen]
    if record.new_list:
        chosen += [key for key in make("list", [record.new_list]).values() if key not in chosen]
    places = {target.to for target in mapping.load(record.mapping)}
    return Names(
        fixed_lists=chosen,
        fixed_tags=list(make("tag", record.tags).values()) if record.tags else [],
        columns=tuple(column for to, column in COLUMNS.items() if to in places),
    )


def known(workspace: Workspace, what: str, names: Iterable[str]) -> dict[str, int]:
    """Return the ids of lists or tags that exist, by lower-cased name."""
    model = MailingList if what == "list" else Tag
    wanted = [name.lower() for name in names]
    rows = model.objects.filter(workspace=workspace).annotate(lower=Lower("name"))
    return dict(rows.filter(lower__in=wanted).order_by("-pk").values_list("lower", "pk"))


def writer(workspace: Workspace, *, visibility: str) -> Make:
    """Make what is missing: lists with the ``visibility`` that the import was given."""

    def make(what: str, names: list[str]) -> dict[str, int]:
        found = known(workspace, what, names)
        missing = [name for name in names if name.lower() not in found]
        if missing and what == "list":
            MailingList.objects.bulk_create(
                (
                    MailingList(workspace=workspace, name=name, visibility=visibility)
                    for name in missing
                ),
                ignore_conflicts=True,
            )
        elif missing:
            now = timezone.now()
            tags = (Tag(workspace=workspace, name=name, created_at=now) for name in missing)
            Tag.objects.bulk_create(tags, ignore_conflicts=True)
        return known(workspace, what, names) if missing else found

    return make


def pretender(workspace: Workspace) -> Make:
    """Give ids below zero to what is missing: a check writes nothing."""
    numbers = count(-1, -1)
    pretended: dict[tuple[str, str], int] = {}

    def make(what: str, names: list[str]) -> dict[str, int]:
        found = known(workspace, what, names)
        for name in names:
            lower = name.lower()
            if lower not in found:
                if (what, lower) not in pretended:
                    pretended[what, lower] = next(numbers)
                found[lower] = pretended[what, lower]
        return found

    return make


def new_ones(workspace: Workspace, what: str, names: Sequence[str]) -> list[str]:
    """Return those of some names that would have to be made, as written."""
    found = known(workspace, what, names)
    return [name for name in names if name.lower() not in found]
