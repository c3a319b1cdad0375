"""Actions on many people: begun by a member, done by `runner`, cancelled or undone."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Max, QuerySet
from django.utils import timezone

from accounts.models import User, Workspace
from subscribers.bulk import action_kinds
from subscribers.directory import directory
from subscribers.directory.filters import PeopleFilters
from subscribers.models import BulkAction, BulkChange, Subscriber
from subscribers.states import BulkKind, BulkStatus

OPEN = (BulkStatus.WAITING, BulkStatus.RUNNING, BulkStatus.UNDOING)
ENDED = (BulkStatus.DONE, BulkStatus.CANCELLED, BulkStatus.FAILED)
# Whose people are those who hold a value, whatever a page was narrowed to.
OF_A_FIELD = (BulkKind.COPY_FIELD, BulkKind.DROP_FIELD, BulkKind.REPLACE_CHOICE)

EVERYBODY = PeopleFilters()


def start(
    workspace: Workspace,
    *,
    kind: BulkKind,
    actor: User | None,
    settings: Mapping[str, Any] | None = None,
    whom: PeopleFilters | Sequence[int] = EVERYBODY,
) -> BulkAction:
    """Write down what is to be done with whom (keys, or filters); who comes later is not meant.

    The caller has the action run (`tasks.run_bulk_action`, or `bulk_run.run` for a few people).
    """
    newest = Subscriber.objects.filter(workspace=workspace).aggregate(key=Max("pk"))["key"]
    return BulkAction.objects.create(
        workspace=workspace,
        created_by=actor,
        kind=kind,
        settings=dict(settings or {}),
        filters=whom.stored() if isinstance(whom, PeopleFilters) else {},
        people=None if isinstance(whom, PeopleFilters) else sorted(set(whom)),
        up_to=newest or 0,
    )


def meant(action: BulkAction) -> QuerySet[Subscriber]:
    """Return the people that an action is about, as they are now."""
    if action.kind in OF_A_FIELD:
        everybody = Subscriber.objects.filter(
            workspace_id=action.workspace_id, fields__has_key=action.settings["key"]
        )
    else:
        everybody = directory.matching(action.workspace, PeopleFilters.read(action.filters))
    if action.people is not None:
        everybody = everybody.filter(pk__in=action.people)
    return everybody.filter(pk__lte=action.up_to)


def cancel(action: BulkAction) -> bool:
    """Stop an action after the batch in hand; what is done stays done. False: it has ended."""
    ended = BulkAction.objects.filter(
        pk=action.pk, status__in=[BulkStatus.WAITING, BulkStatus.RUNNING]
    ).update(status=BulkStatus.CANCELLED, finished_at=timezone.now())
    return bool(ended)


def may_undo(action: BulkAction) -> bool:
    """Say whether an action can be taken back."""
    undo = (
        action_kinds.STEPS[BulkKind(action.kind)].undo
        if action.kind in action_kinds.STEPS
        else None
    )
    return undo is not None and action.status in ENDED and action.changed > 0


def undo(action: BulkAction) -> bool:
    """Begin to take an action back; False: it can't be, or somebody was quicker.

    Who has changed since then keeps what they have now.
    """
    if not may_undo(action):
        return False
    begun = BulkAction.objects.filter(pk=action.pk, status__in=ENDED).update(
        status=BulkStatus.UNDOING,
        reached=0,
        done=0,
        total=BulkChange.objects.filter(action=action).count(),
        finished_at=None,
        failure="",
    )
    return bool(begun)


def unfinished_keys(workspace: Workspace) -> set[str]:
    """Return keys of fields whose values are still being moved or removed."""
    rows = BulkAction.objects.filter(workspace=workspace, status__in=OPEN, kind__in=OF_A_FIELD)
    settings = rows.values_list("settings", flat=True)
    return {key for row in settings for key in (row["key"], row.get("new", "")) if key}
