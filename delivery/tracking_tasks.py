"""Background work of tracking."""

import logging
import time

import redis
from celery import shared_task
from django.db import OperationalError

from delivery.tracking import ingest, review

log = logging.getLogger(__name__)

SLICE = 10.0  # seconds; what is left then is for the next run


@shared_task(name="delivery.ingest_events", queue="events")
def ingest_events() -> None:
    """Bring what readers did from the stream into the ledger, then look again at what is ripe."""
    until = time.monotonic() + SLICE
    try:
        while ingest.next_batch() == ingest.BATCH and time.monotonic() < until:
            pass
        while review.next_batch() == review.BATCH and time.monotonic() < until:
            pass
    except redis.RedisError:
        log.warning("events wait: Redis is away")
    except OperationalError:
        # A row stayed locked, or the database is away. Nothing was stored; the next run goes on.
        log.warning("events wait: the database is busy")
