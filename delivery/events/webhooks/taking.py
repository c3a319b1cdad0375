"""Events that wait, taken up: read, judged, told to `events.applying`, and marked with their fate.

One transaction holds both what was applied and what is written of it here, so a process that dies
between leaves the events waiting, and nothing counts twice.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from accounts.background import set_aside
from delivery.events import applying
from delivery.events.feedback import Fate, Feedback, Taken
from delivery.events.webhooks import intake, judging, reading, sns, splitting
from delivery.models import ProviderEvent, WebhookAddress
from delivery.states import ProviderEventState

BATCH: Final = 1_000
AGAIN: Final = timedelta(minutes=30)  # an event may be faster than our own note of the mail
# At which ages it is looked at again: most notes are there after seconds, few after minutes, and
# each look costs as much as the first.
LOOKS: Final = tuple(timedelta(minutes=one) for one in (1, 3, 10, 28))
LOOK: Final = timedelta(seconds=90)  # how long each of them lasts: longer than from run to run
KIND: Final = "provider events"
NOT_READ: Final = _("It could not be read.")
NOT_APPLIED: Final = _("It could not be applied; the log says why.")
NOBODY: Final = _("No email of this workspace is meant by it.")

_STATES: Final = {
    Fate.APPLIED: ProviderEventState.APPLIED,
    Fate.KNOWN: ProviderEventState.KNOWN,
    Fate.UNMATCHED: ProviderEventState.UNMATCHED,
    Fate.FAILED: ProviderEventState.FAILED,
}
_TROUBLES: Final = {Fate.UNMATCHED: NOBODY, Fate.FAILED: NOT_APPLIED}
_UPDATE: Final = """
UPDATE delivery_providerevent event
SET state = new.state, message_id = new.message, confidence = new.confidence,
    trouble = new.trouble, kind = new.kind, word = new.word, at = new.at,
    provider_id = new.provider_id, recipient = new.recipient
FROM unnest(%(ids)s::bigint[], %(states)s::smallint[], %(messages)s::bigint[],
    %(confidences)s::smallint[], %(troubles)s::text[], %(kinds)s::smallint[], %(words)s::text[],
    %(ats)s::timestamptz[], %(provider_ids)s::text[], %(recipients)s::text[])
    AS new (id, state, message, confidence, trouble, kind, word, at, provider_id, recipient)
WHERE event.id = new.id
"""

Apply = Callable[[Sequence[Feedback]], list[Taken]]


@dataclass(slots=True)
class _Case:
    """One waiting event, what it says, and what became of it."""

    event: ProviderEvent
    said: reading.Said | None = None
    news: Feedback | None = None
    state: ProviderEventState = ProviderEventState.FAILED
    trouble: str = ""
    message_id: int | None = None
    confidence: int = 0


def next_batch() -> int:
    """Take up to `BATCH` waiting events; returns how many there were.

    Raises:
        django.db.OperationalError: the database is away; the events wait on.
    """
    with transaction.atomic():
        waiting = ProviderEvent.objects.filter(state=ProviderEventState.WAITING)
        waiting = waiting.exclude(word=sns.CONFIRMATION).select_related("account")
        # Of several tasks each takes others.
        locked = waiting.select_for_update(skip_locked=True, of=("self",))
        events = list(locked.order_by("pk")[:BATCH])
        cases = [_read(event) for event in events]
        _apply([case for case in cases if case.news is not None], applying.apply)
        _write(cases)
    return len(events)


def _read(event: ProviderEvent) -> _Case:
    """Read a kept event anew: what reads it may have learnt since it came."""
    case = _Case(event)
    provider = event.account.provider
    try:
        found = reading.read(provider, splitting.load(event.payload), event_id=event.event_id)
        _keep_others(event, found)
        case.said = found[event.part]
        case.news = judging.feedback_of(
            case.said,
            workspace_id=event.workspace_id,
            account_id=event.account_id,
            received_at=event.received_at,
        )
    except reading.StrangeEventError:
        case.trouble = intake.STRANGE
    except Exception as error:  # noqa: BLE001 - one bad member never spoils the batch
        set_aside.note(KIND, subject=f"event {event.pk}", error=error)
        case.trouble = NOT_READ
    else:
        if case.news is None:
            case.state = ProviderEventState.IGNORED
    return case


def _keep_others(event: ProviderEvent, found: list[reading.Said]) -> None:
    """Write down the others whom an event is about, where it could not be read when it came."""
    if event.provider_id or event.part or len(found) < 2:  # noqa: PLR2004 - more than this one
        return
    others = [intake.row_of(said, event.payload) for said in found[1:]]
    intake.store(event.account, others, event.received_at)


def _apply(cases: Sequence[_Case], apply: Apply) -> None:
    """Have news applied; where that fails as a whole, half by half, down to the one at fault."""
    if not cases:
        return
    try:
        with transaction.atomic():
            taken = apply([case.news for case in cases if case.news is not None])
    except Exception as error:
        if set_aside.is_away(error):
            raise
        if len(cases) == 1:
            set_aside.note(KIND, subject=f"event {cases[0].event.pk}", error=error)
            cases[0].trouble = NOT_APPLIED
            return
        for half in set_aside.halves(cases):
            _apply(half, apply)
        return
    for case, fate in zip(cases, taken, strict=True):
        case.state = _STATES[fate.fate]
        case.trouble = _TROUBLES.get(fate.fate, "")
        case.message_id, case.confidence = fate.message_id, fate.confidence


def _write(cases: Sequence[_Case]) -> None:
    if not cases:
        return
    columns: dict[str, list[Any]] = {
        "ids": [case.event.pk for case in cases],
        "states": [case.state.value for case in cases],
        "messages": [case.message_id for case in cases],
        "confidences": [case.confidence for case in cases],
        "troubles": [case.trouble for case in cases],
        "kinds": [_kind(case) for case in cases],
        "words": [case.said.word if case.said else case.event.word for case in cases],
        "ats": [case.said.at if case.said else case.event.at for case in cases],
        "provider_ids": [(case.said or case.event).provider_id for case in cases],
        "recipients": [(case.said or case.event).recipient for case in cases],
    }
    with connection.cursor() as cursor:
        cursor.execute(_UPDATE, columns)


def _kind(case: _Case) -> int:
    if case.news is not None:
        return case.news.kind.value
    return case.event.kind if case.said is None else 0


def confirm_topics() -> int:
    """Confirm what Amazon SNS and the like asked to be confirmed; returns how many were tried.

    Outside of any transaction: it waits for another machine.
    """
    waiting = ProviderEvent.objects.filter(state=ProviderEventState.WAITING, word=sns.CONFIRMATION)
    events = list(waiting.select_related("account").order_by("pk")[:20])
    for event in events:
        _confirm(event)
    return len(events)


def _confirm(event: ProviderEvent) -> None:
    address = WebhookAddress.objects.filter(account=event.account_id)
    state, trouble = ProviderEventState.APPLIED, ""
    try:
        sns.confirm(event.account.provider, splitting.load(event.payload))
    except sns.AwayError:
        if event.received_at > timezone.now() - AGAIN:
            return  # the next run tries again
        state, trouble = ProviderEventState.FAILED, sns.NOT_ANSWERED
    except sns.NotConfirmedError as error:
        state, trouble = ProviderEventState.FAILED, str(error)
    except Exception as error:  # noqa: BLE001 - the others are confirmed all the same
        set_aside.note(KIND, subject=f"event {event.pk}", error=error)
        state, trouble = ProviderEventState.FAILED, NOT_READ
    found = ProviderEvent.objects.filter(pk=event.pk, state=ProviderEventState.WAITING)
    found.update(state=state, trouble=trouble)
    if trouble:
        address.update(trouble=trouble, trouble_at=timezone.now())
    else:
        address.update(topic_confirmed_at=timezone.now(), trouble="", trouble_at=None)


def try_again() -> int:
    """Let events wait again that came before we had noted the mail they are about.

    To be called every minute; an event has a few looks in half an hour, not one each minute.
    """
    now = timezone.now()
    due = Q()
    for age in LOOKS:
        due |= Q(received_at__gt=now - age - LOOK, received_at__lte=now - age)
    found = ProviderEvent.objects.filter(due, state=ProviderEventState.UNMATCHED)
    return found.update(state=ProviderEventState.WAITING)


def forget_old(before: datetime) -> int:
    """Delete events kept longer than the installation wants, whatever became of them."""
    gone = 0
    while True:
        old = ProviderEvent.objects.filter(received_at__lt=before).order_by("received_at")
        ids = list(old.values_list("pk", flat=True)[:BATCH])
        if not ids:
            return gone
        gone += ProviderEvent.objects.filter(pk__in=ids).delete()[0]
