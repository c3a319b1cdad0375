"""What is known about sends under way, for any number of campaigns in a fixed number of queries."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db.models import Count, OuterRef, Q, Subquery
from django.utils import timezone

from campaigns.models import Campaign
from delivery.figures import ledgers, running
from delivery.figures.ledgers import Ledger
from delivery.models import Claim, Dispatch, Message, SendingAccount
from delivery.states import ClaimState, MessageState


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """One campaign: its ledger with lanes, its rate, its claims and its accounts.

    ``is_held``: a worker has a claim of it now. ``is_waiting``: claims wait, ``is_due``: only for a
    worker, else until ``until`` for the limit ``waiting_for``. ``retry_at``: when the first
    deferred message is tried again.
    """

    ledger: Ledger
    speed: float = 0.0
    is_planned: bool = False
    is_held: bool = False
    is_waiting: bool = False
    is_due: bool = False
    until: datetime | None = None
    waiting_for: str = ""
    retry_at: datetime | None = None
    accounts: list[SendingAccount] = field(default_factory=list)


def of(
    campaigns: Collection[Campaign],
    *,
    books: Mapping[int, Ledger] | None = None,
    speeds: Mapping[int, float] | None = None,
) -> dict[int, Known]:
    """Read what is known, by campaign id; ``books`` and ``speeds`` are read if they are not given.

    Seven queries however many campaigns, none without any.
    """
    if not campaigns:
        return {}
    keys = [campaign.pk for campaign in campaigns]
    books = books or ledgers.with_lanes(keys)
    speeds = speeds or running.rates(campaigns)
    planned = set(
        Dispatch.objects.filter(campaign__in=keys, planning_done_at__isnull=False).values_list(
            "campaign_id", flat=True
        )
    )
    claims, retries = _claims(keys), _retries(keys)
    accounts: dict[int, list[SendingAccount]] = {}
    workspaces = {campaign.workspace_id for campaign in campaigns}
    for account in SendingAccount.objects.filter(workspace_id__in=workspaces):
        accounts.setdefault(account.workspace_id, []).append(account)
    return {
        campaign.pk: replace(
            Known(ledger=books[campaign.pk], **claims.get(campaign.pk, {})),
            speed=speeds[campaign.pk],
            is_planned=campaign.pk in planned,
            retry_at=retries.get(campaign.pk),
            accounts=accounts.get(campaign.workspace_id, []),
        )
        for campaign in campaigns
    }


def _claims(keys: Collection[int]) -> dict[int, dict[str, Any]]:
    now = timezone.now()
    waiting = Q(state=ClaimState.WAITING)
    due = waiting & (Q(not_before=None) | Q(not_before__lte=now))
    rows = (
        Claim.objects.filter(campaign__in=keys)
        .values_list("campaign_id")
        .annotate(
            held=Count("pk", filter=Q(state=ClaimState.HELD, held_until__gte=now)),
            waiting=Count("pk", filter=waiting),
            due=Count("pk", filter=due),
        )
    )
    found: dict[int, dict[str, Any]] = {
        key: {"is_held": bool(held), "is_waiting": bool(waits), "is_due": bool(is_due)}
        for key, held, waits, is_due in rows
    }
    first = (
        Claim.objects.filter(waiting, campaign__in=keys, not_before__isnull=False)
        .order_by("campaign_id", "not_before")
        .distinct("campaign_id")
    )
    for key, until, what in first.values_list("campaign_id", "not_before", "waiting_for"):
        found[key] |= {"until": until, "waiting_for": what}
    return found


def _retries(keys: Collection[int]) -> dict[int, datetime | None]:
    deferred = Message.objects.filter(
        campaign=OuterRef("pk"), state=MessageState.DEFERRED, not_before__isnull=False
    )
    first = Subquery(deferred.order_by("not_before").values("not_before")[:1])
    found = Campaign.objects.filter(pk__in=keys).annotate(retry_at=first)
    return dict(found.values_list("pk", "retry_at"))
