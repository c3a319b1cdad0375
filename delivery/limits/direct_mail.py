"""Mail that people wait for goes first: it never waits for a limit, but counts against it.

A confirmation or a reset is handed over at once, whatever campaigns have used up. Its permits are
taken all the same, so the account's rates hold over everything it sends: the campaigns behind wait
a little longer.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import redis

from delivery.limits import throttle
from delivery.models import SendingAccount


@contextmanager
def counted(account: SendingAccount, mails: int) -> Iterator[None]:
    """Count mails that go within the block, limits or not. Without Redis they go uncounted."""
    limits = throttle.limits_of(account)
    if not limits or not mails:
        yield
        return
    hand = throttle.new_hand()
    with suppress(redis.RedisError):
        throttle.take(account.pk, limits, mails, hand=hand)
    try:
        yield
    finally:
        with suppress(redis.RedisError):
            throttle.settle(account.pk, limits, hand, [time.monotonic()] * mails)
