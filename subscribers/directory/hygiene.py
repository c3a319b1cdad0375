"""How healthy a workspace's people are: figures, and the filters that lead to the people."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Count, F, Q, Sum
from django.utils import timezone

from accounts.models import Workspace
from subscribers.models import ListDay, MailingList, Subscriber, Subscription
from subscribers.states import AddressFlag, SubscriptionStatus

MONTHS = 12
UNCONFIRMED_DAYS = 30


@dataclass(frozen=True, kw_only=True)
class Month:
    """Who joined and left a list in a month (UTC)."""

    first: date
    joined: int
    left: int


def months(*, last: date, count: int = MONTHS) -> list[date]:
    """Return the first days of the newest months, oldest first."""
    firsts = [last.replace(day=1)]
    while len(firsts) < count:
        firsts.append((firsts[-1] - timedelta(days=1)).replace(day=1))
    return firsts[::-1]


def growth(lists: list[MailingList]) -> dict[int, list[Month]]:
    """Return each list's newest twelve months, by list, in one query over the days."""
    firsts = months(last=timezone.now().date())
    days = ListDay.objects.filter(list__in=lists, day__gte=firsts[0])
    rows = days.values_list("list_id", "day__year", "day__month").annotate(
        Sum("joined"), Sum("left")
    )
    known = {
        (key, year, month): (joined, left) for key, year, month, joined, left in rows.order_by()
    }
    return {
        one.pk: [
            Month(first=first, joined=joined, left=left)
            for first in firsts
            for joined, left in [known.get((one.pk, first.year, first.month), (0, 0))]
        ]
        for one in lists
    }


def flagged(workspace: Workspace) -> dict[int, int]:
    """Count the people of a workspace by what was noticed about their addresses."""
    noticed = Subscriber.objects.filter(workspace=workspace, address_flags__gt=0)
    counts = {
        f"flag_{flag.value}": Count("pk", filter=Q(**{f"has_{flag.value}__gt": 0}))
        for flag in AddressFlag
    }
    has = {f"has_{flag.value}": F("address_flags").bitand(flag.value) for flag in AddressFlag}
    found = noticed.annotate(**has).aggregate(**counts)
    return {flag.value: found[f"flag_{flag.value}"] for flag in AddressFlag}


def unconfirmed_for_long(workspace: Workspace) -> int:
    """Count subscriptions that have waited for a confirmation longer than its link is good."""
    before = timezone.now() - timedelta(days=UNCONFIRMED_DAYS)
    return Subscription.objects.filter(
        list__workspace=workspace,
        status=SubscriptionStatus.UNCONFIRMED,
        changed_at__lt=before,
    ).count()


def waiting(workspace: Workspace, days: str) -> Q:
    """Return the condition of having waited for so many days (a `filters.Condition`)."""
    span = int(days) if days.isdecimal() and len(days) <= 4 else UNCONFIRMED_DAYS  # noqa: PLR2004
    late = Subscription.objects.filter(
        status=SubscriptionStatus.UNCONFIRMED,
        changed_at__lt=timezone.now() - timedelta(days=span),
        workspace=workspace,
    )
    return Q(pk__in=late.values("subscriber_id"))
