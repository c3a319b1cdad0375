"""The breaker of a sending account: open while its server is in trouble.

Nobody's mail fails by it. The account is left alone until ``retry_at``; then one worker may try,
and the others wait for what it finds. Each failure doubles the wait; the first mail that any server
answers closes the breaker.
"""

import random
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from django.db.models import F
from django.db.models.functions import Coalesce, Greatest, Least
from django.utils import timezone

from delivery.models import SendingAccount
from delivery.transports.protocol import ServerTroubleError

FIRST_WAIT: Final = 5.0  # seconds
LONGEST_WAIT: Final = 300.0
LONGEST_WAIT_FOR_PEOPLE: Final = 900.0  # trouble that only a person can mend
TRIAL: Final = timedelta(seconds=60)  # how long one worker's try keeps the others away
JITTER: Final = 0.1
MANY: Final = 1000


def is_open(account: SendingAccount) -> bool:
    """Say whether the account must be left alone at this moment."""
    return (
        account.broken_since is not None
        and account.retry_at is not None
        and account.retry_at > timezone.now()
    )


def is_patient(account: SendingAccount) -> bool:
    """Say whether the server works and only asked to wait: nobody needs to stand in for it."""
    return account.broken_since is not None and account.trouble_count == 0


def first_usable(routes: Iterable[SendingAccount]) -> SendingAccount | None:
    """Return the first account that is not in trouble now; nobody stands in for a patient one."""
    for account in routes:
        if not is_open(account):
            return account
        if is_patient(account):
            return None
    return None


def may_try(account: SendingAccount) -> bool:
    """Say whether mail may go through the account now; if it was in trouble, only one may try."""
    if account.broken_since is None:
        return True
    now = timezone.now()
    return bool(
        SendingAccount.objects.filter(
            pk=account.pk, broken_since__isnull=False, retry_at__lte=now
        ).update(retry_at=now + TRIAL)
    )


def let_others_try(account: SendingAccount) -> None:
    """Give up a try that `may_try` allowed and that did not come about."""
    SendingAccount.objects.filter(pk=account.pk, broken_since__isnull=False).update(
        retry_at=timezone.now()
    )


def trip(account: SendingAccount, trouble: ServerTroubleError) -> None:
    """Open the breaker, or keep it open for longer than the last time."""
    now = timezone.now()
    stored = SendingAccount.objects.filter(pk=account.pk)
    count = stored.values_list("trouble_count", flat=True).first() or 0
    longest = LONGEST_WAIT_FOR_PEOPLE if trouble.permanent else LONGEST_WAIT
    seconds = min(longest, FIRST_WAIT * 2 ** min(count, 10))
    seconds *= 1 + random.uniform(-JITTER, JITTER)  # noqa: S311 - no secret
    if trouble.is_patience:
        seconds = trouble.retry_after or FIRST_WAIT
    elif trouble.retry_after is not None:
        seconds = max(seconds, min(trouble.retry_after, 24 * 3600.0))
    stored.update(
        broken_since=Coalesce("broken_since", now),
        broken_reason=trouble.sentence[:500],
        retry_at=now + timedelta(seconds=seconds),
        trouble_count=0 if trouble.is_patience else Least(F("trouble_count") + 1, MANY),
        last_trouble=trouble.sentence[:500],
        last_trouble_at=now,
    )


def suspect(account: SendingAccount, sentence: str) -> None:
    """Note that a test showed the account in trouble; the next mail may try at once."""
    now = timezone.now()
    SendingAccount.objects.filter(pk=account.pk).update(
        broken_since=Coalesce("broken_since", now),
        broken_reason=sentence[:500],
        retry_at=Coalesce("retry_at", now),
        trouble_count=Greatest(F("trouble_count"), 1),
        last_trouble=sentence[:500],
        last_trouble_at=now,
    )


def close(account: SendingAccount) -> None:
    """Note that the server answers again."""
    SendingAccount.objects.filter(pk=account.pk, broken_since__isnull=False).update(
        broken_since=None, broken_reason="", retry_at=None, trouble_count=0
    )
