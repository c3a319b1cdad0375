"""Exact counts kept by statement triggers, and a consent ledger that refuses changes."""

from django.db import migrations

TALLIES = """
CREATE FUNCTION subscribers_tally_subscriptions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Sorted by key, so that two statements which touch the same lists never deadlock.
    IF TG_OP = 'INSERT' THEN
        INSERT INTO subscribers_subscriptiontally AS t (list_id, status, count)
        SELECT list_id, status, count(*) FROM new_rows GROUP BY 1, 2 ORDER BY 1, 2
        ON CONFLICT (list_id, status) DO UPDATE SET count = t.count + EXCLUDED.count;
    ELSIF TG_OP = 'DELETE' THEN
        UPDATE subscribers_subscriptiontally t SET count = t.count - d.n
        FROM (SELECT list_id, status, count(*) AS n FROM old_rows GROUP BY 1, 2 ORDER BY 1, 2) d
        WHERE t.list_id = d.list_id AND t.status = d.status;
    ELSE
        INSERT INTO subscribers_subscriptiontally AS t (list_id, status, count)
        SELECT list_id, status, sum(n) FROM (
            SELECT list_id, status, 1 AS n FROM new_rows
            UNION ALL
            SELECT list_id, status, -1 FROM old_rows
        ) changes GROUP BY 1, 2 HAVING sum(n) <> 0 ORDER BY 1, 2
        ON CONFLICT (list_id, status) DO UPDATE SET count = t.count + EXCLUDED.count;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER tally_insert AFTER INSERT ON subscribers_subscription
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION subscribers_tally_subscriptions();
CREATE TRIGGER tally_delete AFTER DELETE ON subscribers_subscription
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION subscribers_tally_subscriptions();
CREATE TRIGGER tally_update AFTER UPDATE ON subscribers_subscription
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION subscribers_tally_subscriptions();

CREATE FUNCTION subscribers_tally_subscribers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO subscribers_subscribertally AS t (workspace_id, count)
        SELECT workspace_id, count(*) FROM new_rows GROUP BY 1 ORDER BY 1
        ON CONFLICT (workspace_id) DO UPDATE SET count = t.count + EXCLUDED.count;
    ELSE
        UPDATE subscribers_subscribertally t SET count = t.count - d.n
        FROM (SELECT workspace_id, count(*) AS n FROM old_rows GROUP BY 1 ORDER BY 1) d
        WHERE t.workspace_id = d.workspace_id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER tally_insert AFTER INSERT ON subscribers_subscriber
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION subscribers_tally_subscribers();
CREATE TRIGGER tally_delete AFTER DELETE ON subscribers_subscriber
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION subscribers_tally_subscribers();
"""
DROP_TALLIES = """
DROP TRIGGER tally_insert ON subscribers_subscription;
DROP TRIGGER tally_delete ON subscribers_subscription;
DROP TRIGGER tally_update ON subscribers_subscription;
DROP FUNCTION subscribers_tally_subscriptions();
DROP TRIGGER tally_insert ON subscribers_subscriber;
DROP TRIGGER tally_delete ON subscribers_subscriber;
DROP FUNCTION subscribers_tally_subscribers();
"""
LEDGER = """
CREATE FUNCTION subscribers_keep_consent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Erasure (a person's right, or a whole workspace's end) says so in its own transaction.
    IF TG_OP = 'DELETE' AND current_setting('warta.erasing', true) = 'on' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'consent events are append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER keep_consent BEFORE UPDATE OR DELETE ON subscribers_consentevent
    FOR EACH ROW EXECUTE FUNCTION subscribers_keep_consent();
"""
DROP_LEDGER = """
DROP TRIGGER keep_consent ON subscribers_consentevent;
DROP FUNCTION subscribers_keep_consent();
"""


class Migration(migrations.Migration):
    dependencies = [("subscribers", "0001_initial")]

    operations = [
        migrations.RunSQL(TALLIES, DROP_TALLIES),
        migrations.RunSQL(LEDGER, DROP_LEDGER),
    ]
