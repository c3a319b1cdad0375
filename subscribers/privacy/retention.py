"""How long a workspace keeps what its people left behind: rules, and their application in batches.

The trigger of the consent ledger allows just what happens here: forgetting from where an event
came, and deleting the history of a list that the person has left. Whatever an active consent rests
on stays, and so does that somebody has left (docs/decisions/0034-what-retention-deletes.md).
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from accounts.background import set_aside
from accounts.models import Workspace
from subscribers.models import MailingList, Retention
from subscribers.states import ConsentKind

ROWS_A_BATCH = 5_000
EARLIEST = datetime.min.replace(tzinfo=UTC)
# Each batch begins where the one before ended; with its own index it meets nothing but what is due.
FORGET_ORIGINS = """
WITH due AS (
    SELECT id, at FROM subscribers_consentevent
    WHERE workspace_id = %(workspace)s AND at >= %(reached)s AND at < %(before)s
        AND (ip IS NOT NULL OR user_agent <> '')
    ORDER BY at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), forgotten AS (
    UPDATE subscribers_consentevent event SET ip = NULL, user_agent = ''
    FROM due WHERE event.id = due.id RETURNING event.id
)
SELECT (SELECT max(at) FROM due), (SELECT count(*) FROM due), (SELECT count(*) FROM forgotten)
"""
# Of the newest leaving stays that it was, and when: by it the ledger knows that nobody else may
# bring the person back.
FORGET_HISTORY = f"""
WITH gone AS (
    SELECT subscriber_id, changed_at FROM subscribers_subscription
    WHERE list_id = %(list)s AND status = 'unsubscribed' AND subscriber_id > %(reached)s
    ORDER BY subscriber_id LIMIT %(limit)s
), due AS (
    SELECT event.id, event.kind = '{ConsentKind.UNSUBSCRIBED.value}' AND NOT EXISTS (
        SELECT FROM subscribers_consentevent later
        WHERE later.subscriber_id = event.subscriber_id AND later.list_id = event.list_id
            AND later.kind = event.kind AND (later.at, later.id) > (event.at, event.id)
    ) AS stays
    FROM gone JOIN subscribers_consentevent event
        ON event.subscriber_id = gone.subscriber_id AND event.list_id = %(list)s
    WHERE event.at < %(before)s AND gone.changed_at < %(before)s
), forgotten AS (
    DELETE FROM subscribers_consentevent event USING due
    WHERE event.id = due.id AND NOT due.stays
    RETURNING event.id
), emptied AS (
    UPDATE subscribers_consentevent event SET ip = NULL, user_agent = '' FROM due
    WHERE event.id = due.id AND due.stays AND (event.ip IS NOT NULL OR event.user_agent <> '')
    RETURNING event.id
)
SELECT (SELECT max(subscriber_id) FROM gone), (SELECT count(*) FROM gone),
    (SELECT count(*) FROM forgotten) + (SELECT count(*) FROM emptied)
"""  # noqa: S608 - our own words
# "All mail" concerns every list: it goes when the person is on none any more.
FORGET_GENERAL_HISTORY = """
WITH due AS (
    SELECT event.id, event.at FROM subscribers_consentevent event
    WHERE event.workspace_id = %(workspace)s AND event.list_id IS NULL
        AND event.at >= %(reached)s AND event.at < %(before)s
        AND NOT EXISTS (
            SELECT FROM subscribers_subscription subscription
            WHERE subscription.subscriber_id = event.subscriber_id
                AND (subscription.status <> 'unsubscribed'
                    OR subscription.changed_at >= %(before)s)
        )
    ORDER BY event.at LIMIT %(limit)s
), forgotten AS (
    DELETE FROM subscribers_consentevent event USING due WHERE event.id = due.id RETURNING event.id
)
SELECT (SELECT max(at) FROM due), (SELECT count(*) FROM due), (SELECT count(*) FROM forgotten)
"""


def rules(workspace: Workspace) -> Retention:
    """Return a workspace's rules; one that has set none keeps everything."""
    return Retention.objects.get_or_create(workspace=workspace)[0]


def apply_all() -> int:
    """Apply every workspace's rules; returns how many events of the ledger were changed or went."""
    changed = 0

    def apply_one(found: Retention) -> None:
        nonlocal changed
        changed += apply(found)

    rules = Retention.objects.order_by("pk")
    set_aside.each("retention", rules, apply_one, name=lambda one: f"workspace {one.workspace_id}")
    return changed


def apply(found: Retention) -> int:
    """Apply one workspace's rules to the consent ledger, batch by batch."""
    changed = 0
    workspace = {"workspace": found.workspace_id}
    if found.origin_days is not None:
        values = {**workspace, "before": cutoff(found.origin_days)}
        changed += _walk(FORGET_ORIGINS, values, reached=EARLIEST)
    if found.history_days is not None:
        values = {**workspace, "before": cutoff(found.history_days)}
        for mailing_list in MailingList.objects.filter(workspace=found.workspace_id):
            changed += _walk(FORGET_HISTORY, {**values, "list": mailing_list.pk}, reached=0)
        changed += _walk(FORGET_GENERAL_HISTORY, values, reached=EARLIEST)
    if found.origin_days is not None or found.history_days is not None:
        Retention.objects.filter(pk=found.pk).update(applied_at=timezone.now())
    return changed


def cutoff(days: int) -> datetime:
    """Return the moment before which a rule forgets."""
    return timezone.now() - timedelta(days=days)


def _walk(statement: str, values: dict[str, Any], *, reached: datetime | int) -> int:
    """Run a statement batch by batch, each from the key that the one before reached."""
    whole = 0
    while True:
        batch = {**values, "reached": reached, "limit": ROWS_A_BATCH}
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('warta.retaining', 'on', true)")
            cursor.execute(statement, batch)
            reached, looked, changed = cursor.fetchone()
        whole += int(changed)
        if looked < ROWS_A_BATCH:
            return whole
