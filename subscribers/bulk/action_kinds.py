"""What each kind of action does with a batch of people, and how it is taken back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any

from django.db import connection

from subscribers.bulk import ask_again, consent, fields
from subscribers.consent import suppression
from subscribers.models import BulkAction, BulkChange
from subscribers.people import people, tags
from subscribers.privacy import erasure
from subscribers.signup.signup import SignupMail
from subscribers.states import BulkKind, SubscriptionStatus, SuppressionReason

Changed = list[tuple[int, str]]  # (person, what was there before)
SUPPRESS = suppression.inserting(
    """SELECT workspace_id, address_hash, email_key, %(reason)s, %(detail)s, %(actor)s::bigint,
    %(at)s::timestamptz
FROM subscribers_subscriber
WHERE workspace_id = %(workspace)s AND id = ANY(%(people)s)
ORDER BY address_hash""",
    known="DO NOTHING RETURNING address_hash",
)
SUPPRESSED = """
SELECT id, '' FROM subscribers_subscriber
WHERE workspace_id = %(workspace)s AND id = ANY(%(people)s) AND address_hash = ANY(%(hashes)s)
"""
# Where the person has asked for no mail since, only that stays.
RELEASE = f"""
WITH added AS (
    SELECT suppression.id, suppression.reason, suppression.former
    FROM unnest(%(people)s::bigint[], %(moments)s::timestamptz[]) AS was (id, at)
    JOIN subscribers_subscriber person
        ON person.id = was.id AND person.workspace_id = %(workspace)s
    JOIN subscribers_suppression suppression
        ON {suppression.of("person")} AND suppression.created_at = was.at
    ORDER BY suppression.id FOR UPDATE OF suppression
), wished AS (
    UPDATE subscribers_suppression SET former = '', detail = '', created_by_id = NULL
    WHERE id IN (SELECT id FROM added WHERE former = %(reason)s)
)
DELETE FROM subscribers_suppression
WHERE id IN (SELECT id FROM added WHERE reason = %(reason)s)
"""  # noqa: S608 - our own words


@dataclass(frozen=True, kw_only=True)
class ActionKind:
    """How one kind of action works.

    ``apply`` returns those it changed; ``undo`` takes the changes of one batch back and returns how
    many it could; without it the kind can't be undone. ``batch`` people belong to one transaction.
    """

    apply: Callable[[BulkAction, Sequence[int], datetime], Changed]
    undo: Callable[[BulkAction, Sequence[BulkChange], datetime], int] | None = None
    batch: int = 2_000
    keeps_changes: bool = True
    letters: Callable[[BulkAction, Sequence[int]], list[SignupMail]] | None = (
        None  # to those changed
    )
    a_minute: int | None = None  # people, at most


def _add_tag(action: BulkAction, ids: Sequence[int], _at: datetime) -> Changed:
    return _plain(tags.attach(action.workspace, people=ids, tags=[action.settings["tag"]]))


def _remove_tag(action: BulkAction, ids: Sequence[int], _at: datetime) -> Changed:
    return _plain(tags.detach(action.workspace, people=ids, tags=[action.settings["tag"]]))


def _undo_add_tag(action: BulkAction, changes: Sequence[BulkChange], at: datetime) -> int:
    return len(_remove_tag(action, _people(changes), at))


def _undo_remove_tag(action: BulkAction, changes: Sequence[BulkChange], at: datetime) -> int:
    return len(_add_tag(action, _people(changes), at))


def _merge_tag(action: BulkAction, ids: Sequence[int], _at: datetime) -> Changed:
    moved = tags.detach(action.workspace, people=ids, tags=[action.settings["tag"]])
    tags.attach(action.workspace, people=moved, tags=[action.settings["into"]])
    return _plain(moved)


def _undo_consent(
    action: BulkAction,
    changes: Sequence[BulkChange],
    at: datetime,
    *,
    left: SubscriptionStatus,
) -> int:
    undone = 0
    ordered = sorted(changes, key=attrgetter("previous"))
    for back, group in groupby(ordered, key=attrgetter("previous")):
        undone += consent.undo(action, list(group), at, left=left, back=back)
    return undone


def _suppress(action: BulkAction, ids: Sequence[int], at: datetime) -> Changed:
    values: dict[str, Any] = {
        "workspace": action.workspace_id,
        "people": list(ids),
        "reason": SuppressionReason.MANUAL,
        "detail": str(action.settings.get("detail") or "")[:300],
        "actor": action.created_by_id,
        "at": at,
    }
    with connection.cursor() as cursor:
        cursor.execute(SUPPRESS, values)
        values["hashes"] = [bytes(digest) for (digest,) in cursor.fetchall()]
        cursor.execute(SUPPRESSED, values)
        return [(key, before) for key, before in cursor.fetchall()]


def _release(action: BulkAction, changes: Sequence[BulkChange], _at: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            RELEASE,
            {
                "workspace": action.workspace_id,
                "people": _people(changes),
                "moments": [change.at for change in changes],
                "reason": SuppressionReason.MANUAL,
            },
        )
        return int(cursor.rowcount)


def _delete(action: BulkAction, ids: Sequence[int], _at: datetime) -> Changed:
    count = people.delete(action.workspace, ids=list(ids))
    return _plain(ids[:count])


def _erase(action: BulkAction, ids: Sequence[int], _at: datetime) -> Changed:
    return _plain(erasure.erase_all(action.workspace, ids=ids, actor=action.created_by))


def _plain(ids: Sequence[int]) -> Changed:
    return [(one, "") for one in ids]


def _people(changes: Sequence[BulkChange]) -> list[int]:
    return [change.subscriber_id for change in changes]


STEPS: dict[BulkKind, ActionKind] = {
    BulkKind.ADD_TAG: ActionKind(apply=_add_tag, undo=_undo_add_tag),
    BulkKind.REMOVE_TAG: ActionKind(apply=_remove_tag, undo=_undo_remove_tag),
    BulkKind.SUBSCRIBE: ActionKind(
        apply=consent.subscribe,
        undo=partial(_undo_consent, left=SubscriptionStatus.SUBSCRIBED),
    ),
    BulkKind.UNSUBSCRIBE: ActionKind(
        apply=consent.unsubscribe,
        undo=partial(_undo_consent, left=SubscriptionStatus.UNSUBSCRIBED),
    ),
    BulkKind.ASK_AGAIN: ActionKind(
        apply=ask_again.ask,
        batch=ask_again.AT_ONCE,
        letters=ask_again.letters,
        a_minute=ask_again.A_MINUTE,
    ),
    BulkKind.SUPPRESS: ActionKind(apply=_suppress, undo=_release),
    BulkKind.DELETE: ActionKind(apply=_delete, batch=500, keeps_changes=False),
    BulkKind.ERASE: ActionKind(apply=_erase, batch=100, keeps_changes=False),
    BulkKind.MERGE_TAG: ActionKind(apply=_merge_tag, keeps_changes=False),
    BulkKind.COPY_FIELD: ActionKind(apply=fields.copy, keeps_changes=False),
    BulkKind.DROP_FIELD: ActionKind(apply=fields.drop, keeps_changes=False),
    BulkKind.REPLACE_CHOICE: ActionKind(apply=fields.replace_choice, keeps_changes=False),
}
