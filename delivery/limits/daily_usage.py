"""What a sending account handed over each day, for people to read; the ledger knows it exactly."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Final

from django.db import connection
from django.utils import timezone

from delivery.limits import warm_up
from delivery.models import AccountDay, SendingAccount
from delivery.transports.protocol import Verdict

_NOTE: Final = """
INSERT INTO delivery_accountday AS day (account_id, day, sent, deferred, failed)
SELECT id, %(day)s, %(sent)s, %(deferred)s, %(failed)s FROM delivery_sendingaccount
WHERE id = %(account)s
ON CONFLICT (account_id, day) DO UPDATE SET sent = day.sent + EXCLUDED.sent,
    deferred = day.deferred + EXCLUDED.deferred, failed = day.failed + EXCLUDED.failed
"""


def note(account: SendingAccount, counts: Mapping[Verdict, int]) -> None:
    """Add what became of a claim's mails to the account's day."""
    values = {
        "sent": counts.get(Verdict.SENT, 0),
        "deferred": counts.get(Verdict.DEFERRED, 0),
        "failed": counts.get(Verdict.FAILED, 0),
    }
    if any(values.values()):
        with connection.cursor() as cursor:
            cursor.execute(_NOTE, {"account": account.pk, "day": today(account), **values})


def today(account: SendingAccount) -> date:
    """Return the day it is for the account's workspace."""
    return timezone.now().astimezone(warm_up.zone_of(account)).date()


def by_account(accounts: Iterable[SendingAccount]) -> dict[int, AccountDay]:
    """Return today's figures by account; an account that sent nothing is not in it."""
    known = {account.pk: today(account) for account in accounts}
    rows = AccountDay.objects.filter(account__in=known, day__in=set(known.values()))
    return {row.account_id: row for row in rows if row.day == known[row.account_id]}


def lately(account: SendingAccount, *, days: int) -> dict[date, int]:
    """Return how many mails were sent on each of the last days that had any."""
    since = today(account) - timedelta(days=days - 1)
    rows = AccountDay.objects.filter(account=account, day__gte=since).order_by("day")
    return dict(rows.values_list("day", "sent"))
