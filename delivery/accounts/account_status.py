"""How the sending accounts of a workspace stand: trouble, limits, today's use, the next slot."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import Workspace
from delivery.accounts import breaker
from delivery.limits import daily_usage, throttle, warm_up
from delivery.models import AccountDay, SendingAccount
from delivery.states import TransportKind


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountStatus:
    """One account; ``next_slot`` None: it may send now, else ``waits_for`` says what decides."""

    account: SendingAccount
    today: AccountDay
    warm_up: warm_up.Today | None
    next_slot: datetime | None
    waits_for: str
    may_go_up: bool = False
    may_go_down: bool = False

    @property
    def is_patient(self) -> bool:
        """Whether it works, and its provider only asked to wait."""
        return breaker.is_patient(self.account)


def of_workspace(workspace: Workspace) -> list[AccountStatus]:
    """Return all accounts in their order, the sandbox last. A fixed number of queries."""
    found = SendingAccount.objects.filter(workspace=workspace)
    accounts = list(found.select_related("workspace", "warm_up"))
    days = daily_usage.by_account(accounts)
    movable = [account.pk for account in accounts if account.kind != TransportKind.SANDBOX]
    return [_stand(account, days, movable) for account in accounts]


def of_account(account: SendingAccount) -> AccountStatus:
    """Return how one account stands."""
    return _stand(account, daily_usage.by_account([account]), [])


def _stand(
    account: SendingAccount, days: dict[int, AccountDay], movable: Sequence[int]
) -> AccountStatus:
    limits = throttle.limits_of(account)
    grant = throttle.permits(account.pk, limits, 0) if limits else throttle.Grant(permits=0)
    place = movable.index(account.pk) if account.pk in movable else -1
    return AccountStatus(
        account=account,
        today=days.get(account.pk) or AccountDay(account=account),
        warm_up=warm_up.today(account),
        next_slot=timezone.now() + timedelta(seconds=grant.wait) if grant.wait else None,
        waits_for=throttle.word_of(grant.limit),
        may_go_up=place > 0,
        may_go_down=0 <= place < len(movable) - 1,
    )


@transaction.atomic
def move(account: SendingAccount, *, up: bool) -> bool:
    """Let an account stand in earlier or later; False: it is at the end already, or the sandbox."""
    found = SendingAccount.objects.filter(workspace=account.workspace_id)
    others = list(found.exclude(kind=TransportKind.SANDBOX).select_for_update())
    ids = [other.pk for other in others]
    if account.pk not in ids:
        return False
    here = ids.index(account.pk)
    there = here - 1 if up else here + 1
    if not 0 <= there < len(ids):
        return False
    others[here], others[there] = others[there], others[here]
    for position, other in enumerate(others):
        other.position = position
    SendingAccount.objects.bulk_update(others, ["position"])
    return True
