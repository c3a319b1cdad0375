"""The lists and tags that an import puts people on, also those that it makes on the way."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import count

from django.db import connection
from django.utils import timezone

from accounts.models import Workspace
from subscribers.imports import consent_lines, mapping
from subscribers.models import Import, MailingList, Tag

TABLES = {"list": "subscribers_list", "tag": "subscribers_tag"}
COLUMNS = {mapping.TAGS: "tags", mapping.LISTS: "lists"}
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
    targets = mapping.load(record.mapping)
    places = {target.to for target in targets}
    of_consent = consent_lines.COLUMNS if consent_lines.is_needed(targets) else ()
    return Names(
        fixed_lists=chosen,
        fixed_tags=list(make("tag", record.tags).values()) if record.tags else [],
        columns=(*of_consent, *(column for to, column in COLUMNS.items() if to in places)),
    )


def known(workspace: Workspace, what: str, names: Iterable[str]) -> dict[str, int]:
    """Return the ids of those lists or tags that exist, by the names given.

    Letter case is folded by the database alone, as its index does: Python folds İ in another way.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT given, max(made.id) FROM unnest(%s::text[]) AS given"  # noqa: S608 - own words
            f" JOIN {TABLES[what]} made ON lower(made.name) = lower(given)"
            " WHERE made.workspace_id = %s GROUP BY given",
            [list(names), workspace.pk],
        )
        return dict(cursor.fetchall())


def writer(workspace: Workspace, *, visibility: str) -> Make:
    """Make what is missing: lists with the ``visibility`` that the import was given."""

    def make(what: str, names: list[str]) -> dict[str, int]:
        found = known(workspace, what, names)
        missing = [name for name in names if name not in found]
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
            key = (what, name.lower())
            if name not in found:
                if key not in pretended:
                    pretended[key] = next(numbers)
                found[name] = pretended[key]
        return found

    return make


def new_ones(workspace: Workspace, what: str, names: Sequence[str]) -> list[str]:
    """Return those of some names that would have to be made, as written."""
    found = known(workspace, what, names)
    return [name for name in names if name not in found]
