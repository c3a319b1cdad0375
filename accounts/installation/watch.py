"""Watch: whoever sends looks every second whether the database is still the one it was.

A look costs one read of Redis, of a small file and of one row. Whoever finds a sign that the
database went back in time or was copied holds all sending for everybody (`hold`). Between two looks
`hold.MAY_CLAIM` stands in the statements that take mail, so that a dump that is restored below
running workers is noticed by the statement itself.
"""

import logging
import os
import secrets
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts.installation import hold, marks, signs
from accounts.models import Installation

LOOK_SECONDS: Final = 1.0
_SETTLING: Final = 0x77617275  # any number, the same in every process
log = logging.getLogger(__name__)

_HOME: Final = hold.HOME
_ROW: Final = f"""
SELECT here.key, here.cluster, here.home, here.timeline, here.pulse, here.pulse_at,
    here.held_since, here.held_because, {_HOME} AS home_now, now()
FROM accounts_installation AS here
"""  # noqa: S608 - no text from outside
_CLUSTER: Final = """
SELECT (SELECT system_identifier FROM pg_control_system())::text,
    CASE WHEN pg_is_in_recovery() THEN 0
        ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int END,
    current_setting('synchronous_standby_names') <> ''
        AND current_setting('synchronous_commit') NOT IN ('off', 'local')
"""
_BEAT: Final = f"""
UPDATE accounts_installation AS here
SET pulse = pulse + 1, pulse_at = now(), timeline = %(timeline)s,
    cluster = CASE WHEN cluster = '' THEN %(cluster)s ELSE cluster END
WHERE key = %(key)s AND held_since IS NULL AND home = {_HOME}
    AND pulse_at < now() - interval '0.9 seconds'
RETURNING pulse
"""  # noqa: S608 - no text from outside

_under_way: list[Callable[[], signs.UnderWay]] = []
_has_history: list[Callable[[], bool]] = []


def register(under_way: Callable[[], signs.UnderWay], has_history: Callable[[], bool]) -> None:
    """Say who knows what would be sent by itself, and whether anything ever was."""
    _under_way.append(under_way)
    _has_history.append(has_history)


class _Known(threading.local):
    """What this thread found at its last look, over its connection to the database."""

    process: int = 0
    connection: Any = None
    at: float = 0.0
    may_send: bool = False


_known = _Known()


def may_send() -> bool:
    """Say whether mail may go: looks anew each second, and with each new connection.

    Raises:
        DatabaseError: the database is away.
    """
    now = time.monotonic()
    known = _known
    is_fresh = (
        known.process == os.getpid()
        and known.connection is connection.connection
        and now - known.at < LOOK_SECONDS
    )
    if not is_fresh:
        known.may_send = look(settle=False) is None
        known.process, known.at, known.connection = os.getpid(), now, connection.connection
    return known.may_send


def forget() -> None:
    """Look anew at the next question."""
    _known.at = 0.0
    _known.connection = None


def look(*, settle: bool = True) -> Installation.Because | None:
    """Look now; hold sending if there is a sign. Returns why it is held; None: it is not.

    ``settle``: whether a row may be written where another database's was. Workers may not: an empty
    table may be one that a dump is being loaded into.

    Raises:
        DatabaseError: the database is away.
    """
    key = Installation.objects.values_list("key", flat=True).first()
    if key is None:
        return _settle_in(settle=settle)
    outside = marks.read(key)  # before the row: it is never ahead of that
    server = _server()
    with connection.cursor() as cursor:
        cursor.execute(_ROW)
        row = cursor.fetchone()
    if row is None or row[0] != key:  # let go this moment
        return Installation.Because.ASKED
    _key, cluster, home, timeline, pulse, pulse_at, held, because, home_now, now = row
    if held is not None and because != Installation.Because.ASKED:
        return Installation.Because(because)
    inside = signs.Inside(
        cluster=cluster, home=home, timeline=timeline, pulse=pulse, pulse_at=pulse_at
    )
    there = signs.Server(
        cluster=server[0], home=home_now, timeline=server[1], now=now, is_synchronous=server[2]
    )
    sign = signs.judge(inside, there, outside, _ask_under_way)
    if sign is Installation.Because.AWAY:
        hold.note_absence()
    elif sign is not None:
        hold.begin(sign)
        return sign
    if held is not None:
        return Installation.Because.ASKED
    if outside.is_copied:  # and nothing that could go twice
        marks.settle(key)
    _beat(key, cluster=server[0], timeline=server[1] or timeline)
    return None


def let_go(by: Any = None) -> bool:
    """Send again, from the database as it is now. False: nothing was held."""
    cluster, timeline, _ = _server()
    with transaction.atomic():
        row = Installation.objects.select_for_update().filter(held_since__isnull=False).first()
        if row is None:
            return False
        seen = marks.read(row.key).pulse or 0
        # A new key: what worked here before, or goes on beside, is another from now on.
        row.key, row.pulse = secrets.token_hex(12), max(row.pulse, seen) + 1
        row.cluster, row.timeline, row.home = cluster, timeline, hold.home()
        row.pulse_at = row.let_go_at = timezone.now()
        row.let_go_by = by
        row.held_since, row.held_because = None, ""
        row.save()
        marks.write(row.key, row.pulse)  # before others can read the new key
    forget()
    log.warning("sending.let_go")
    return True


def _settle_in(*, settle: bool) -> Installation.Because | None:
    """Write the row of a database that has none: new, or of a release that had none yet."""
    if not settle and marks.read("").other:
        return Installation.Because.RESTORED
    cluster, timeline, _ = _server()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_SETTLING])
        if Installation.objects.exists():
            return None
        key = secrets.token_hex(12)
        was_another = bool(marks.read(key).other)
        marks.write(key, 0)  # before others can read the key
        Installation.objects.create(
            key=key, cluster=cluster, home=hold.home(), timeline=timeline, pulse_at=timezone.now()
        )
        if was_another and any(has() for has in _has_history):
            hold.begin(Installation.Because.RESTORED)
            return Installation.Because.RESTORED
    return None


def _beat(key: str, *, cluster: str, timeline: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_BEAT, {"key": key, "cluster": cluster, "timeline": timeline})
        row = cursor.fetchone()
    if row is not None:
        marks.write(key, row[0])


def _ask_under_way() -> signs.UnderWay:
    found = [ask() for ask in _under_way]
    return signs.UnderWay(
        now=any(one.now for one in found), at_all=any(one.at_all for one in found)
    )


def _server() -> tuple[str, int, bool]:
    """Return which cluster this is, its timeline, and whether replicas have all of it.

    Where a managed server does not say, the row's own place has to do.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_CLUSTER)
            row = cursor.fetchone()
    except DatabaseError:
        if not connection.is_usable():
            raise
        return "", 0, False
    return row or ("", 0, False)
