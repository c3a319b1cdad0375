"""Waking a task, once what it is to do is committed.

What is to be done stands in the database, and beat looks for it anyway: with the broker away it
comes a little later, and whoever asked for it gets their answer all the same.
"""

import logging
from functools import partial
from typing import Any

from django.db import transaction
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)


def wake(task: Any, *args: Any, after: float = 0) -> None:
    """Run a Celery task with these arguments after the commit, and ``after`` seconds more."""
    transaction.on_commit(partial(send, task, *args, after=after), robust=True)


def send(task: Any, *args: Any, after: float = 0) -> None:
    """Run a Celery task as soon as there is a worker for it, unless the broker is away."""
    try:
        if after:
            task.apply_async(args, countdown=after)
        else:
            task.delay(*args)
    except OperationalError:
        log.warning("The broker is away; %s is done when it is back.", task.name)
