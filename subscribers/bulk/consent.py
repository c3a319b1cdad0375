"""Joining and leaving a list by the thousand: `lifecycle`'s rules in statements over many people.

Nobody who has left the list (also if they were asked since), or has unsubscribed from everything,
comes back by a member's hand.
Each statement changes subscriptions and writes the consent events of exactly those it changed.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from subscribers.consent import ledger, suppression
from subscribers.models import BulkAction, BulkChange
from subscribers.states import ConsentKind, ConsentSource, SubscriptionStatus, SuppressionReason

_EVENTS = ledger.inserting(
    "changed ORDER BY subscriber_id",
    list_id="%(list)s::bigint",
    statement="%(statement)s::bigint",
)
RECORD = f", recorded AS ({_EVENTS})"
SUBSCRIBE = f"""
WITH before AS (
    SELECT subscriber_id, status FROM subscribers_subscription
    WHERE list_id = %(list)s AND subscriber_id = ANY(%(people)s)
), changed AS (
    INSERT INTO subscribers_subscription AS current
        (workspace_id, list_id, subscriber_id, status, changed_at, created_at)
    SELECT person.workspace_id, list.id, person.id, %(subscribed)s, %(at)s, %(at)s
    FROM subscribers_subscriber person
    JOIN subscribers_list list ON list.workspace_id = person.workspace_id
    WHERE person.workspace_id = %(workspace)s AND person.id = ANY(%(people)s)
        AND list.id = %(list)s
        AND NOT {suppression.holds("person", SuppressionReason.UNSUBSCRIBED)}
    ORDER BY person.id
    FOR KEY SHARE OF person, list
    ON CONFLICT (list_id, subscriber_id)
    DO UPDATE SET status = EXCLUDED.status, changed_at = EXCLUDED.changed_at
    WHERE current.status = %(asked)s AND NOT
        {ledger.HAD_LEFT.format(person="current.subscriber_id", list="current.list_id")}
    RETURNING subscriber_id
)
{{recorded}}
SELECT changed.subscriber_id, COALESCE(before.status, '')
FROM changed LEFT JOIN before ON before.subscriber_id = changed.subscriber_id
"""  # noqa: S608 - our own words
UNSUBSCRIBE = """
WITH before AS (
    SELECT subscriber_id, status FROM subscribers_subscription
    WHERE list_id = %(list)s AND workspace_id = %(workspace)s
        AND subscriber_id = ANY(%(people)s) AND status <> %(left)s
    ORDER BY subscriber_id FOR UPDATE
), changed AS (
    UPDATE subscribers_subscription current SET status = %(left)s, changed_at = %(at)s
    FROM before
    WHERE current.list_id = %(list)s AND current.subscriber_id = before.subscriber_id
    RETURNING current.subscriber_id
)
{recorded}
SELECT changed.subscriber_id, before.status
FROM changed JOIN before ON before.subscriber_id = changed.subscriber_id
"""
STAYS_OUT = ledger.STAYS_OUT.format(
    person="current.subscriber_id", list="current.list_id", since="was.at"
)
# Undo touches only what is still as the action left it: who acted since then has the last word.
UNDO_NEW = """
WITH changed AS (
    DELETE FROM subscribers_subscription current
    USING unnest(%(people)s::bigint[], %(moments)s::timestamptz[]) AS was (subscriber_id, at)
    WHERE current.list_id = %(list)s AND current.workspace_id = %(workspace)s
        AND current.subscriber_id = was.subscriber_id
        AND current.changed_at = was.at AND current.status = %(status)s
    RETURNING current.subscriber_id
)
{recorded}
SELECT subscriber_id, '' FROM changed
"""
UNDO_KNOWN = f"""
WITH changed AS (
    UPDATE subscribers_subscription current SET status = %(back)s, changed_at = %(at)s
    FROM unnest(%(people)s::bigint[], %(moments)s::timestamptz[]) AS was (subscriber_id, at)
    WHERE current.list_id = %(list)s AND current.workspace_id = %(workspace)s
        AND current.subscriber_id = was.subscriber_id
        AND current.changed_at = was.at AND current.status = %(status)s
        AND NOT (%(back)s = %(subscribed)s AND {STAYS_OUT})
    RETURNING current.subscriber_id
)
{{recorded}}
SELECT subscriber_id, '' FROM changed
"""  # noqa: S608 - our own words
Changed = list[tuple[int, str]]  # (person, the status before; "" none)


def subscribe(action: BulkAction, people: Sequence[int], at: datetime) -> Changed:
    """Put people on the action's list; says who was not on it, with their status before."""
    return _run(SUBSCRIBE, action, people, at, kind=ConsentKind.SUBSCRIBED)


def unsubscribe(action: BulkAction, people: Sequence[int], at: datetime) -> Changed:
    """Take people off the action's list; says who was on it, with their status before."""
    return _run(UNSUBSCRIBE, action, people, at, kind=ConsentKind.UNSUBSCRIBED)


def undo(
    action: BulkAction,
    changes: Sequence[BulkChange],
    at: datetime,
    *,
    left: SubscriptionStatus,
    back: str,
) -> int:
    """Give subscriptions, that are still ``left`` since the action, their status ``back``.

    "": they had none, and have none again; that is taken back, and nobody has left by it.
    """
    kinds = {
        "": ConsentKind.TAKEN_BACK,
        SubscriptionStatus.UNCONFIRMED: ConsentKind.ASKED,
        SubscriptionStatus.SUBSCRIBED: ConsentKind.RESUBSCRIBED,
    }
    return len(
        _run(
            UNDO_KNOWN if back else UNDO_NEW,
            action,
            [change.subscriber_id for change in changes],
            at,
            kind=kinds[back],
            moments=[change.at for change in changes],
            status=left,
            back=back,
            detail=f"undone: #{action.pk}",
        )
    )


def _run(
    statement: str,
    action: BulkAction,
    people: Sequence[int],
    at: datetime,
    *,
    kind: ConsentKind,
    **more: Any,
) -> Changed:
    values = {
        "workspace": action.workspace_id,
        "list": action.settings["list"],
        "statement": action.settings.get("statement"),
        "detail": str(action.settings.get("detail") or "")[:300],
        "actor": action.created_by_id,
        "people": list(people),
        "kind": kind,
        "source": ConsentSource.MANUAL,
        "at": at,
        "subscribed": SubscriptionStatus.SUBSCRIBED,
        "asked": SubscriptionStatus.UNCONFIRMED,
        "left": SubscriptionStatus.UNSUBSCRIBED,
        **more,
    }
    with connection.cursor() as cursor:
        cursor.execute(statement.replace("{recorded}", RECORD), values)
        return [(key, before) for key, before in cursor.fetchall()]
