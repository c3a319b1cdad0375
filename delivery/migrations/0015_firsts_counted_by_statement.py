"""Firsts are counted once for each statement, however many messages it changes.

For each row, thousands of mails of one minute changed in one transaction read through thousands of
versions of that minute's row: the square of their number. What is counted stays the same.
"""

from importlib import import_module

from django.db import migrations

_EARLIER = import_module("delivery.migrations.0014_what_came_of_each_minutes_mail")
SENT, UNKNOWN = 4, 7  # delivery.states.MessageState
_FIRSTS = (
    "opened_at",
    "proxied_at",
    "clicked_at",
    "unsubscribed_at",
    "complained_at",
    "bounced_at",
)


def _any(row: str) -> str:
    return f"coalesce({', '.join(f'{row}.{name}' for name in _FIRSTS)}) IS NOT NULL"


def _missing(row: str) -> str:
    return f"({', '.join(f'{row}.{name} IS NULL' for name in _FIRSTS)})"


def _change(name: str, more: str = "") -> str:
    """Count the messages that have a first now, less those for whom it was counted before."""
    now = f"fresh.{name}_at IS NOT NULL{more.format(row='fresh')}"
    before = f"was_sent AND prior.{name}_at IS NOT NULL{more.format(row='prior')}"
    return f"count(*) FILTER (WHERE {now}) - count(*) FILTER (WHERE {before})"


# Without nested loops: the plan is kept from the first statement, which may have changed one row,
# for others that change thousands.
COUNT = f"""
CREATE FUNCTION delivery_count_firsts_together() RETURNS trigger LANGUAGE plpgsql
SET enable_nestloop = off AS $$
BEGIN
    IF current_setting('warta.recounting', true) = 'on' THEN
        RETURN NULL;  -- `first_events.recount` counts all of it at once
    END IF;
    -- Nearly every statement records mails that were just sent: nothing has become of them yet.
    IF NOT EXISTS (SELECT FROM new_rows AS fresh WHERE fresh.state = {SENT} AND {_any("fresh")})
        AND NOT EXISTS (SELECT FROM old_rows AS prior
            WHERE prior.state = {UNKNOWN} OR (prior.state = {SENT} AND {_any("prior")}))
    THEN
        RETURN NULL;
    END IF;
    WITH changed AS MATERIALIZED (
        SELECT fresh.campaign_id, fresh.domain_group,
            date_trunc('minute', coalesce(fresh.attempted_at, fresh.created_at)) AS minute,
            {_change("opened")} AS opened,
            {_change("proxied", " AND {row}.opened_at IS NULL")} AS proxied,
            {_change("clicked")} AS clicked,
            {_change("unsubscribed")} AS unsubscribed,
            {_change("complained")} AS complained,
            {_change("bounced")} AS bounced
        FROM new_rows AS fresh JOIN old_rows AS prior USING (id)
        CROSS JOIN LATERAL (SELECT prior.state = {SENT} AS was_sent) AS before
        WHERE fresh.state = {SENT} AND CASE
            WHEN was_sent THEN {_missing("prior")} IS DISTINCT FROM {_missing("fresh")}
            -- Who opened before the server's answer was recorded; what nobody knew and an event
            -- proved.
            ELSE prior.state = {UNKNOWN} OR {_any("fresh")}
        END
        GROUP BY 1, 2, 3
    ), counted AS (
        INSERT INTO delivery_sendminute AS minute
            (campaign_id, minute, shard, domain_group, sent, deferred, failed,
             opened, proxied, clicked, unsubscribed, complained, bounced)
        SELECT campaign_id, changed.minute, 0, domain_group, 0, 0, 0,
            opened, proxied, clicked, unsubscribed, complained, bounced
        FROM changed ORDER BY 1, 2, 4
        ON CONFLICT (campaign_id, minute, shard, domain_group) DO UPDATE SET
            opened = minute.opened + EXCLUDED.opened,
            proxied = minute.proxied + EXCLUDED.proxied,
            clicked = minute.clicked + EXCLUDED.clicked,
            unsubscribed = minute.unsubscribed + EXCLUDED.unsubscribed,
            complained = minute.complained + EXCLUDED.complained,
            bounced = minute.bounced + EXCLUDED.bounced
    )
    -- Locks a mark that is there, without writing: whoever takes it waits until this is committed.
    INSERT INTO delivery_changedday (campaign_id, day)
    SELECT DISTINCT campaign_id, (changed.minute AT TIME ZONE 'UTC')::date
    FROM changed ORDER BY 1, 2
    ON CONFLICT (campaign_id, day) DO UPDATE SET day = EXCLUDED.day WHERE false;
    RETURN NULL;
END $$;
CREATE TRIGGER delivery_firsts_together AFTER UPDATE ON delivery_message
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION delivery_count_firsts_together();
"""  # noqa: S608 - the state numbers are ours
DROP = """
DROP TRIGGER delivery_firsts_together ON delivery_message;
DROP FUNCTION delivery_count_firsts_together();
"""


class Migration(migrations.Migration):
    dependencies = [("delivery", "0014_what_came_of_each_minutes_mail")]

    operations = [
        migrations.RunSQL(_EARLIER.DROP, _EARLIER.COUNT),
        migrations.RunSQL(COUNT, DROP),
    ]
