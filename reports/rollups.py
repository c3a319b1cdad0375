"""Keeps WorkspaceDay: a row of figures per workspace and day (UTC), rebuilt from the ledgers.

The beat rebuilds the last two days every few minutes; each rebuild writes the same figures however
often it runs.
"""

from datetime import UTC, date, datetime, time, timedelta

from django.db import connection
from django.utils import timezone

from accounts.models import Workspace
from delivery.states import AgentClass, EventKind

KINDS = {
    **{kind.name.lower(): kind.value for kind in EventKind},
    **{agent.name.lower(): agent.value for agent in AgentClass},
}
REBUILD = """
INSERT INTO reports_workspaceday AS d
    (workspace_id, day, subscribers, joined, "left", sent, delivered, opened, proxy_opened,
     clicked, unsubscribed, complained, bounced)
SELECT %(workspace)s, days.day,
    %(subscribers)s - coalesce(sum(j.joined) OVER (
        ORDER BY days.day DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0),
    coalesce(j.joined, 0), coalesce(c.gone, 0),
    coalesce(s.sent, 0), coalesce(s.sent, 0) - coalesce(e.bounced, 0),
    coalesce(e.opened, 0), coalesce(e.proxy_opened, 0), coalesce(e.clicked, 0),
    coalesce(e.unsubscribed, 0), coalesce(e.complained, 0),
    coalesce(e.bounced, 0) + coalesce(s.failed, 0)
FROM (
    SELECT generate_series(%(since)s::date, %(today)s::date, interval '1 day')::date AS day
) days
LEFT JOIN (
    SELECT (created_at AT TIME ZONE 'UTC')::date AS day, count(*) AS joined
    FROM subscribers_subscriber
    WHERE workspace_id = %(workspace)s AND created_at >= %(start)s GROUP BY 1
) j USING (day)
LEFT JOIN (
    SELECT (at AT TIME ZONE 'UTC')::date AS day, count(DISTINCT subscriber_id) AS gone
    FROM subscribers_consentevent
    WHERE workspace_id = %(workspace)s AND at >= %(start)s AND kind = 'unsubscribed' GROUP BY 1
) c USING (day)
LEFT JOIN (
    SELECT (m.minute AT TIME ZONE 'UTC')::date AS day, sum(m.sent) AS sent, sum(m.failed) AS failed
    FROM delivery_sendminute m
    JOIN campaigns_campaign k ON k.id = m.campaign_id
    WHERE k.workspace_id = %(workspace)s AND m.minute >= %(start)s GROUP BY 1
) s USING (day)
LEFT JOIN (
    SELECT (v.at AT TIME ZONE 'UTC')::date AS day,
        count(DISTINCT v.message_id) FILTER (WHERE v.kind = %(opened)s AND v.agent = %(human)s)
            AS opened,
        count(DISTINCT v.message_id) FILTER (WHERE v.kind = %(opened)s AND v.agent = %(proxy)s)
            AS proxy_opened,
        count(DISTINCT v.message_id) FILTER (WHERE v.kind = %(clicked)s AND v.agent = %(human)s)
            AS clicked,
        count(DISTINCT v.message_id) FILTER (WHERE v.kind = %(unsubscribed)s) AS unsubscribed,
        count(DISTINCT v.message_id) FILTER (WHERE v.kind = %(complained)s) AS complained,
        count(DISTINCT v.message_id) FILTER (WHERE v.kind = %(bounced)s) AS bounced
    FROM delivery_event v
    JOIN campaigns_campaign k ON k.id = v.campaign_id
    WHERE k.workspace_id = %(workspace)s AND v.at >= %(start)s GROUP BY 1
) e USING (day)
ON CONFLICT (workspace_id, day) DO UPDATE SET
    subscribers = EXCLUDED.subscribers, joined = EXCLUDED.joined, "left" = EXCLUDED."left",
    sent = EXCLUDED.sent, delivered = EXCLUDED.delivered, opened = EXCLUDED.opened,
    proxy_opened = EXCLUDED.proxy_opened, clicked = EXCLUDED.clicked,
    unsubscribed = EXCLUDED.unsubscribed, complained = EXCLUDED.complained,
    bounced = EXCLUDED.bounced
"""


def rebuild(workspace: Workspace, *, days: int = 2, today: date | None = None) -> None:
    """Rebuild the figures of the last ``days`` days, today included."""
    today = today or timezone.now().astimezone(UTC).date()
    since = today - timedelta(days=days - 1)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count FROM subscribers_subscribertally WHERE workspace_id = %s", [workspace.pk]
        )
        row = cursor.fetchone()
        cursor.execute(
            REBUILD,
            {
                "workspace": workspace.pk,
                **KINDS,
                "subscribers": row[0] if row else 0,
                "since": since,
                "today": today,
                "start": datetime.combine(since, time(), tzinfo=UTC),
            },
        )
