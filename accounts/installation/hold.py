"""Hold: nothing is sent until a person says go.

What waited in a database when it was restored may have gone out meanwhile. So its mail is kept
(`SystemMail.State.KEPT`), and other rooms keep what is theirs (`begun`). What people ask for from
then on (a reset, a confirmation of today's sign-up) goes: nobody can have got that.
"""

import logging
from datetime import datetime
from typing import Final

from django.db import connection, transaction
from django.db.models import BooleanField, Count
from django.db.models.expressions import RawSQL
from django.dispatch import Signal
from django.utils import timezone

from accounts.models import Installation, SystemMail

log = logging.getLogger(__name__)
Because = Installation.Because

# Sent in the transaction in which sending is held; ``because`` says why.
begun = Signal()

# Which database and which table hold the row. A dump that is restored has other numbers.
HOME: Final = (
    "(SELECT oid FROM pg_database WHERE datname = current_database())::text"
    " || '/' || here.tableoid::text"
)
# True unless sending is held, or the row lies where it was not written and nobody noticed yet.
MAY_CLAIM: Final = f"""NOT EXISTS (
    SELECT FROM accounts_installation AS here
    WHERE here.held_since IS NOT NULL OR here.home <> {HOME}
)"""
# The same for mail that people ask for now, which may also go while sending is held.
IS_NOTICED: Final = f"""NOT EXISTS (
    SELECT FROM accounts_installation AS here WHERE here.held_since IS NULL AND here.home <> {HOME}
)"""


def is_noticed() -> RawSQL:
    """Return the condition that this is the database it was, or that the opposite is known."""
    return RawSQL(IS_NOTICED, (), output_field=BooleanField())  # noqa: S611 - no text from outside


def home() -> str:
    """Return where the row lies now."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT oid FROM pg_database WHERE datname = current_database())::text"
            " || '/' || 'accounts_installation'::regclass::oid::text"
        )
        row = cursor.fetchone()
    return str(row[0]) if row else ""


def state() -> Installation | None:
    """Return the row if sending is held; None: it is not. One small query."""
    return Installation.objects.filter(held_since__isnull=False).first()


def asks_about(asked_at: datetime | None) -> bool:
    """Say whether a mail is kept that was asked for then; None: one of many, whenever that was."""
    row = state()
    if row is None or row.held_since is None:
        return False
    return asked_at is None or (row.held_because != Because.ASKED and asked_at < row.held_since)


@transaction.atomic
def begin(because: Installation.Because) -> bool:
    """Hold all sending; False: it was held already, for a reason that asks for as much."""
    free = Installation.objects.exclude(held_since__isnull=False)
    if because is not Because.ASKED:
        free = free | Installation.objects.filter(held_because=Because.ASKED)
    if not free.update(held_since=timezone.now(), held_because=because):
        return False
    if because is not Because.ASKED:
        SystemMail.objects.filter(
            state__in=[SystemMail.State.WAITING, SystemMail.State.HELD], finished_at=None
        ).update(state=SystemMail.State.KEPT)
        begun.send(Installation, because=because)
    log.warning("sending.held", extra={"because": str(because)})
    return True


@transaction.atomic
def note_absence() -> None:
    """Let rooms ask about what was to go while nothing ran; everything else goes on."""
    begun.send(Installation, because=Because.AWAY)
    Installation.objects.update(pulse_at=timezone.now())


def kept() -> "dict[tuple[int | None, str], int]":
    """Count the mails that are kept, by workspace (None: the installation's own) and kind."""
    rows = SystemMail.objects.filter(state=SystemMail.State.KEPT).values_list("workspace", "kind")
    return {(space, kind): n for space, kind, n in rows.annotate(n=Count("pk")).order_by()}


def settle_mails(workspace: int | None, *, send: bool) -> int:
    """Send or drop what is kept of a workspace (None: of the installation); returns how many."""
    rows = SystemMail.objects.filter(state=SystemMail.State.KEPT, workspace=workspace)
    now = timezone.now()
    if send:
        return rows.update(state=SystemMail.State.WAITING, not_before=now)
    return rows.update(state=SystemMail.State.DROPPED, content=b"", finished_at=now)
