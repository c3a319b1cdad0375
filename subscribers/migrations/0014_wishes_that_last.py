"""Wishes of people that last: above weaker reasons, in the ledger, and in the days of lists."""

from django.db import migrations, models

import subscribers.states

# Retention may delete the history of a list that the person has left, but for the newest leaving:
# the ledger must know that nobody else may bring them back.
LEDGER = """
CREATE OR REPLACE FUNCTION subscribers_keep_consent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Erasure (a person's right, or a whole workspace's end) says so in its own transaction.
    IF TG_OP = 'DELETE' AND current_setting('warta.erasing', true) = 'on' THEN
        RETURN OLD;
    END IF;
    -- Two people who are one: their events follow them, and nothing else of them changes.
    IF TG_OP = 'UPDATE' AND current_setting('warta.merging', true) = 'on'
        AND to_jsonb(NEW) - 'subscriber_id' = to_jsonb(OLD) - 'subscriber_id' THEN
        RETURN NEW;
    END IF;
    IF current_setting('warta.retaining', true) = 'on' THEN
        IF TG_OP = 'UPDATE' THEN
            IF NEW.ip IS NULL AND NEW.user_agent = ''
                AND to_jsonb(NEW) - 'ip' - 'user_agent' = to_jsonb(OLD) - 'ip' - 'user_agent'
            THEN
                RETURN NEW;
            END IF;
        ELSIF NOT EXISTS (
            SELECT FROM subscribers_subscription subscription
            WHERE subscription.subscriber_id = OLD.subscriber_id
                AND (OLD.list_id IS NULL OR subscription.list_id = OLD.list_id)
                AND subscription.status <> 'unsubscribed'
        ){but_leaving} THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'consent events are append-only' USING ERRCODE = 'restrict_violation';
END $$;
"""
BUT_LEAVING = """ AND (OLD.list_id IS NULL OR OLD.kind <> 'unsubscribed' OR EXISTS (
            SELECT FROM subscribers_consentevent later
            WHERE later.subscriber_id = OLD.subscriber_id AND later.list_id = OLD.list_id
                AND later.kind = OLD.kind AND (later.at, later.id) > (OLD.at, OLD.id)
        ))"""
# What is taken back counts off where it was counted: on the day of the event before it.
LIST_DAYS = """
CREATE OR REPLACE FUNCTION subscribers_count_list_days() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO subscribers_listday AS d (list_id, day, joined, "left")
    SELECT list_id, (at AT TIME ZONE 'UTC')::date,
        COALESCE(sum(times) FILTER (WHERE kind IN ('subscribed', 'confirmed', 'resubscribed')), 0),
        COALESCE(sum(times) FILTER (WHERE kind = 'unsubscribed'), 0)
    FROM (
        SELECT list_id, at, kind, detail, 1 AS times FROM new_rows
        UNION ALL
        SELECT undone.list_id, was.at, was.kind, was.detail, -1
        FROM new_rows undone CROSS JOIN LATERAL (
            SELECT at, kind, detail FROM subscribers_consentevent event
            WHERE event.subscriber_id = undone.subscriber_id
                AND event.list_id = undone.list_id AND event.id < undone.id
                AND event.kind NOT IN ('wished_again', 'left_again')
            ORDER BY event.id DESC LIMIT 1
        ) was
        WHERE undone.kind = 'taken_back'
    ) counted
    WHERE list_id IS NOT NULL AND detail <> 'address changed'
        AND kind IN ('subscribed', 'confirmed', 'resubscribed', 'unsubscribed')
        AND EXISTS (SELECT FROM subscribers_list l WHERE l.id = list_id)
    GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (list_id, day)
    DO UPDATE SET joined = d.joined + EXCLUDED.joined, "left" = d."left" + EXCLUDED."left";
    RETURN NULL;
END $$;
"""
LIST_DAYS_BEFORE = """
CREATE OR REPLACE FUNCTION subscribers_count_list_days() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO subscribers_listday AS d (list_id, day, joined, "left")
    SELECT list_id, (at AT TIME ZONE 'UTC')::date,
        count(*) FILTER (WHERE kind IN ('subscribed', 'confirmed', 'resubscribed')),
        count(*) FILTER (WHERE kind = 'unsubscribed')
    FROM new_rows
    WHERE list_id IS NOT NULL AND kind <> 'asked' AND detail <> 'address changed'
        AND EXISTS (SELECT FROM subscribers_list l WHERE l.id = list_id)
    GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (list_id, day)
    DO UPDATE SET joined = d.joined + EXCLUDED.joined, "left" = d."left" + EXCLUDED."left";
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("subscribers", "0013_imports_without_bad_values")]

    operations = [
        migrations.AddField(
            model_name="suppression",
            name="former",
            field=models.CharField(
                blank=True,
                choices=subscribers.states.SuppressionReason.options,
                db_default="",
                default="",
                max_length=12,
                verbose_name="former reason",
            ),
        ),
        migrations.RunSQL(
            LEDGER.replace("{but_leaving}", BUT_LEAVING), LEDGER.replace("{but_leaving}", "")
        ),
        migrations.RunSQL(LIST_DAYS, LIST_DAYS_BEFORE),
    ]
