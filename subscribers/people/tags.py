"""Tags: words that a workspace sticks on people."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import IntegrityError, connection, transaction
from django.db.models import Value
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from accounts.models import Workspace
from subscribers.fields import usage
from subscribers.models import Tag, Tagging

LONGEST = 80
ATTACH = """
INSERT INTO subscribers_tagging (tag_id, subscriber_id)
SELECT tag.id, person.id
FROM subscribers_subscriber person CROSS JOIN subscribers_tag tag
WHERE person.workspace_id = %(workspace)s AND person.id = ANY(%(people)s)
    AND tag.workspace_id = %(workspace)s AND tag.id = ANY(%(tags)s)
ORDER BY tag.id, person.id
FOR KEY SHARE OF person, tag
ON CONFLICT (tag_id, subscriber_id) DO NOTHING
RETURNING subscriber_id
"""
DETACH = """
DELETE FROM subscribers_tagging tagging USING subscribers_tag tag
WHERE tag.id = tagging.tag_id AND tag.workspace_id = %(workspace)s
    AND tag.id = ANY(%(tags)s) AND tagging.subscriber_id = ANY(%(people)s)
RETURNING tagging.subscriber_id
"""


class TagError(ValueError):
    """A tag can't be named so; the message says why, for people."""


@dataclass(frozen=True, kw_only=True)
class TagCount:
    """A tag with how many people have it."""

    tag: Tag
    people: int


def counted(workspace: Workspace) -> list[TagCount]:
    """Return the workspace's tags with their counts, by name, in one query over the tallies."""
    rows = Tag.objects.filter(workspace=workspace).select_related("tally").order_by("name", "pk")
    return [TagCount(tag=tag, people=count_of(tag)) for tag in rows]


def count_of(tag: Tag) -> int:
    """Return how many people have a tag."""
    return tag.tally.count if hasattr(tag, "tally") else 0


def clean(name: str) -> str:
    """Return a name as it is kept: one line, single spaces.

    Raises:
        TagError: there is nothing, or too much, or something invisible in it.
    """
    name = " ".join(name.split())
    if not name:
        raise TagError(_("Give the tag a name."))
    if len(name) > LONGEST:
        raise TagError(_("A tag has at most %(n)s characters.") % {"n": LONGEST})
    if "," in name or not name.isprintable():
        raise TagError(_("A tag's name has no commas and nothing invisible."))
    return name


def find(workspace: Workspace, name: str) -> Tag | None:
    """Find a tag by its name, in whatever letter case."""
    return (
        Tag.objects.annotate(lower=Lower("name"))
        .filter(workspace=workspace, lower=Lower(Value(name)))
        .first()
    )


def find_or_create(workspace: Workspace, names: Iterable[str]) -> list[Tag]:
    """Return the tags with these names, making those that are not there; raises as `clean`."""
    wanted = dict.fromkeys(map(clean, names))
    Tag.objects.bulk_create(
        [Tag(workspace=workspace, name=name) for name in wanted], ignore_conflicts=True
    )
    # The database folds letter case in its own way, so it is asked name by name.
    found = {tag.pk: tag for name in wanted if (tag := find(workspace, name)) is not None}
    return list(found.values())


def rename(tag: Tag, *, name: str) -> None:
    """Give a tag another name.

    Raises:
        TagError: another tag has it (merge them instead), or it is no name.
    """
    name = clean(name)
    try:
        with transaction.atomic():
            Tag.objects.filter(pk=tag.pk).update(name=name)
    except IntegrityError as error:
        text = _("There is a tag “%(name)s” already. Merge the two.")
        raise TagError(text % {"name": name}) from error


def attach(workspace: Workspace, *, people: Sequence[int], tags: Sequence[int]) -> list[int]:
    """Stick tags on people; returns the keys of those who had not all of them."""
    return _run(ATTACH, workspace, people, tags)


def detach(workspace: Workspace, *, people: Sequence[int], tags: Sequence[int]) -> list[int]:
    """Take tags off people; returns the keys of those who had any of them."""
    return _run(DETACH, workspace, people, tags)


def delete(tag: Tag) -> int:
    """Take a tag away from everybody; returns how many had it.

    Raises:
        usage.InUse: segments ask for it.
    """
    with transaction.atomic():
        usage.refuse_if_asked(usage.of_tag(tag))
        gone, _rows = Tagging.objects.filter(tag=tag).delete()
        tag.delete()
    return gone


def _run(
    statement: str, workspace: Workspace, people: Sequence[int], tags: Sequence[int]
) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            statement,
            {"workspace": workspace.pk, "people": list(people), "tags": list(tags)},
        )
        return sorted({key for (key,) in cursor.fetchall()})
