"""Undoing a whole import: as far as nobody built on it since, everything is as it was before.

First the people it found get back what it changed, where that has not been changed since; then the
people it created are deleted, as `people.delete` does. Each batch is a transaction of its own and
leaves nothing for a second one, so an undo that was interrupted simply goes on.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Left, Length, StrIndex, Substr
from django.utils import timezone

from accounts.background import set_aside
from subscribers.consent import suppression
from subscribers.imports import leftovers, undoing
from subscribers.imports.merge import detail
from subscribers.imports.run import sole_worker
from subscribers.models import ConsentEvent, Import, ImportChange, Suppression
from subscribers.people import people
from subscribers.states import (
    ConsentKind,
    ConsentSource,
    ImportStatus,
    SubscriptionStatus,
    SuppressionReason,
)

DAYS = 30
BATCH = 5_000
KIND = "undoing an import"
WROTE = (ImportStatus.DONE, ImportStatus.CANCELLED, ImportStatus.FAILED)


@dataclass(kw_only=True)
class Undone:
    """How far an undo is, and what it left alone: why a person stays → how many.

    Why: ``acted`` (a consent event of another origin), ``changed`` (a member or another import
    changed them), ``tagged`` (somebody else tagged them), ``failed`` (the database would not).
    """

    removed: int = 0
    restored: int = 0
    kept: dict[str, int] = field(default_factory=dict)
    until: int = 0  # the last created person who was looked at
    tidies: bool = False  # whether what it made goes too, where nothing uses it
    tidied: list[str] = field(default_factory=list)  # names of what went

    @property
    def stays(self) -> int:
        """How many created people stay."""
        return sum(self.kept.values())


def can_be_undone(record: Import) -> bool:
    """Say whether an import has written something, and lately enough."""
    return (
        record.status in WROTE
        and record.started_at is not None
        # Migrations of former releases left no trace to undo them by.
        and not (record.is_migration and "size" not in record.progress)
        and timezone.now() < deadline(record)
    )


def deadline(record: Import) -> datetime:
    """Return when an import's undo is over."""
    begin = record.finished_at or record.started_at or record.created_at
    return begin + timedelta(days=DAYS)


def outlook(record: Import) -> Undone:
    """Return what an undo would do now, without doing it."""
    with connection.cursor() as cursor:
        cursor.execute(undoing.JUDGE_ALL, _values(record))
        judged = dict(cursor.fetchall())
    removed = judged.pop("", 0)
    restored = _changed(record).values("subscriber").distinct().count()
    return Undone(removed=removed, restored=restored, kept=judged)


def _changed(record: Import) -> QuerySet[ImportChange]:
    """Return what it changed, without what was there already."""
    changes = ImportChange.objects.filter(from_import=record)
    return changes.filter(~Q(previous__has_key="again") | Q(previous__has_key="lists"))


def start(record: Import, *, tidies: bool = False) -> bool:
    """Make an undo due; the caller enqueues the task. False: it can't be undone (any more).

    ``tidies``: lists, tags and fields that the import made go, too, where nothing uses them.
    """
    if not can_be_undone(record):
        return False
    return bool(
        Import.objects.filter(pk=record.pk, status__in=WROTE).update(
            status=ImportStatus.UNDOING,
            undo=asdict(Undone(tidies=tidies)),
            asked_until=None,
            failure="",
        )
    )


def run(import_id: int) -> bool:
    """Undo an import, or go on undoing it. False: it is not due, or another worker has it."""
    with sole_worker(import_id) as got:
        record = Import.objects.filter(pk=import_id, status=ImportStatus.UNDOING).first()
        if not got or record is None:
            return False
        while _restore_some(record):
            pass
        while _remove_some(record):
            pass
        with _step(record) as state:
            _release(record)
            if state.tidies:
                state.tidied = leftovers.remove(record)
        Import.objects.filter(pk=import_id, status=ImportStatus.UNDOING).update(
            status=ImportStatus.UNDONE, undone_at=timezone.now(), undo=asdict(state)
        )
    return True


def _release(record: Import) -> None:
    """Lift the suppressions that an import brought, except for who asked for no mail since."""
    moment = record.started_at or record.created_at
    _leave_to_others(record)
    suppressed = brought(record)
    suppressed.exclude(former="").update(former="", detail="", created_by=None)
    wishes = ConsentEvent.objects.filter(
        subscriber__address_hash=OuterRef("address_hash"),
        workspace_id=record.workspace_id,
        list=None,
        kind=ConsentKind.UNSUBSCRIBED,
        at__gt=moment,
    )
    suppressed.filter(Exists(wishes)).update(
        reason=SuppressionReason.UNSUBSCRIBED, detail="", created_by=None
    )
    suppressed.delete()


def brought(record: Import) -> QuerySet[Suppression]:
    """Return the suppressions that an import alone brought."""
    # With a reason or a date of the file's own they are told by the end of their detail.
    return Suppression.objects.filter(
        Q(detail=detail(record)) | Q(detail__endswith=f" · {detail(record)}"),
        workspace_id=record.workspace_id,
    )


def _leave_to_others(record: Import) -> None:
    """Take an import's word off suppressions that another import brought, too."""
    own = detail(record)
    rows = Suppression.objects.filter(workspace_id=record.workspace_id)
    later = rows.filter(detail__endswith=f"; {own}")
    later.update(detail=Left("detail", Length("detail") - len(f"; {own}")))
    first = rows.filter(Q(detail__startswith=f"{own}; ") | Q(detail__contains=f" · {own}; "))
    behind = StrIndex("detail", Value(f"{own}; ")) + len(f"{own}; ")
    first.update(detail=Substr("detail", behind))


def _restore_some(record: Import) -> bool:
    """Give some of the people it found what they had; False when none is left."""
    with _step(record) as state:
        rows = list(
            ImportChange.objects.filter(from_import=record)
            .order_by("pk")
            .values_list("pk", "subscriber_id")[:BATCH]
        )
        people = sorted({person for _key, person in rows})

        def restore(some: Sequence[int]) -> None:
            values = {
                **_values(record),
                "changes": [key for key, person in rows if some[0] <= person <= some[-1]],
                "people": list(some),
            }
            with connection.cursor() as cursor:
                for statement in undoing.RESTORE:
                    cursor.execute(statement, values)
            connection.check_constraints()
            here = _changed(record).filter(pk__in=values["changes"])
            restored = here.values("subscriber").distinct().count()
            ImportChange.objects.filter(pk__in=values["changes"]).delete()
            state.restored += restored

        done = set_aside.together(KIND, people, restore, name=_name(record), passes=(OSError,))
        if done < len(people):
            # Those at fault stay as they are; their notes go, or they would be met for ever.
            left = ImportChange.objects.filter(pk__in=[key for key, _person in rows])
            state.kept["failed"] = state.kept.get("failed", 0) + len(people) - done
            left.delete()
    return len(rows) == BATCH


def _remove_some(record: Import) -> bool:
    """Delete some of the people it created, unless something happened to them since."""
    with _step(record) as state:
        with connection.cursor() as cursor:
            cursor.execute(undoing.JUDGE, {**_values(record), "until": state.until, "most": BATCH})
            judged: list[tuple[int, str]] = cursor.fetchall()

        def remove(some: Sequence[tuple[int, str]]) -> None:
            stay = [key for key, why in some if why]
            gone = [key for key, why in some if not why]
            # Also of those who go: the days of the lists count their joining off by it.
            values = {**_values(record), "people": [*stay, *gone]}
            with connection.cursor() as cursor:
                for statement in (*undoing.HAND_OVER, *undoing.TAKE_BACK):
                    cursor.execute(statement, values)
            removed = people.delete(record.workspace, ids=gone) if gone else 0
            connection.check_constraints()
            state.removed += removed
            for _key, why in some:
                if why:
                    state.kept[why] = state.kept.get(why, 0) + 1

        name = _name(record)
        done = set_aside.together(
            KIND, judged, remove, name=lambda one: name(one[0]), passes=(OSError,)
        )
        if done < len(judged):
            state.kept["failed"] = state.kept.get("failed", 0) + len(judged) - done
        if judged:
            state.until = judged[-1][0]
    return len(judged) == BATCH


def _name(record: Import) -> Callable[[int], str]:
    return lambda person: f"import {record.pk}, person {person}"


@contextmanager
def _step(record: Import) -> Iterator[Undone]:
    """Do one batch in a transaction, together with how far the undo is."""
    with transaction.atomic():
        stored = Import.objects.select_for_update().values_list("undo", flat=True).get(pk=record.pk)
        state = Undone(**stored)
        yield state
        Import.objects.filter(pk=record.pk).update(undo=asdict(state))


def _values(record: Import) -> dict[str, Any]:
    return {
        "workspace": record.workspace_id,
        "import": record.pk,
        "at": record.started_at,
        "now": timezone.now(),
        "source": ConsentSource.IMPORT,
        "kind": ConsentKind.TAKEN_BACK,
        "again": ConsentKind.GIVEN_AGAIN,
        "names": list(undoing.NAMES),
        "out": SuppressionReason.UNSUBSCRIBED,
        "subscribed": SubscriptionStatus.SUBSCRIBED,
        "actor": record.created_by_id,
        "detail": detail(record),
        "is_migration": record.is_migration,
        **suppression.STRENGTHS,
    }
