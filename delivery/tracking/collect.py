"""Take note of an open or a click without keeping the reader waiting, and never fail them."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import redis
from django.db import DatabaseError

from delivery.tracking import hits, ingest
from delivery.tracking.hits import Hit

log = logging.getLogger(__name__)

PAUSE = 5.0  # seconds without asking a Redis that didn't answer


# The web process's own way (`writer`), which knows a file to put hits into; says whether it did.
through: Callable[[Hit], bool] | None = None


@dataclass(slots=True)
class _Absence:
    until: float = 0.0


_absence = _Absence()


def note(hit: Hit) -> None:
    """Hand a hit to the stream, or to the database while Redis is away, or drop it."""
    if through is not None and through(hit):
        return
    if time.monotonic() >= _absence.until:
        try:
            hits.push(hit)
        except redis.RedisError:
            _absence.until = time.monotonic() + PAUSE
            log.warning("Redis is away: opens and clicks go straight to the database")
        else:
            return
    try:
        ingest.directly(hit)
    except DatabaseError:
        log.warning("an open or click was lost: neither Redis nor the database answered")
