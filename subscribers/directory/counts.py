"""How many people a page of people is about, by the shortest way.

Tallies know what a list, a status on it and a tag have; the search's blocks know how often a word
occurs; what a page of a segment has found is remembered. Only mixed filters are counted one by one.
"""

from django.core.cache import cache
from django.db.models import Count, Sum

from accounts.models import Workspace
from subscribers.directory import directory, paging
from subscribers.directory.filters import PeopleFilters
from subscribers.models import (
    Segment,
    SubscriberTally,
    Subscription,
    SubscriptionTally,
    TagTally,
)
from subscribers.people import search
from subscribers.states import SubscriptionStatus

COUNTED = 10_000  # people; more are "more than 10,000", except where a tally knows
REMEMBERED = 60  # seconds
MANY = 20_000  # subscriptions; fewer are counted anew whenever they change


def count(workspace: Workspace, filters: PeopleFilters) -> int | None:
    """Count the people whom the filters leave, now; None: more than `COUNTED`."""
    only = filters.only
    if not only:
        tally = SubscriberTally.objects.filter(workspace=workspace)
        return tally.values_list("count", flat=True).first() or 0
    if only == {"list_id"}:
        return _on_list(workspace, filters)
    if only == {"tag_id"}:
        tags = TagTally.objects.filter(tag_id=filters.tag_id or 0, tag__workspace=workspace)
        return tags.values_list("count", flat=True).first() or 0
    if only == {"status"}:
        return _with_status(workspace, filters.status)
    if only == {"search"} and search.words(filters.search):
        return _capped(search.count(workspace.pk, filters.search, limit=COUNTED + 1))
    some = directory.matching(workspace, filters).order_by().values("pk")[: COUNTED + 1]
    return _capped(some.count())


def subscribed(workspace: Workspace) -> int:
    """Count the people who are subscribed to at least one list: nobody twice.

    Of many people on several lists the number may be up to a minute old.
    """
    tallies = SubscriptionTally.objects.filter(
        list__workspace=workspace, status=SubscriptionStatus.SUBSCRIBED, count__gt=0
    ).order_by("list_id")
    counts = list(tallies.values_list("list_id", "count"))
    if len(counts) <= 1:
        return sum(count for _list, count in counts)
    name = f"subscribed:{workspace.pk}"
    known: tuple[list[tuple[int, int]], int] | None = cache.get(name)
    if known and (known[0] == counts or sum(count for _list, count in counts) > MANY):
        return known[1]
    rows = Subscription.objects.filter(
        list_id__in=[key for key, _count in counts], status=SubscriptionStatus.SUBSCRIBED
    )
    found = rows.aggregate(people=Count("subscriber_id", distinct=True))["people"]
    cache.set(name, (counts, found), REMEMBERED)
    return int(found)


def lately(
    workspace: Workspace, filters: PeopleFilters, page: directory.PeoplePage | None = None
) -> int | None:
    """Count for a page that only shows the number; a segment's may be up to a minute old."""
    if page and page.people and page.newer is None and page.older is None:
        return len(page.people)
    if filters.only != {"segment_id"}:
        return count(workspace, filters)
    segment = Segment.objects.filter(workspace=workspace, pk=filters.segment_id or 0).first()
    if segment is None:
        return 0
    kept = paging.remembered(segment)
    if kept is not None:
        return kept
    name = f"segment-count:{segment.pk}:{segment.updated_at.timestamp()}"
    found: int | None = cache.get(name)
    if found is None:
        whole = count(workspace, filters)
        found = COUNTED + 1 if whole is None else whole
        cache.set(name, found, REMEMBERED)
    return _capped(found)


def _on_list(workspace: Workspace, filters: PeopleFilters) -> int:
    tallies = SubscriptionTally.objects.filter(list_id=filters.list_id, list__workspace=workspace)
    if filters.status:
        tallies = tallies.filter(status=filters.status)
    return tallies.aggregate(people=Sum("count"))["people"] or 0


def _with_status(workspace: Workspace, status: str) -> int | None:
    """Count who has a status on any list: nobody twice, however many lists they have it on."""
    tallies = SubscriptionTally.objects.filter(
        list__workspace=workspace, status=status, count__gt=0
    )
    counts = dict(tallies.values_list("list_id", "count"))
    if len(counts) <= 1:
        return sum(counts.values())
    if max(counts.values()) > COUNTED:
        return None
    rows = Subscription.objects.filter(list_id__in=counts, status=status)
    return _capped(rows.values("subscriber_id").distinct()[: COUNTED + 1].count())


def _capped(found: int) -> int | None:
    return None if found > COUNTED else found
