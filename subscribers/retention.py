"""How long a workspace keeps what its people left behind: rules, and their application in batches.

The trigger of the consent ledger allows just what happens here: forgetting from where an event
came, and deleting the history of a list that the person has left. Whatever an active consent rests
on stays (docs/decisions/0034-what-retention-may-forget.md).
"""

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Workspace
from subscribers.models import Retention

ROWS_A_BATCH = 5_000
# Most of these rows were written in the order of time, so that a batch ends soon.
FORGET_ORIGINS = """
UPDATE subscribers_consentevent SET ip = NULL, user_agent = ''
WHERE id IN (
    SELECT id FROM subscribers_consentevent
    WHERE workspace_id = %(workspace)s AND at < %(before)s
        AND (ip IS NOT NULL OR user_agent <> '')
    ORDER BY at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
"""
FORGET_HISTORY = """
DELETE FROM subscribers_consentevent WHERE id IN (
    SELECT event.id
    FROM subscribers_list list
    JOIN subscribers_subscription subscription
        ON subscription.list_id = list.id AND subscription.status = 'unsubscribed'
            AND subscription.changed_at < %(before)s
    JOIN subscribers_consentevent event
        ON event.subscriber_id = subscription.subscriber_id AND event.list_id = list.id
    WHERE list.workspace_id = %(workspace)s AND event.at < %(before)s
    LIMIT %(limit)s
)
"""
# "All mail" concerns every list: it goes when the person is on none any more.
FORGET_GENERAL_HISTORY = """
DELETE FROM subscribers_consentevent WHERE id IN (
    SELECT event.id FROM subscribers_consentevent event
    WHERE event.workspace_id = %(workspace)s AND event.list_id IS NULL AND event.at < %(before)s
        AND NOT EXISTS (
            SELECT FROM subscribers_subscription subscription
            WHERE subscription.subscriber_id = event.subscriber_id
                AND (subscription.status <> 'unsubscribed'
                    OR subscription.changed_at >= %(before)s)
        )
    LIMIT %(limit)s
)
"""


def rules(workspace: Workspace) -> Retention:
    """Return a workspace's rules; one that has set none keeps everything."""
    return Retention.objects.get_or_create(workspace=workspace)[0]


def apply_all() -> int:
    """Apply every workspace's rules; returns how many events of the ledger were changed or went."""
    return sum(apply(one) for one in Retention.objects.order_by("pk"))


def apply(found: Retention) -> int:
    """Apply one workspace's rules to the consent ledger, batch by batch."""
    changed = 0
    if found.origin_days is not None:
        before = cutoff(found.origin_days)
        changed += _repeat(FORGET_ORIGINS, found.workspace_id, before)
    if found.history_days is not None:
        before = cutoff(found.history_days)
        changed += _repeat(FORGET_HISTORY, found.workspace_id, before)
        changed += _repeat(FORGET_GENERAL_HISTORY, found.workspace_id, before)
    if found.origin_days is not None or found.history_days is not None:
        Retention.objects.filter(pk=found.pk).update(applied_at=timezone.now())
    return changed


def cutoff(days: int) -> datetime:
    """Return the moment before which a rule forgets."""
    return timezone.now() - timedelta(days=days)


def _repeat(statement: str, workspace_id: int, before: datetime) -> int:
    values: dict[str, int | datetime] = {
        "workspace": workspace_id,
        "before": before,
        "limit": ROWS_A_BATCH,
    }
    whole = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('warta.retaining', 'on', true)")
            cursor.execute(statement, values)
            count = int(cursor.rowcount)
        whole += count
        if count < ROWS_A_BATCH:
            return whole
