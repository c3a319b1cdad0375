"""Offers: which campaigns have something to send now, and by which account.

A process reads this at most twice a second and serves whoever had the fewest mails, so that
campaigns share the workers, and their account's limits, however large each is.
"""

import time
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from django.db.models import Min, Q, QuerySet
from django.utils import timezone

from accounts.background import set_aside
from accounts.installation import watch
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from delivery.accounts import breaker, routing
from delivery.models import Claim, SendingAccount
from delivery.states import ClaimState

READ_SECONDS: Final = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """A campaign that may be sent from now, through an account that may be used.

    ``is_shared``: others may be sent through it too.
    """

    campaign: Campaign
    account: SendingAccount
    priority: int
    is_shared: bool = False


def _open_claims() -> QuerySet[Claim]:
    """Return what waits to be taken of campaigns that nobody has to be asked about."""
    if not watch.may_send():
        return Claim.objects.none()
    return Claim.objects.filter(
        state=ClaimState.WAITING,
        campaign__status=CampaignStatus.SENDING,
        campaign__asks_since=None,
    )


def waiting() -> dict[int, tuple[int, datetime | None]]:
    """Return, by sending campaign with waiting claims, its priority and when the first is due.

    None: at once.
    """
    rows = (
        _open_claims()
        .values("campaign_id")
        .annotate(first=Min("priority"), now=Min("id", filter=Q(not_before=None)))
        .annotate(due=Min("not_before"))
        .values_list("campaign_id", "first", "now", "due")
    )
    return {
        campaign: (priority, None if at_once else due) for campaign, priority, at_once, due in rows
    }


def is_anything_due() -> bool:
    """Say whether a worker would find something to send now, whatever the breakers say."""
    return _open_claims().filter(Q(not_before=None) | Q(not_before__lte=timezone.now())).exists()


@dataclass(slots=True)
class Board:
    """What one process knows of the offers; forgets it after half a second."""

    _offers: list[Offer] = field(default_factory=list)
    _next: datetime | None = None
    _read_at: float = 0.0
    _served: Counter[int] = field(default_factory=Counter)

    def choose(self, *, without: Collection[int] = ()) -> Offer | None:
        """Return the offer whose turn it is, or None if there is nothing to send now.

        ``without``: accounts that are busy.
        """
        if time.monotonic() - self._read_at > READ_SECONDS:
            self.read()
        free = [offer for offer in self._offers if offer.account.pk not in without]
        if not free:
            return None
        return min(free, key=lambda o: (o.priority, self._served[o.campaign.pk]))

    def count(self, offer: Offer, mails: int) -> None:
        """Note that a campaign had its turn: it is the others' now."""
        self._served[offer.campaign.pk] += mails

    def withdraw(self, offer: Offer) -> None:
        """Stop offering a campaign until the next reading: it has no free claim just now."""
        self._offers = [other for other in self._offers if other is not offer]

    @property
    def is_empty(self) -> bool:
        """Whether nothing was offered at the last reading."""
        return not self._offers

    def forget(self) -> None:
        """Read anew at the next question."""
        self._read_at = 0.0

    @property
    def next_due(self) -> datetime | None:
        """When the next waiting claim of any campaign falls due; None: none waits."""
        return self._next

    def read(self) -> None:
        """Read which campaigns and accounts may be used now."""
        self._read_at = time.monotonic()
        self._offers, self._next = [], None
        claims = waiting()
        if not claims:
            self._served.clear()
            return
        now = timezone.now()
        self._next = min((due or now for _, due in claims.values()), default=None)
        due = {pk: priority for pk, (priority, at) in claims.items() if at is None or at <= now}
        campaigns = Campaign.objects.filter(pk__in=due).select_related("workspace", "content")
        accounts: dict[int, list[SendingAccount]] = {}
        for account in _accounts_of(due):
            accounts.setdefault(account.workspace_id, []).append(account)

        def offer(campaign: Campaign) -> None:
            route = usable(campaign, accounts.get(campaign.workspace_id, []))
            if route is not None:
                found = Offer(campaign=campaign, account=route, priority=due[campaign.pk])
                self._offers.append(found)

        set_aside.each("campaign", campaigns, offer, name=lambda one: f"campaign {one.pk}")
        by_account = Counter(found.account.pk for found in self._offers)
        self._offers = [
            replace(found, is_shared=True) if by_account[found.account.pk] > 1 else found
            for found in self._offers
        ]
        # Newcomers start level with those who have been served the least, not with a head start.
        least = min((self._served[o.campaign.pk] for o in self._offers), default=0)
        self._served = Counter(
            {o.campaign.pk: max(0, self._served[o.campaign.pk] - least) for o in self._offers}
        )


def _accounts_of(campaigns: Collection[int]) -> list[SendingAccount]:
    workspaces = Campaign.objects.filter(pk__in=list(campaigns)).values("workspace_id")
    return list(
        SendingAccount.objects.filter(workspace_id__in=workspaces).select_related(
            "workspace", "warm_up"
        )
    )


def usable(campaign: Campaign, accounts: list[SendingAccount]) -> SendingAccount | None:
    """Return the first account that fits the campaign and is not in trouble now."""
    routes = routing.candidates(
        accounts, from_email=campaign.from_email, chosen=campaign.sending_account_id
    )
    return breaker.first_usable(routes)
