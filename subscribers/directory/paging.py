"""The keys of one page of people, found by walking what is sorted by key already.

However deep a page lies, and however few of a million people a filter leaves, it costs the rows
that it shows: people themselves, subscriptions of a list, tags and the search's blocks are all
walked in the order of people's keys. Only mixed filters ask the database for a plan of its own.
"""

from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.db.models import QuerySet

from accounts.models import Workspace
from subscribers.models import MailingList, Segment, Subscriber, Subscription, Tagging
from subscribers.people import search
from subscribers.segments import members

LOOKED_AT = 20_000  # newest people in which a page of a segment is looked for first
REMEMBERED = 60  # seconds that a rare segment's keys are kept for its next pages
MOST_LISTS = 50
MOST_FOUND = 2_000


@dataclass(frozen=True, kw_only=True)
class Walk:
    """Downwards from below ``before``, or upwards from above ``after``; ``limit`` keys at most."""

    before: int | None = None
    after: int | None = None
    limit: int

    def over(self, rows: QuerySet[Any, Any], name: str) -> QuerySet[Any, Any]:
        """Narrow rows to those that come next by their column of people's keys."""
        if self.after is not None:
            return rows.filter(**{f"{name}__gt": self.after}).order_by(name)[: self.limit]
        if self.before is not None:
            rows = rows.filter(**{f"{name}__lt": self.before})
        return rows.order_by(f"-{name}")[: self.limit]

    def keys(self, rows: QuerySet[Any, Any], name: str = "pk") -> list[int]:
        """Return the keys that come next."""
        return list(self.over(rows, name).values_list(name, flat=True))

    def among(self, keys: "array[int]") -> list[int]:
        """Return what comes next of keys in ascending order."""
        if self.after is not None:
            start = bisect_right(keys, self.after)
            return list(keys[start : start + self.limit])
        end = len(keys) if self.before is None else bisect_left(keys, self.before)
        return list(keys[max(0, end - self.limit) : end])[::-1]


def of_list(list_id: int, status: str, walk: Walk) -> list[int]:
    """Walk the people of a list, all or those of one status."""
    rows = Subscription.objects.filter(list_id=list_id)
    return walk.keys(rows.filter(status=status) if status else rows, "subscriber_id")


def of_status(workspace: Workspace, status: str, walk: Walk) -> list[int] | None:
    """Walk the people who have a status on any list; None where there are too many lists."""
    lists = MailingList.objects.filter(workspace=workspace).values_list("pk", flat=True)
    ids = list(lists[: MOST_LISTS + 1])
    if not 0 < len(ids) <= MOST_LISTS:
        return None
    found: set[int] = set()
    for list_id in ids:
        found.update(of_list(list_id, status, walk))
    return sorted(found, reverse=walk.after is None)[: walk.limit]


def of_tag(tag_id: int, walk: Walk) -> list[int]:
    """Walk the people who have a tag."""
    return walk.keys(Tagging.objects.filter(tag_id=tag_id), "subscriber_id")


def of_segment(segment: Segment, walk: Walk) -> list[int]:
    """Walk the people of a segment; those of a rare one are as they were up to a minute ago.

    Raises:
        InvalidRules: its rules can't be read (any more), or reading takes too long.
    """
    name = _name(segment)
    kept = cache.get(name)
    if kept is None:
        people = members.members(segment)
        with members.in_time():
            near = walk.keys(_near(people, segment, walk))
        if len(near) == walk.limit:
            return near
        with members.reading_sets(segment.workspace_id):
            kept = array("q", sorted(people.values_list("pk", flat=True))).tobytes()
        cache.set(name, kept, REMEMBERED)
    keys = array("q")
    keys.frombytes(kept)
    return walk.among(keys)


def remembered(segment: Segment) -> int | None:
    """Return how many keys of a rare segment are remembered; None: none are."""
    kept = cache.get(_name(segment))
    return None if kept is None else len(kept) // array("q").itemsize


def _name(segment: Segment) -> str:
    return f"segment-keys:{segment.pk}:{segment.updated_at.timestamp()}"


def _near(people: QuerySet[Subscriber], segment: Segment, walk: Walk) -> QuerySet[Subscriber]:
    """Narrow people to the next so many keys of the workspace, whoever they belong to."""
    everybody = Subscriber.objects.filter(workspace_id=segment.workspace_id)
    upwards = walk.after is not None
    far = Walk(before=walk.before, after=walk.after, limit=LOOKED_AT + 1)
    edge = far.over(everybody, "pk").values_list("pk", flat=True)[LOOKED_AT:].first()
    if edge is None:
        return people
    return people.filter(pk__lt=edge) if upwards else people.filter(pk__gt=edge)


def searched(
    workspace: Workspace, text: str, walk: Walk, *, narrowed: QuerySet[Subscriber] | None = None
) -> list[int] | None:
    """Walk the people whose name or address has these words in it.

    Of ``narrowed``, if given; then None means that so many are found that only few of them are in
    it, and another way is shorter.
    """
    limit = walk.limit if narrowed is None else MOST_FOUND
    found = search.keys(workspace.pk, text, before=walk.before, after=walk.after, limit=limit)
    if narrowed is None:
        return found
    left = walk.keys(narrowed.filter(pk__in=found))
    return left if len(found) < MOST_FOUND or len(left) == walk.limit else None
