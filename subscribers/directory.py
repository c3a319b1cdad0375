"""Finding people: by list, by status, by a part of their name or address; page by page by key."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet, Sum

from accounts.models import Workspace
from subscribers.models import MailingList, Subscriber, Subscription, SubscriptionTally
from subscribers.states import SubscriptionStatus

PAGE = 50


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What a page of people is narrowed to."""

    search: str = ""
    list_id: int | None = None
    status: str = ""

    def narrow(
        self,
        people: QuerySet[Subscriber],
        workspace: Workspace,  # noqa: ARG002 - `narrowing` knows more filters
    ) -> QuerySet[Subscriber]:
        """Leave out whoever else is not meant."""
        return people


@dataclass(frozen=True, kw_only=True)
class Page:
    """People, newest first; the keys lead to the pages beside it (None: there is none)."""

    people: list[Subscriber]
    newer: int | None
    older: int | None


def matching(workspace: Workspace, filters: Filters) -> QuerySet[Subscriber]:
    """Return the people of a workspace that the filters leave."""
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
    for word in filters.search.split()[:5]:
        people = people.filter(
            Q(email_key__contains=word.lower())
            | Q(first_name__icontains=word)
            | Q(last_name__icontains=word)
        )
    return filters.narrow(people, workspace)


def page(
    workspace: Workspace,
    filters: Filters,
    *,
    before: int | None = None,
    after: int | None = None,
) -> Page:
    """Return one page: people older than ``before``, or newer than ``after``, or the newest."""
    people = matching(workspace, filters)
    if after is not None:
        rows = list(people.filter(pk__gt=after).order_by("pk")[: PAGE + 1])
        more, rows = len(rows) > PAGE, rows[:PAGE][::-1]
        newer = rows[0].pk if more and rows else None
        older = rows[-1].pk if rows else None
    else:
        if before is not None:
            people = people.filter(pk__lt=before)
        rows = list(people.order_by("-pk")[: PAGE + 1])
        more, rows = len(rows) > PAGE, rows[:PAGE]
        newer = rows[0].pk if before is not None and rows else None
        older = rows[-1].pk if more else None
    _attach_subscriptions(rows)
    return Page(people=rows, newer=newer, older=older)


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
