"""Invents how a finished campaign went: the ledger, the minutes of sending, and what came back."""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from campaigns import lifecycle
from campaigns.models import Campaign, Link
from delivery.models import Dispatch, SendingAccount
from delivery.pipeline import minutes, tallies
from delivery.states import AgentClass, EventKind, MessageState, Reason
from delivery.tracking import counting, first_events
from reports.demo.writing import DemoCampaign

# A number in [0, 1) per row and purpose, the same on every machine; ends with the session.
POINT = """
CREATE OR REPLACE FUNCTION pg_temp.point(id bigint, purpose text) RETURNS double precision
LANGUAGE sql IMMUTABLE RETURN abs(hashtext(id::text || purpose) % 1000000) / 1000000.0
"""

MESSAGES = """
INSERT INTO delivery_message
    (campaign_id, subscriber_id, state, reason, domain_group, attempts, content_version,
     created_at, attempted_at, reply_id)
SELECT %(campaign)s, t.subscriber_id, t.state, t.reason, t.domain_group,
    CASE WHEN t.state = %(skipped)s THEN 0 ELSE 1 END, 1, %(start)s,
    CASE WHEN t.state = %(skipped)s THEN NULL
         ELSE %(start)s + (row_number() OVER (ORDER BY t.subscriber_id)) * %(pace)s END,
    CASE t.state WHEN %(sent)s THEN %(ok)s WHEN %(failed)s THEN %(gone)s END
FROM (
    SELECT s.subscriber_id, p.domain_group,
        CASE WHEN s.status = 'subscribed' THEN
                CASE WHEN p.point < 0.0046 THEN %(failed)s
                     WHEN p.point < 0.0048 THEN %(unknown)s ELSE %(sent)s END
             ELSE %(skipped)s END AS state,
        CASE WHEN s.status = 'unsubscribed' THEN %(has_left)s
             WHEN s.status = 'unconfirmed' THEN %(not_confirmed)s
             WHEN p.point < 0.0046 THEN %(invalid)s
             WHEN p.point < 0.0048 THEN %(no_reply)s ELSE 0 END AS reason
    FROM (
        SELECT DISTINCT ON (subscriber_id) subscriber_id, status
        FROM subscribers_subscription
        WHERE list_id = ANY(%(lists)s) AND created_at < %(start)s
          AND (status <> 'unsubscribed' OR changed_at < %(start)s - interval '1 day')
        ORDER BY subscriber_id, status
    ) s
    JOIN LATERAL (
        SELECT domain_group,
               pg_temp.point(id, %(salt)s) AS point
        FROM subscribers_subscriber WHERE id = s.subscriber_id
    ) p ON true
) t
ORDER BY t.subscriber_id
"""

# -ln(1 - x) makes the long tail of real opens: half within hours, some after days.
EVENTS = """
INSERT INTO delivery_event
    (campaign_id, message_id, subscriber_id, kind, agent, at, link_ordinal, user_agent_id, reason)
SELECT campaign_id, id, subscriber_id, kind, agent, at, link, NULL, 0 FROM (
    SELECT m.campaign_id, m.id, m.subscriber_id, %(opened)s AS kind, %(human)s AS agent,
        m.attempted_at + interval '3 minutes'
            + least(-ln(1 - pg_temp.point(m.id, 'o2') * 0.999) * 9.0, 96) * interval '1 hour'
            AS at, 0 AS link
    FROM delivery_message m
    WHERE m.campaign_id = %(campaign)s AND m.state = %(sent)s
      AND pg_temp.point(m.id, 'o1') < %(open_rate)s
    UNION ALL
    SELECT m.campaign_id, m.id, m.subscriber_id, %(opened)s, %(proxy)s,
        m.attempted_at + pg_temp.point(m.id, 'p2') * interval '50 minutes', 0
    FROM delivery_message m
    WHERE m.campaign_id = %(campaign)s AND m.state = %(sent)s AND pg_temp.point(m.id, 'p1') < 0.206
    UNION ALL
    SELECT m.campaign_id, m.id, m.subscriber_id, %(clicked)s, %(human)s,
        m.attempted_at + interval '5 minutes'
            + least(-ln(1 - pg_temp.point(m.id, 'o2') * 0.999) * 9.0, 96) * interval '1 hour'
            + pg_temp.point(m.id, 'c2') * interval '4 minutes',
        1 + floor(power(pg_temp.point(m.id, 'c2'), 1.7) * %(links)s)::int
    FROM delivery_message m
    WHERE m.campaign_id = %(campaign)s AND m.state = %(sent)s
      AND pg_temp.point(m.id, 'o1') < %(open_rate)s AND pg_temp.point(m.id, 'c1') < %(click_share)s
    UNION ALL
    SELECT m.campaign_id, m.id, m.subscriber_id, %(clicked)s, %(scanner)s,
        m.attempted_at + interval '1 second', 1 + link
    FROM delivery_message m CROSS JOIN generate_series(0, %(links)s - 1) AS link
    WHERE m.campaign_id = %(campaign)s AND m.state = %(sent)s AND pg_temp.point(m.id, 's1') < 0.0088
    UNION ALL
    SELECT m.campaign_id, m.id, m.subscriber_id, %(unsubscribed)s, %(human)s,
        m.attempted_at + interval '8 minutes' + pg_temp.point(m.id, 'o2') * interval '30 hours', 0
    FROM delivery_message m
    WHERE m.campaign_id = %(campaign)s AND m.state = %(sent)s
      AND pg_temp.point(m.id, 'o1') < %(open_rate)s AND pg_temp.point(m.id, 'u1') < 0.0045
) events
WHERE at < %(now)s
ORDER BY at
"""

MARK_MESSAGES = """
UPDATE delivery_message m
SET opened_at = e.opened_at, clicked_at = e.clicked_at, unsubscribed_at = e.unsubscribed_at
FROM (
    SELECT message_id,
        min(at) FILTER (WHERE kind IN (%(opened)s, %(clicked)s)) AS opened_at,
        min(at) FILTER (WHERE kind = %(clicked)s) AS clicked_at,
        min(at) FILTER (WHERE kind = %(unsubscribed)s) AS unsubscribed_at
    FROM delivery_event WHERE campaign_id = %(campaign)s AND agent = %(human)s
    GROUP BY message_id
) e
WHERE m.id = e.message_id
"""

TALLIES = tallies.adding(
    "(SELECT domain_group, state, reason, 1 AS n"
    " FROM delivery_message WHERE campaign_id = %(campaign)s) AS moves",
    shard="0",
)
EVENT_TALLIES = counting.adding("""
SELECT campaign_id, kind, agent, link_ordinal, count(*), count(DISTINCT message_id)
FROM delivery_event WHERE campaign_id = %(campaign)s GROUP BY 1, 2, 3, 4
UNION ALL
-- Link 0: everybody who clicked, each once, whichever links they followed.
SELECT campaign_id, kind, agent, 0, count(*), count(DISTINCT message_id)
FROM delivery_event
WHERE campaign_id = %(campaign)s AND kind = %(clicked)s GROUP BY 1, 2, 3
""")
MINUTES = minutes.adding(
    {
        "sent": "count(*) FILTER (WHERE state = %(sent)s)",
        "failed": "count(*) FILTER (WHERE state = %(failed)s)",
    },
    minute="attempted_at",
    shard="0",
    source="delivery_message WHERE campaign_id = %(campaign)s AND attempted_at IS NOT NULL"
    " GROUP BY 2, 4",
    replaces=True,
)


def _reply(cursor: object, code: int, enhanced: str, text: str) -> int:
    cursor.execute(  # type: ignore[attr-defined]
        """
        INSERT INTO delivery_serverreply (hash, code, enhanced, text)
        VALUES (substring(sha256(%(text)s::bytea) FROM 1 FOR 16), %(code)s, %(enhanced)s, %(text)s)
        ON CONFLICT (hash) DO UPDATE SET text = EXCLUDED.text RETURNING id
        """,
        {"code": code, "enhanced": enhanced, "text": text},
    )
    return int(cursor.fetchone()[0])  # type: ignore[attr-defined]


def invent_send(campaign: Campaign, letter: DemoCampaign, *, now: datetime) -> None:
    """Write the whole history of one finished campaign, consistent to the last count."""
    start = now - timedelta(days=letter.days_ago or 0)
    Link.objects.bulk_create(
        Link(campaign=campaign, ordinal=number, url=url)
        for number, url in enumerate(letter.links, start=1)
    )
    Dispatch.objects.create(
        campaign=campaign,
        workspace=campaign.workspace,
        account=SendingAccount.objects.filter(workspace=campaign.workspace).first(),
        planning_done_at=start + timedelta(seconds=1),
        created_at=start,
    )
    with connection.cursor() as cursor:
        cursor.execute(POINT)
        values: dict[str, Any] = {
            "campaign": campaign.pk,
            "lists": list(campaign.include_lists.values_list("pk", flat=True)),
            "salt": str(letter.name),
            "start": start,
            "now": now,
            "pace": timedelta(milliseconds=48),
            "ok": _reply(cursor, 250, "2.0.0", "Ok: queued"),
            "gone": _reply(cursor, 550, "5.1.1", "User unknown"),
            **{state.name.lower(): state.value for state in MessageState},
            **{kind.name.lower(): kind.value for kind in EventKind},
            **{agent.name.lower(): agent.value for agent in AgentClass},
            "has_left": Reason.UNSUBSCRIBED.value,
            "not_confirmed": Reason.UNCONFIRMED.value,
            "invalid": Reason.ADDRESS_INVALID.value,
            "no_reply": Reason.NO_REPLY.value,
            "links": len(letter.links),
            # Each letter did a little better or worse than the last.
            "open_rate": 0.355 + 0.06 * ((campaign.pk * 7919) % 10) / 10,
            "click_share": 0.14 + 0.05 * ((campaign.pk * 104729) % 10) / 10,
        }
        cursor.execute(MESSAGES, values)
        first_events.pause_counting()
        for statement in (EVENTS, MARK_MESSAGES, TALLIES, EVENT_TALLIES, MINUTES):
            cursor.execute(statement, values)
        first_events.recount(campaign.pk)
        cursor.execute(
            "SELECT max(attempted_at) FROM delivery_message WHERE campaign_id = %s", [campaign.pk]
        )
        finished_at = cursor.fetchone()[0] or timezone.now()
    Campaign.objects.filter(pk=campaign.pk).update(
        send_at=start, started_at=start, finished_at=finished_at, created_at=start
    )
    lifecycle.freeze_content(campaign)
    campaign.versions.update(frozen_at=start)
