"""Work on many where one may be bad: it is left out and noted where a person sees it.

Every loop of the background goes through `each` (one by one) or `together` (a batch that is halved
until the bad member is found), every file that is handed out through `making`. What is away for a
moment (database, Redis, broker) is nobody's fault and is raised: the whole work is tried again
later.
"""

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from datetime import timedelta
from hashlib import blake2b
from typing import Final, TypeVar

import redis
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError
from psycopg import Error as PostgresError

from accounts.models import SetAside

log = logging.getLogger(__name__)

AWAY: Final = (OperationalError, InterfaceError, redis.RedisError, BrokerError)
KEPT: Final = timedelta(days=30)
LATELY: Final = timedelta(days=7)
MOST: Final = 1_000  # kinds of trouble that are kept; older ones make room
# What an error quotes of somebody's values: addresses, numbers of networks, words in quotation
# marks. The name of a constraint is ours.
_PERSONAL: Final = re.compile(
    r"\S+@\S+|(?<!constraint )\"[^\"]*\"|“[^”]*”|'[^']*'|\b[0-9a-f]*[:.][0-9a-f:.]{4,}",
    re.IGNORECASE,
)
_PUT: Final = """
INSERT INTO accounts_setaside (digest, kind, subject, reason, count, first_at, last_at)
VALUES (%(digest)s, %(kind)s, %(subject)s, %(reason)s, 1, %(now)s, %(now)s)
ON CONFLICT (digest) DO UPDATE
SET count = accounts_setaside.count + 1, last_at = EXCLUDED.last_at
"""

# PostgreSQL's "program limit exceeded", as of a value that no index can hold: psycopg counts it
# among what is away for a moment, but the same row meets it every time.
_LIMITS: Final = "54"

Item = TypeVar("Item")
Made = TypeVar("Made")


def each(
    kind: str,
    items: Iterable[Item],
    work: Callable[[Item], object],
    *,
    name: Callable[[Item], str] = str,
) -> int:
    """Do ``work`` with one item after the other; returns with how many it went well.

    ``name`` says which item it is, for people, without anything personal.
    """
    return sum(_one(kind, item, work, name) for item in items)


def together(
    kind: str,
    items: Sequence[Item],
    work: Callable[[Sequence[Item]], object],
    *,
    name: Callable[[Item], str] = str,
    passes: tuple[type[Exception], ...] = (),
) -> int:
    """Do ``work`` with all items in one transaction; returns with how many it went well.

    Where that fails, with each half of them, down to the ones that are at fault. Errors that are no
    item's fault here, and so are raised, are in ``passes``.
    """
    if not items:
        return 0
    if len(items) == 1:
        return int(_one(kind, items[0], lambda item: _in_transaction(work, [item]), name, passes))
    try:
        _in_transaction(work, items)
    except Exception as error:
        if is_away(error) or isinstance(error, passes):
            raise
        # Found again in one of the halves, and noted there.
        return sum(together(kind, half, work, name=name, passes=passes) for half in halves(items))
    return len(items)


def making(
    kind: str,
    items: Sequence[Item],
    make: Callable[[Sequence[Item]], Made],
    *,
    instead: Callable[[Item], Made],
    name: Callable[[Item], str] = str,
) -> Iterator[Made]:
    """Yield what ``make`` makes of all items, or of each half of them where that fails.

    Of one that is at fault ``instead`` makes something, in its place, and it is noted.
    """
    try:
        with transaction.atomic() if connection.in_atomic_block else nullcontext():
            made = make(items)
    except Exception as error:
        if is_away(error) or not items:
            raise
        if len(items) > 1:
            for half in halves(items):
                yield from making(kind, half, make, instead=instead, name=name)
            return
        note(kind, subject=name(items[0]), error=error)
        made = instead(items[0])
    yield made


def halves(items: Sequence[Item]) -> tuple[Sequence[Item], Sequence[Item]]:
    """Cut a batch in two."""
    middle = len(items) // 2
    return items[:middle], items[middle:]


def is_away(error: BaseException) -> bool:
    """Say whether something is away for a moment, so that no member of a batch is at fault."""
    if not isinstance(error, AWAY):
        return False
    cause = error.__cause__
    state = cause.sqlstate if isinstance(cause, PostgresError) else None
    return not (state or "").startswith(_LIMITS)


def note(kind: str, *, subject: str, error: BaseException) -> None:
    """Note what was set aside, for people and in the log."""
    log.error("set_aside", extra={"kind": kind, "subject": subject}, exc_info=error)
    put(kind, subject=subject, error=error)


def put(kind: str, *, subject: str, error: BaseException | str) -> None:
    """Note what was set aside and why; the same again is counted."""
    reason = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
    reason = without_values(reason)
    digest = blake2b(f"{kind}\0{subject}\0{reason}".encode("utf-8", "replace"), digest_size=16)
    with connection.cursor() as cursor:
        cursor.execute(
            _PUT,
            {
                "digest": digest.digest(),
                "kind": kind,
                "subject": _line(subject)[:120],
                "reason": reason,
                "now": timezone.now(),
            },
        )


def lately() -> QuerySet[SetAside]:
    """Return what was set aside within a week, newest first."""
    return SetAside.objects.filter(last_at__gt=timezone.now() - LATELY).order_by("-last_at")


def without_values(text: str) -> str:
    """Return the first line of an error without what it quotes of people."""
    return _PERSONAL.sub("…", _line(text.strip().partition("\n")[0]))[:300]


def forget_old() -> int:
    """Forget what has not happened again for long, and all but the newest; returns how many."""
    gone, _each = SetAside.objects.filter(last_at__lt=timezone.now() - KEPT).delete()
    newest = SetAside.objects.order_by("-last_at").values("pk")[:MOST]
    more, _each = SetAside.objects.exclude(
        pk__in=list(newest.values_list("pk", flat=True))
    ).delete()
    return gone + more


def _one(
    kind: str,
    item: Item,
    work: Callable[[Item], object],
    name: Callable[[Item], str],
    passes: tuple[type[Exception], ...] = (),
) -> bool:
    try:
        if connection.in_atomic_block:
            with transaction.atomic():
                work(item)
        else:
            work(item)
    except Exception as error:
        if is_away(error) or isinstance(error, passes):
            raise
        note(kind, subject=name(item), error=error)
        return False
    return True


def _in_transaction(work: Callable[[Sequence[Item]], object], items: Sequence[Item]) -> None:
    with transaction.atomic():
        work(items)


def _line(text: str) -> str:
    """Return text as PostgreSQL can store it, in one line."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
