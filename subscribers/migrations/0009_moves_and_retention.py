"""Moves from other tools, retention rules, and counts of suppressions kept by a trigger."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import subscribers.states

TALLIES = """
CREATE FUNCTION subscribers_tally_suppressions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO subscribers_suppressiontally AS t (workspace_id, reason, count)
        SELECT workspace_id, reason, count(*) FROM new_rows GROUP BY 1, 2 ORDER BY 1, 2
        ON CONFLICT (workspace_id, reason) DO UPDATE SET count = t.count + EXCLUDED.count;
    ELSIF TG_OP = 'DELETE' THEN
        UPDATE subscribers_suppressiontally t SET count = t.count - d.n
        FROM (SELECT workspace_id, reason, count(*) AS n FROM old_rows GROUP BY 1, 2 ORDER BY 1, 2)
            d
        WHERE t.workspace_id = d.workspace_id AND t.reason = d.reason;
    ELSE
        INSERT INTO subscribers_suppressiontally AS t (workspace_id, reason, count)
        SELECT workspace_id, reason, sum(n) FROM (
            SELECT workspace_id, reason, 1 AS n FROM new_rows
            UNION ALL
            SELECT workspace_id, reason, -1 FROM old_rows
        ) changes GROUP BY 1, 2 HAVING sum(n) <> 0 ORDER BY 1, 2
        ON CONFLICT (workspace_id, reason) DO UPDATE SET count = t.count + EXCLUDED.count;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER tally_insert AFTER INSERT ON subscribers_suppression
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION subscribers_tally_suppressions();
CREATE TRIGGER tally_delete AFTER DELETE ON subscribers_suppression
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION subscribers_tally_suppressions();
CREATE TRIGGER tally_update AFTER UPDATE ON subscribers_suppression
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION subscribers_tally_suppressions();
INSERT INTO subscribers_suppressiontally (workspace_id, reason, count)
SELECT workspace_id, reason, count(*) FROM subscribers_suppression GROUP BY 1, 2;
"""
DROP_TALLIES = """
DROP TRIGGER tally_insert ON subscribers_suppression;
DROP TRIGGER tally_delete ON subscribers_suppression;
DROP TRIGGER tally_update ON subscribers_suppression;
DROP FUNCTION subscribers_tally_suppressions();
"""
# Retention says so in its own transaction, too. It may forget from where an event came, and it may
# delete the history of a list that the person has left; never what an active consent rests on.
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
        ) THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'consent events are append-only' USING ERRCODE = 'restrict_violation';
END $$;
"""
LEDGER_BEFORE = """
CREATE OR REPLACE FUNCTION subscribers_keep_consent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('warta.erasing', true) = 'on' THEN
        RETURN OLD;
    END IF;
    -- Two people who are one: their events follow them, and nothing else of them changes.
    IF TG_OP = 'UPDATE' AND current_setting('warta.merging', true) = 'on'
        AND to_jsonb(NEW) - 'subscriber_id' = to_jsonb(OLD) - 'subscriber_id' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'consent events are append-only' USING ERRCODE = 'restrict_violation';
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_api_keys"),
        ("subscribers", "0008_imports_that_can_be_undone"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Move",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created"
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        choices=subscribers.states.MigrationSource.options,
                        max_length=20,
                        verbose_name="from",
                    ),
                ),
                ("files", models.JSONField(default=list, verbose_name="files")),
                (
                    "reason",
                    models.CharField(
                        choices=subscribers.states.SuppressionReason.options,
                        default="imported",
                        max_length=12,
                        verbose_name="reason where none is given",
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=subscribers.states.ImportStatus.options,
                        default="uploaded",
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                ("rows", models.BigIntegerField(default=0, verbose_name="rows")),
                ("position", models.BigIntegerField(default=0, editable=False)),
                ("created", models.BigIntegerField(default=0, verbose_name="new")),
                ("updated", models.BigIntegerField(default=0, verbose_name="changed")),
                ("unchanged", models.BigIntegerField(default=0, verbose_name="unchanged")),
                ("kept_out", models.BigIntegerField(default=0, verbose_name="kept out")),
                ("suppressed", models.BigIntegerField(default=0, verbose_name="suppressed")),
                ("invalid", models.BigIntegerField(default=0, verbose_name="invalid")),
                ("duplicates", models.BigIntegerField(default=0, verbose_name="twice")),
                ("findings", models.JSONField(default=dict, verbose_name="noticed")),
                ("report_path", models.CharField(blank=True, editable=False, max_length=500)),
                ("failure", models.CharField(blank=True, max_length=500, verbose_name="failure")),
                ("started_at", models.DateTimeField(blank=True, null=True, verbose_name="started")),
                (
                    "finished_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="finished"),
                ),
            ],
            options={
                "verbose_name": "move",
                "verbose_name_plural": "moves",
                "ordering": ("-id",),
            },
        ),
        migrations.CreateModel(
            name="Retention",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "origin_days",
                    models.PositiveIntegerField(
                        null=True, verbose_name="network address and browser"
                    ),
                ),
                (
                    "history_days",
                    models.PositiveIntegerField(
                        null=True, verbose_name="history of people who left"
                    ),
                ),
                ("events_through", models.BigIntegerField(default=0, editable=False)),
                (
                    "applied_at",
                    models.DateTimeField(editable=False, null=True, verbose_name="last applied"),
                ),
            ],
            options={
                "verbose_name": "retention rules",
                "verbose_name_plural": "retention rules",
            },
        ),
        migrations.CreateModel(
            name="SuppressionTally",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        choices=subscribers.states.SuppressionReason.options, max_length=12
                    ),
                ),
                ("count", models.BigIntegerField(default=0)),
            ],
            options={
                "verbose_name": "suppression tally",
                "verbose_name_plural": "suppression tallies",
            },
        ),
        migrations.AddField(
            model_name="move",
            name="created_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="move",
            name="mailing_list",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="subscribers.mailinglist",
            ),
        ),
        migrations.AddField(
            model_name="move",
            name="statement",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="subscribers.consentstatement",
            ),
        ),
        migrations.AddField(
            model_name="move",
            name="workspace",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="moves",
                to="accounts.workspace",
            ),
        ),
        migrations.AddField(
            model_name="retention",
            name="workspace",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="retention",
                to="accounts.workspace",
            ),
        ),
        migrations.AddField(
            model_name="suppressiontally",
            name="workspace",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="suppression_tallies",
                to="accounts.workspace",
            ),
        ),
        migrations.AddConstraint(
            model_name="suppressiontally",
            constraint=models.UniqueConstraint(
                fields=("workspace", "reason"), name="suppression_tally_unique"
            ),
        ),
        migrations.RunSQL(TALLIES, DROP_TALLIES),
        migrations.RunSQL(LEDGER, LEDGER_BEFORE),
    ]
