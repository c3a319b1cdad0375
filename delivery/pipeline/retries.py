"""When a deferred message is tried again, and when it is given up."""

import random
from datetime import datetime, timedelta

from django.conf import settings

JITTER = 0.2  # of the wait, either way, so that a greylisted thousand does not come back as one


def wait(attempts: int, *, longest: timedelta | None = None) -> timedelta:
    """Return how long to wait after ``attempts`` failed attempts (at least 1)."""
    steps = settings.RETRY_AFTER
    seconds = float(steps[min(attempts, len(steps)) - 1])
    seconds *= 1 + random.uniform(-JITTER, JITTER)  # noqa: S311 - no secret
    if longest is not None:
        seconds = min(seconds, longest.total_seconds())
    return timedelta(seconds=seconds)


def next_try(*, attempts: int, since: datetime, now: datetime) -> datetime | None:
    """Return when to try again; None: the time allowed (`settings.RETRY_FOR`) is over.

    ``since`` is the first attempt: however long a message waited for it (a warm-up, a pause, a
    limit), it may be deferred as long as any other.
    """
    over = since + settings.RETRY_FOR
    at = now + wait(attempts)
    if now >= over:
        return None
    return min(at, over)
