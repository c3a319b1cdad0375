"""The database as Django opens it; ``OPTIONS["patience"]`` bounds how long a statement is awaited.

A server that has gone is noticed at once, one that is frozen never is: its kernel goes on holding
the connection. Whoever serves people gives up then, so that they are told and others get the
thread; what takes long for a good reason runs in workers, which have no such bound.
"""

from contextlib import suppress
from types import SimpleNamespace
from typing import Any, TypeVar

import psycopg
from django.db.backends.postgresql import base
from psycopg.abc import PQGen

RV = TypeVar("RV")
CANCEL_SECONDS = 1.0


class PatientConnection(psycopg.Connection[Any]):
    """A connection that is closed when the server has been silent for too long."""

    patience: float | None = None

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """Wait for an answer; ``interval``: seconds between two looks for Ctrl-C.

        Raises:
            psycopg.OperationalError: none came in time; the connection is closed.
        """
        try:
            return super().wait(gen, interval, timeout or self.patience)
        except psycopg.OperationalError as error:
            if timeout is None and self.patience and not self.closed and _ran_out(error):
                with suppress(psycopg.Error):  # the server, if it lives, need not go on either
                    self.cancel_safe(timeout=CANCEL_SECONDS)
                self.pgconn.finish()
                raise psycopg.OperationalError("The database did not answer in time.") from error
            raise


def connect(*, patience: float | None = None, **options: Any) -> PatientConnection:
    """Connect; ``patience``: seconds until a statement is given up, None: never."""
    found = PatientConnection.connect(**options)
    found.patience = patience
    return found


def _ran_out(error: psycopg.OperationalError) -> bool:
    # psycopg's name for it is not public; a server's own errors have a code.
    return error.sqlstate is None and type(error).__name__ == "_WaitTimeout"


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's backend, whose connections are `PatientConnection`."""

    Database = SimpleNamespace(**{**vars(psycopg), "connect": connect})  # type: ignore[assignment]
