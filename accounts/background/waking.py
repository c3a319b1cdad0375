"""Wakes the workers: what is to be done stands in the database, and this only makes it be soon.

A wake-up that is lost costs seconds, because beat looks for the same work. So it never fails the
act that it follows: who pressed a button is told what was done, not that nobody heard a bell.
"""

import os
from functools import cache, partial
from typing import Any, Final

import redis
import structlog
from celery import Task, current_app
from django.db import transaction
from kombu import Connection, pools
from kombu.exceptions import KombuError

SECONDS: Final = 2.0  # that somebody who pressed a button waits for the broker, at most
AWAY: Final = (KombuError, redis.RedisError, OSError)
log = structlog.get_logger()


def wake(task: "Task[Any, Any]", *args: Any, after: float = 0) -> None:
    """Have ``task`` run with ``args`` soon (in ``after`` seconds), once what was done is committed.

    Never raises: a broker that is away, frozen or full is written into the log.
    """
    transaction.on_commit(partial(_send, task, args, after), robust=True)


def _send(task: "Task[Any, Any]", args: tuple[Any, ...], after: float) -> None:
    try:
        with pools.producers[_broker(os.getpid())].acquire(block=True, timeout=SECONDS) as producer:
            task.apply_async(args, countdown=after, producer=producer, retry=False)
    except AWAY as error:
        log.warning("wake.unheard", task=task.name, error=type(error).__name__)


@cache
def _broker(_process: int) -> Connection:
    """Return the broker's connection for those who can't wait: bounded, and tried once."""
    patience = {
        "socket_timeout": SECONDS,
        "socket_connect_timeout": SECONDS,
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0,
    }
    usual = current_app.conf.broker_transport_options
    return current_app.connection_for_write(transport_options={**usual, **patience})
