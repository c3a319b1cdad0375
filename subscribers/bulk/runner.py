"""Doing what an action says, batch by batch.

A batch, its counts and the key it reached are one transaction, and the action's row is locked
meanwhile: a worker that is killed leaves a batch done or not done, two workers never do it twice,
and a cancellation waits for the batch in hand.
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime

from django.db import connection, transaction
from django.utils import timezone

from accounts.background import set_aside
from subscribers.bulk import action_kinds, actions, fields, key_changes
from subscribers.models import BulkAction, BulkChange, Tag, Tagging
from subscribers.people import tags
from subscribers.signup.signup import SignupMail
from subscribers.states import BulkKind, BulkStatus

KEEP = """
INSERT INTO subscribers_bulkchange (action_id, at, subscriber_id, previous)
SELECT %s, %s, person, previous FROM unnest(%s::bigint[], %s::text[]) AS changed (person, previous)
"""
Send = Callable[[SignupMail], None]
SECONDS = 20.0  # a task's turn; then it makes room and comes again


def run(action_id: int, *, send: Send | None = None, seconds: float = SECONDS) -> BulkAction | None:
    """Work on an action for a while; returns the one to go on with, None when nothing is left.

    That is the same action, or one that follows from it. ``send`` gets the mails that an action
    asks for, inside the transaction of their batch. An action that may do only so much in a minute
    leaves the rest to the next call, a minute later.
    """
    until = time.monotonic() + seconds
    following: BulkAction | None = None
    while (following := _one_batch(action_id, send)) and following.pk == action_id:
        if time.monotonic() > until:
            break
    return following


def fail(action_id: int, *, reason: str) -> None:
    """Say that an action can't go on; what is done stays done."""
    BulkAction.objects.filter(pk=action_id, status__in=actions.OPEN).update(
        status=BulkStatus.FAILED, failure=reason[:300], finished_at=timezone.now()
    )


def _one_batch(action_id: int, send: Send | None) -> BulkAction | None:
    """Do one batch; returns the action to go on with: this one, a further one, or None."""
    with transaction.atomic():
        action = (
            BulkAction.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(pk=action_id, status__in=actions.OPEN)
            .select_related("workspace", "created_by")
            .first()
        )
        if action is None:
            return None
        undoing = action.status == BulkStatus.UNDOING
        if not undoing and _must_wait(action):
            return None
        if _undo_batch(action) if undoing else _do_batch(action, send):
            _store(action)
            return action
        action.status = BulkStatus.UNDONE if undoing else BulkStatus.DONE
        action.finished_at = timezone.now()
        _store(action)
        return None if undoing else _what_follows(action)


def _store(action: BulkAction) -> None:
    """Write how far it is; what it is about stays as it is (an erasure may have changed it)."""
    figures = ("status", "started_at", "finished_at", "total", "reached", "done", "changed")
    action.save(update_fields=figures)


def _must_wait(action: BulkAction) -> bool:
    """Say whether an action has done what it may by now."""
    most = action_kinds.STEPS[BulkKind(action.kind)].a_minute
    if most is None or action.started_at is None:
        return False
    minutes = int((timezone.now() - action.started_at).total_seconds() // 60)
    return action.changed >= most * (minutes + 1)


def _do_batch(action: BulkAction, send: Send | None) -> bool:
    step = action_kinds.STEPS[BulkKind(action.kind)]
    at = timezone.now()
    if action.started_at is None:
        action.status, action.started_at = BulkStatus.RUNNING, at
        action.total = actions.meant(action).order_by().count()
        action.reached = 0
        return True
    batch = list(
        actions.meant(action)
        .filter(pk__gt=action.reached)
        .order_by("pk")
        .values_list("pk", flat=True)[: step.batch]
    )
    if not batch:
        return False
    changed: list[tuple[int, str]] = []

    def apply(people: Sequence[int]) -> None:
        found = step.apply(action, people, at)
        if step.keeps_changes:
            _keep(action, found, at)
        if step.letters and send:
            for letter in step.letters(action, [person for person, _before in found]):
                send(letter)
        changed.extend(found)

    set_aside.together("bulk action", batch, apply, name="person {}".format)
    action.reached = batch[-1]
    action.done += len(batch)
    action.changed += len(changed)
    return True


def _keep(action: BulkAction, changed: Sequence[tuple[int, str]], at: datetime) -> None:
    with connection.cursor() as cursor:
        people = [person for person, _before in changed]
        cursor.execute(KEEP, [action.pk, at, people, [before for _person, before in changed]])


def _undo_batch(action: BulkAction) -> bool:
    step = action_kinds.STEPS[BulkKind(action.kind)]
    changes = list(
        BulkChange.objects.filter(action=action, subscriber_id__gt=action.reached).order_by(
            "subscriber_id"
        )[: step.batch]
    )
    if not changes or step.undo is None:
        return False
    undo, now = step.undo, timezone.now()
    set_aside.together(
        "bulk action",
        changes,
        lambda some: undo(action, some, now),
        name=lambda change: f"person {change.subscriber_id}",
    )
    action.reached = changes[-1].subscriber_id
    action.done += len(changes)
    return True


def _what_follows(action: BulkAction) -> BulkAction | None:
    """Do what remains once everybody was reached; returns a further action that it needs."""
    if action.kind == BulkKind.MERGE_TAG:
        old = Tag.objects.filter(workspace=action.workspace, pk=action.settings["tag"]).first()
        if old is not None:  # some may have been given it meanwhile
            late = Tagging.objects.filter(tag=old).values_list("subscriber_id", flat=True)
            tags.attach(action.workspace, people=list(late), tags=[action.settings["into"]])
            key_changes.rename_tag(action.workspace_id, tag=old.pk, into=action.settings["into"])
            tags.delete(old)
    if action.kind == BulkKind.COPY_FIELD and fields.switch_key(action):
        settings = {"key": action.settings["key"], "label": action.settings["label"]}
        return actions.start(
            action.workspace, kind=BulkKind.DROP_FIELD, actor=action.created_by, settings=settings
        )
    return None
