"""Firsts per minute of sending: how many of the mails sent in it were opened, clicked and so on.

`SendMinute` holds them beside what was sent, so each is a part of it, whatever the hour of the
event. A trigger of delivery_message keeps them (migration 0015), once for each statement that
changes messages: whoever writes there need not think of it. `recount` makes a campaign's anew.
"""

from collections.abc import Iterable
from datetime import date

from django.db import connection, transaction

from delivery.models import ChangedDay, Dispatch
from delivery.pipeline import minutes
from delivery.states import AgentClass, EventKind, MessageState
from delivery.tracking import position

_PROXIED = """
UPDATE delivery_message AS message SET proxied_at = first.at
FROM (
    SELECT message_id, min(at) AS at FROM delivery_event
    WHERE campaign_id = %(campaign)s AND kind = %(opened)s AND agent = %(proxy)s GROUP BY 1
) AS first
WHERE message.id = first.message_id AND message.proxied_at IS NULL
"""
_ZERO = """
UPDATE delivery_sendminute
SET opened = 0, proxied = 0, clicked = 0, unsubscribed = 0, complained = 0, bounced = 0
WHERE campaign_id = %(campaign)s
"""
_COUNT = minutes.adding(
    {
        "opened": "count(opened_at)",
        "proxied": "count(proxied_at) FILTER (WHERE opened_at IS NULL)",
        "clicked": "count(clicked_at)",
        "unsubscribed": "count(unsubscribed_at)",
        "complained": "count(complained_at)",
        "bounced": "count(bounced_at)",
    },
    minute="coalesce(attempted_at, created_at)",
    shard="0",
    source="""delivery_message
WHERE campaign_id = %(campaign)s AND state = %(sent)s AND coalesce(
    opened_at, proxied_at, clicked_at, unsubscribed_at, complained_at, bounced_at) IS NOT NULL
GROUP BY 2, 4 ORDER BY 2, 4""",
    replaces=True,
)
_MARK = """
INSERT INTO delivery_changedday (campaign_id, day)
SELECT DISTINCT campaign_id, (minute AT TIME ZONE 'UTC')::date
FROM delivery_sendminute WHERE campaign_id = %(campaign)s
ON CONFLICT (campaign_id, day) DO NOTHING
"""


@transaction.atomic
def recount(campaign: int) -> None:
    """Count a campaign's firsts anew from the ledger, and mark its days as changed."""
    position.take(wait=True)  # nobody counts opens and clicks meanwhile
    values = {
        "campaign": campaign,
        "sent": MessageState.SENT.value,
        "opened": EventKind.OPENED.value,
        "proxy": AgentClass.PROXY.value,
    }
    pause_counting()
    with connection.cursor() as cursor:
        for statement in (_PROXIED, _ZERO, _COUNT, _MARK):
            cursor.execute(statement, values)
        cursor.execute("SELECT set_config('warta.recounting', 'off', true)")
    Dispatch.objects.filter(campaign=campaign).update(has_figures=True)


def pause_counting() -> None:
    """Let the trigger rest until `recount`, in this transaction: for who writes very many rows."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('warta.recounting', 'on', true)")


def uncounted() -> Iterable[int]:
    """Return the campaigns that were sent by a release that kept no firsts, newest first."""
    rows = Dispatch.objects.filter(has_figures=False).order_by("-campaign_id")
    return rows.values_list("campaign_id", flat=True).iterator()


def take_changed() -> list[tuple[int, date]]:
    """Take the marks of days (UTC) whose firsts have changed, as (campaign, day).

    Committed before anybody counts: what made a mark is then visible, and what comes later makes a
    mark of its own.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM delivery_changedday RETURNING campaign_id, day")
        return list(cursor.fetchall())


def put_back(marks: Iterable[tuple[int, date]]) -> None:
    """Mark days again that could not be counted."""
    rows = [ChangedDay(campaign_id=campaign, day=day) for campaign, day in marks]
    ChangedDay.objects.bulk_create(rows, ignore_conflicts=True)
