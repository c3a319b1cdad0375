"""Mail that people wait for goes first: it never waits for a limit, but counts against it.

A confirmation or a reset is handed over at once, whatever campaigns have used up. Its permits are
taken all the same, so the account's rates hold over everything it sends: the campaigns behind wait
a little longer.
"""

from delivery.limits import throttle
from delivery.models import SendingAccount


def count(account: SendingAccount, mails: int) -> None:
    """Count mails that go now, limits or not. Without Redis they go uncounted."""
    limits = [throttle.CountedLimit.of(limit) for limit in throttle.limits_of(account)]
    if limits and mails:
        throttle.permits(account.pk, limits, mails)
