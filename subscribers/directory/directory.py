"""Finding people: by list, status, tag, segment, or a part of name or address; page by page."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

from django.db.models import Exists, OuterRef, QuerySet, Sum

from accounts.models import Workspace
from subscribers.directory import paging
from subscribers.directory.paging import Walk
from subscribers.models import (
    MailingList,
    Segment,
    Subscriber,
    Subscription,
    SubscriptionTally,
    Tag,
    Tagging,
)
from subscribers.people import search
from subscribers.segments import members
from subscribers.states import SubscriptionStatus

PAGE = 50


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What a page of people is narrowed to."""

    search: str = ""
    list_id: int | None = None
    status: str = ""
    tag_id: int | None = None
    segment_id: int | None = None

    @property
    def only(self) -> frozenset[str]:
        """The names of the filters in use; a list's status belongs to the list."""
        used = {field.name for field in fields(self) if getattr(self, field.name)}
        return frozenset(used - {"status"} if "list_id" in used else used)

    def narrow(self, people: QuerySet[Subscriber], workspace: Workspace) -> QuerySet[Subscriber]:
        """Leave out whoever else is not meant, besides the search, the list and its status."""
        if self.tag_id is not None:
            tagged = Tagging.objects.filter(
                subscriber=OuterRef("pk"), tag_id=self.tag_id, tag__workspace=workspace
            )
            people = people.filter(Exists(tagged))
        if self.segment_id is not None:
            segment = _segment(workspace, self.segment_id)
            people = people.filter(members.condition(segment)) if segment else people.none()
        return people


@dataclass(frozen=True, kw_only=True)
class PeoplePage:
    """People, newest first; the keys lead to the pages beside it (None: there is none)."""

    people: list[Subscriber]
    newer: int | None
    older: int | None


def matching(workspace: Workspace, filters: Filters) -> QuerySet[Subscriber]:
    """Return the people of a workspace that the filters leave.

    Raises:
        InvalidRules: the segment's rules can't be read (any more).
    """
    people = Subscriber.objects.filter(workspace=workspace)
    if filters.list_id is not None or filters.status:
        subscriptions = Subscription.objects.filter(subscriber=OuterRef("pk"))
        if filters.list_id is not None:
            subscriptions = subscriptions.filter(list_id=filters.list_id)
        else:
            subscriptions = subscriptions.filter(workspace=workspace)
        if filters.status in SubscriptionStatus.values:
            subscriptions = subscriptions.filter(status=filters.status)
        people = people.filter(Exists(subscriptions))
    return filters.narrow(people.filter(search.contains(filters.search)), workspace)


def _segment(workspace: Workspace, segment_id: int) -> Segment | None:
    return Segment.objects.filter(workspace=workspace, pk=segment_id).first()


def page(
    workspace: Workspace,
    filters: Filters,
    *,
    before: int | None = None,
    after: int | None = None,
) -> PeoplePage:
    """Return one page: people older than ``before``, or newer than ``after``, or the newest.

    Raises:
        InvalidRules: the segment's rules can't be read (any more).
    """
    keys = _keys(workspace, filters, Walk(before=before, after=after, limit=PAGE + 1))
    more = len(keys) > PAGE
    rows = list(Subscriber.objects.filter(workspace=workspace, pk__in=keys[:PAGE]).order_by("-pk"))
    if after is not None:
        newer = rows[0].pk if more and rows else None
        older = rows[-1].pk if rows else None
    else:
        newer = rows[0].pk if before is not None and rows else None
        older = rows[-1].pk if more else None
    _attach_subscriptions(rows)
    return PeoplePage(people=rows, newer=newer, older=older)


def found(workspace: Workspace, text: str, *, most: int) -> list[Subscriber]:
    """Return the newest people whose name or address has these words in it."""
    if not search.words(text):
        return []
    keys = paging.searched(workspace, text, Walk(limit=most)) or []
    return list(Subscriber.objects.filter(workspace=workspace, pk__in=keys).order_by("-pk"))


def _keys(workspace: Workspace, filters: Filters, walk: Walk) -> list[int]:
    """Return the keys of a page by the shortest way; `matching` says the same of any filters."""
    keys: list[int] | None = None
    if filters.only == {"search"} and search.words(filters.search):
        keys = paging.searched(workspace, filters.search, walk)
    elif filters.only == {"list_id"} and filters.list_id is not None:
        lists = MailingList.objects.filter(workspace=workspace, pk=filters.list_id)
        keys = paging.of_list(filters.list_id, filters.status, walk) if lists.exists() else []
    elif filters.only == {"status"}:
        keys = paging.of_status(workspace, filters.status, walk)
    elif filters.only == {"tag_id"} and filters.tag_id is not None:
        tags = Tag.objects.filter(workspace=workspace, pk=filters.tag_id)
        keys = paging.of_tag(filters.tag_id, walk) if tags.exists() else []
    elif filters.only == {"segment_id"} and filters.segment_id is not None:
        segment = _segment(workspace, filters.segment_id)
        keys = paging.of_segment(segment, walk) if segment else []
    elif search.words(filters.search):
        narrowed = matching(workspace, replace(filters, search=""))
        keys = paging.searched(workspace, filters.search, walk, narrowed=narrowed)
    return walk.keys(matching(workspace, filters)) if keys is None else keys


def _attach_subscriptions(people: list[Subscriber]) -> None:
    by_person: dict[int, list[Subscription]] = {person.pk: [] for person in people}
    rows = Subscription.objects.filter(subscriber_id__in=by_person).select_related("list")
    for row in rows.order_by("list__name"):
        by_person[row.subscriber_id].append(row)
    for person in people:
        person.shown_subscriptions = by_person[person.pk]  # type: ignore[attr-defined]  # for pages


@dataclass(frozen=True, kw_only=True)
class ListCounts:
    """A list with how many people have each status on it."""

    list: MailingList
    subscribed: int
    unconfirmed: int
    unsubscribed: int


def count_lists(lists: Iterable[MailingList]) -> list[ListCounts]:
    """Return the lists with their counts, in one query over the tallies."""
    found = list(lists)
    counts: dict[tuple[int, str], int] = {}
    rows = SubscriptionTally.objects.filter(list__in=found).values_list("list_id", "status")
    for list_id, status, count in rows.annotate(n=Sum("count")):
        counts[list_id, status] = count
    return [
        ListCounts(
            list=each,
            subscribed=counts.get((each.pk, SubscriptionStatus.SUBSCRIBED), 0),
            unconfirmed=counts.get((each.pk, SubscriptionStatus.UNCONFIRMED), 0),
            unsubscribed=counts.get((each.pk, SubscriptionStatus.UNSUBSCRIBED), 0),
        )
        for each in found
    ]
