"""The product's own mails: resets, invitations, confirmations, each written down before it goes.

Who asks for one writes a row in their own transaction, so it is as certain as what they did; a task
sends what is due (`accounts.tasks`). Waiting happens in the row, never in the broker: losing all of
the broker costs a second, and no mail is there twice.

A row is taken by one process at a time. Before the last byte of its mail may leave, the row says so
(`LEAVING`); whoever dies after that leaves nobody knowing whether it arrived, and it is not sent
again. Whoever dies before has sent nothing.

The row holds references only, encrypted: mails are written when they go, to the address of then.
"""

import json
import logging
import random
import smtplib
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.installation import hold, secrets, watch
from accounts.models import SystemMail, Workspace

log = logging.getLogger(__name__)

State = SystemMail.State
Writer = Callable[..., EmailMessage | None]

LEASE: Final = timedelta(minutes=2)  # longer than `direct_send` waits for a server
WAITS: Final = (10, 30, 60, 300, 900)  # seconds after the first, second … time; then the last
JITTER: Final = 0.2
TOO_OLD: Final = timedelta(days=7)  # nobody waits for it any more
KEPT: Final = timedelta(days=30)  # of what has ended
LATELY: Final = timedelta(days=7)

_writers: dict[str, Writer] = {}


class NotDeliveredError(OSError):
    """The server did not take the mail; see the subclasses for what that means."""

    is_answer = False  # whether a server said so of this very mail


class DeferredError(NotDeliveredError):
    """The server asks to try this mail again later."""

    is_answer = True


class RefusedError(NotDeliveredError):
    """The server will never take it."""

    is_answer = True


class UnknownError(NotDeliveredError):
    """It was handed over, and no answer came: it may have arrived."""

    is_answer = True


def register(kind: str, writer: Writer) -> None:
    """Say how mails of a kind are written: from the keywords of `put`; None: not needed any more.

    Called once, when the app that owns the kind starts.
    """
    _writers[kind] = writer


def put(
    kind: str,
    *,
    workspace: int | None = None,
    person: int | None = None,
    may_wait: bool = False,
    asked_at: datetime | None = None,
    **references: Any,
) -> SystemMail:
    """Write down a mail that is to be sent, in the caller's transaction.

    ``references`` (JSON) are what its writer gets; ``person`` is the key of the subscriber it is
    for, with whom it is erased. ``may_wait``: one of many, for which nobody looks at a page.
    ``asked_at``: when somebody asked for it, where that was not this moment.
    """
    # What a restored database was still to write may have gone before: a person decides.
    is_kept = (may_wait or asked_at is not None) and hold.asks_about(asked_at)
    return SystemMail.objects.create(
        state=State.KEPT if is_kept else State.WAITING,
        kind=kind,
        workspace_id=workspace,
        person=person,
        priority=SystemMail.MANY if may_wait else SystemMail.SOMEBODY_WAITS,
        content=secrets.encrypt(json.dumps(references)),
    )


def send_next() -> bool:
    """Send the mail that is due first; False: none is.

    Raises:
        OperationalError: the database is away; whatever happened, the row tells the truth.
    """
    row = _take()
    if row is None:
        return False
    try:
        message = _write(row)
        if message is None:
            _end(row, State.DROPPED)
            return True
        # Django's mail API has no word for it; `system_mail.backend` asks before the last byte.
        message.before_leaving = partial(_leave, row)  # type: ignore[attr-defined]
        message.send()
    except (OperationalError, InterfaceError):
        raise
    except UnknownError as error:
        _end(row, State.UNKNOWN, reason=str(error))
    except RefusedError as error:
        _end(row, State.FAILED, reason=str(error))
    except (OSError, smtplib.SMTPException) as error:
        _wait(row, error)
    except Exception as error:
        log.exception("system_mail.failed", extra={"mail_id": row.pk})
        _end(row, State.FAILED, reason=f"{type(error).__name__}: {error}")
    else:
        _end(row, State.SENT)
    return True


def doubt_lost() -> int:
    """Note the mails whose process ended between their last byte and the answer; returns how many.

    They may have arrived, so they are not sent again.
    """
    lost = SystemMail.objects.filter(
        state=State.LEAVING, finished_at=None, not_before__lte=timezone.now()
    )
    return lost.update(
        state=State.UNKNOWN,
        reason="The process ended before the server's answer came.",
        content=b"",
        finished_at=timezone.now(),
    )


def forget_old() -> int:
    """Delete what ended long ago; returns how many."""
    return SystemMail.objects.filter(finished_at__lt=timezone.now() - KEPT).delete()[0]


def forget_people(workspace: Workspace, people: Iterable[int]) -> None:
    """Delete all that was or would be sent to these subscribers."""
    SystemMail.objects.filter(workspace=workspace, person__in=list(people)).delete()


def of_concern(workspace: Workspace | None = None) -> QuerySet[SystemMail]:
    """Return what failed or is unknown lately, and what waits for a second try, newest first.

    ``workspace``: only its own; None: everybody's, and the installation's.
    """
    rows = SystemMail.objects.filter(
        Q(state__in=[State.FAILED, State.UNKNOWN], finished_at__gt=timezone.now() - LATELY)
        | Q(state=State.WAITING, attempts__gt=0)
    )
    if workspace is not None:
        rows = rows.filter(workspace=workspace)
    return rows.order_by("-pk")


def _take() -> SystemMail | None:
    """Take the next mail: one that waits, or whose process ended before anything had left."""
    now = timezone.now()
    watch.may_send()  # held, only what was asked for since then still waits
    due = SystemMail.objects.filter(
        Q(state=State.WAITING) | Q(state=State.HELD),
        hold.is_noticed(),
        finished_at=None,
        not_before__lte=now,
    )
    with transaction.atomic():
        row = due.order_by("priority", "not_before", "pk").select_for_update(skip_locked=True)
        found = row.first()
        if found is None:
            return None
        found.state, found.not_before = State.HELD, now + LEASE
        found.attempts += 1
        found.save(update_fields=["state", "not_before", "attempts"])
    return found


def _write(row: SystemMail) -> EmailMessage | None:
    references = json.loads(secrets.decrypt(row.content))
    return _writers[row.kind](**references)


def _leave(row: SystemMail) -> bool:
    """Note that the last byte may leave now; False: it may not, another process has the row."""
    return bool(
        _ours(row, State.HELD)
        .filter(not_before__gt=timezone.now())
        .update(state=State.LEAVING, not_before=timezone.now() + LEASE)
    )


def _end(row: SystemMail, state: "SystemMail.State", *, reason: str = "") -> None:
    # An answer proves more than the silence that another process noted meanwhile.
    _ours(row, State.HELD, State.LEAVING, State.UNKNOWN).update(
        state=state, reason=reason[:300], content=b"", finished_at=timezone.now()
    )


def _wait(row: SystemMail, error: Exception) -> None:
    """Try again later, unless the time for it is over.

    An account in trouble is nobody's attempt: it doesn't use up the time that a server may take.
    """
    now = timezone.now()
    first: datetime | None = row.first_attempt_at
    if getattr(error, "is_answer", False):
        first = first or now
    is_over = first is not None and now >= first + settings.RETRY_FOR
    if is_over or now >= row.created_at + TOO_OLD:
        _end(row, State.FAILED, reason=str(error))
        return
    seconds = float(WAITS[min(row.attempts, len(WAITS)) - 1])
    seconds *= 1 + random.uniform(-JITTER, JITTER)  # noqa: S311 - no secret
    _ours(row, State.HELD, State.LEAVING).update(
        state=State.WAITING,
        reason=str(error)[:300],
        first_attempt_at=first,
        not_before=now + timedelta(seconds=seconds),
    )


def _ours(row: SystemMail, *states: "SystemMail.State") -> Any:
    """Return the row as long as no other process has taken it since."""
    return SystemMail.objects.filter(pk=row.pk, attempts=row.attempts, state__in=states)
