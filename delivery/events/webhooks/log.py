"""What a provider reported, for people: found by address or id, filtered, told again."""

from dataclasses import dataclass
from typing import Final

from django.db.models import Count, Q, QuerySet

from delivery.models import ProviderEvent, SendingAccount
from delivery.states import EventKind, ProviderEventState

PAGE: Final = 50
MOST_AT_ONCE: Final = 100_000  # told again by one press
MAY_BE_TOLD_AGAIN: Final = (ProviderEventState.UNMATCHED, ProviderEventState.FAILED)
OTHER: Final = "other"  # in place of a kind: what no email's story knows


@dataclass(frozen=True, kw_only=True, slots=True)
class Filter:
    """What to show; "" is everything. ``before`` is the id that the page begins below."""

    search: str = ""
    state: str = ""
    kind: str = ""
    before: int | None = None


def found(account: SendingAccount, chosen: Filter) -> QuerySet[ProviderEvent]:
    """Return an account's events, newest first."""
    events = ProviderEvent.objects.filter(account=account)
    if chosen.search:
        events = events.filter(
            Q(recipient__startswith=chosen.search.lower())
            | Q(provider_id__in=[chosen.search, f"<{chosen.search.strip('<>')}>"])
        )
    if chosen.state.isdecimal() and int(chosen.state) in ProviderEventState:
        events = events.filter(state=int(chosen.state))
    if chosen.kind == OTHER:
        events = events.filter(kind=0)
    elif chosen.kind.isdecimal() and int(chosen.kind) in EventKind:
        events = events.filter(kind=int(chosen.kind))
    if chosen.before is not None:
        events = events.filter(pk__lt=chosen.before)
    return events.order_by("-pk")


def page(account: SendingAccount, chosen: Filter) -> tuple[list[ProviderEvent], int | None]:
    """Return a page of events, and the id below which the next begins (None: there is none)."""
    rows = list(found(account, chosen).defer("payload")[: PAGE + 1])
    return rows[:PAGE], rows[PAGE - 1].pk if len(rows) > PAGE else None


def open_counts(account: SendingAccount) -> dict[ProviderEventState, int]:
    """Return how many events could not be matched, and how many failed."""
    events = ProviderEvent.objects.filter(account=account, state__in=MAY_BE_TOLD_AGAIN)
    counted = events.values_list("state").annotate(n=Count("pk")).order_by()
    return {ProviderEventState(state): n for state, n in counted}


def tell_again(events: QuerySet[ProviderEvent]) -> int:
    """Let events that found no mail, or failed, be taken up once more; returns how many."""
    ids = events.filter(state__in=MAY_BE_TOLD_AGAIN).order_by("pk").values("pk")[:MOST_AT_ONCE]
    open_ones = ProviderEvent.objects.filter(pk__in=ids, state__in=MAY_BE_TOLD_AGAIN)
    return open_ones.update(state=ProviderEventState.WAITING, trouble="")
