"""Tags' tallies, lists' days, unique values, actions on many people, duplicates."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import subscribers.states

TAG_TALLIES = """
CREATE FUNCTION subscribers_tally_taggings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Sorted by key, so that two statements which touch the same tags never deadlock.
    IF TG_OP = 'INSERT' THEN
        INSERT INTO subscribers_tagtally AS t (tag_id, count)
        SELECT tag_id, count(*) FROM new_rows GROUP BY 1 ORDER BY 1
        ON CONFLICT (tag_id) DO UPDATE SET count = t.count + EXCLUDED.count;
    ELSIF TG_OP = 'DELETE' THEN
        UPDATE subscribers_tagtally t SET count = t.count - d.n
        FROM (SELECT tag_id, count(*) AS n FROM old_rows GROUP BY 1 ORDER BY 1) d
        WHERE t.tag_id = d.tag_id;
    ELSE
        INSERT INTO subscribers_tagtally AS t (tag_id, count)
        SELECT tag_id, sum(n) FROM (
            SELECT tag_id, 1 AS n FROM new_rows UNION ALL SELECT tag_id, -1 FROM old_rows
        ) changes GROUP BY 1 HAVING sum(n) <> 0 ORDER BY 1
        ON CONFLICT (tag_id) DO UPDATE SET count = t.count + EXCLUDED.count;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER tally_insert AFTER INSERT ON subscribers_tagging
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION subscribers_tally_taggings();
CREATE TRIGGER tally_delete AFTER DELETE ON subscribers_tagging
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION subscribers_tally_taggings();
CREATE TRIGGER tally_update AFTER UPDATE ON subscribers_tagging
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION subscribers_tally_taggings();
INSERT INTO subscribers_tagtally (tag_id, count)
SELECT tag_id, count(*) FROM subscribers_tagging GROUP BY 1;
"""
DROP_TAG_TALLIES = """
DROP TRIGGER tally_insert ON subscribers_tagging;
DROP TRIGGER tally_delete ON subscribers_tagging;
DROP TRIGGER tally_update ON subscribers_tagging;
DROP FUNCTION subscribers_tally_taggings();
"""
# Another address takes a subscription over: nobody joined by that.
LIST_DAYS = """
CREATE FUNCTION subscribers_count_list_days() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER count_list_days AFTER INSERT ON subscribers_consentevent
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION subscribers_count_list_days();
-- What was there before is counted by 0007, without keeping anybody from leaving meanwhile.
CREATE TABLE subscribers_listday_behind AS
SELECT COALESCE(max(id), 0) AS up_to FROM subscribers_consentevent;
"""
DROP_LIST_DAYS = """
DROP TRIGGER count_list_days ON subscribers_consentevent;
DROP FUNCTION subscribers_count_list_days();
DROP TABLE IF EXISTS subscribers_listday_behind;
"""
# A merger names another person in events that otherwise stay word for word.
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
    RAISE EXCEPTION 'consent events are append-only' USING ERRCODE = 'restrict_violation';
END $$;
"""
LEDGER_BEFORE = """
CREATE OR REPLACE FUNCTION subscribers_keep_consent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('warta.erasing', true) = 'on' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'consent events are append-only' USING ERRCODE = 'restrict_violation';
END $$;
"""
# Statement triggers: where no field is unique they cost one look at a tiny table.
UNIQUE_VALUES = """
CREATE FUNCTION subscribers_value_digest(value jsonb) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT sha256(convert_to(CASE jsonb_typeof(value)
        WHEN 'number' THEN trim_scale((value #>> '{}')::numeric)::text
        ELSE lower(value #>> '{}') END, 'UTF8'))
$$;
CREATE FUNCTION subscribers_keep_unique_values() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM subscribers_customfield WHERE is_unique) THEN
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM subscribers_uniquevalue u USING old_rows o WHERE u.subscriber_id = o.id;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO subscribers_uniquevalue (field_id, digest, subscriber_id)
        SELECT f.id, subscribers_value_digest(n.fields -> f.key), n.id
        FROM new_rows n
        JOIN subscribers_customfield f ON f.workspace_id = n.workspace_id AND f.is_unique
        WHERE n.fields ? f.key AND n.fields -> f.key NOT IN ('null', '""')
        ORDER BY 1, 2;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER unique_insert AFTER INSERT ON subscribers_subscriber
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION subscribers_keep_unique_values();
CREATE TRIGGER unique_update AFTER UPDATE ON subscribers_subscriber
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION subscribers_keep_unique_values();
CREATE TRIGGER unique_delete AFTER DELETE ON subscribers_subscriber
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION subscribers_keep_unique_values();
"""
DROP_UNIQUE_VALUES = """
DROP TRIGGER unique_insert ON subscribers_subscriber;
DROP TRIGGER unique_update ON subscribers_subscriber;
DROP TRIGGER unique_delete ON subscribers_subscriber;
DROP FUNCTION subscribers_keep_unique_values();
DROP FUNCTION subscribers_value_digest(jsonb);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_people_columns_and_mail_servers"),
        ("subscribers", "0004_tags_segments_and_wishes"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="MailDomain",
            fields=[
                (
                    "name",
                    models.CharField(
                        db_collation="C",
                        max_length=255,
                        primary_key=True,
                        serialize=False,
                        verbose_name="domain",
                    ),
                ),
                (
                    "answer",
                    models.PositiveSmallIntegerField(
                        choices=subscribers.states.MailServer.options, verbose_name="answer"
                    ),
                ),
                ("checked_at", models.DateTimeField(verbose_name="checked")),
            ],
            options={
                "verbose_name": "mail domain",
                "verbose_name_plural": "mail domains",
            },
        ),
        migrations.AddField(
            model_name="customfield",
            name="description",
            field=models.CharField(blank=True, max_length=300, verbose_name="help text"),
        ),
        migrations.AddField(
            model_name="customfield",
            name="is_required",
            field=models.BooleanField(default=False, verbose_name="required"),
        ),
        migrations.AddField(
            model_name="customfield",
            name="is_unique",
            field=models.BooleanField(default=False, verbose_name="unique"),
        ),
        migrations.AddField(
            model_name="customfield",
            name="show_in_forms",
            field=models.BooleanField(default=True, verbose_name="forms may ask for it"),
        ),
        migrations.AddField(
            model_name="customfield",
            name="show_in_preferences",
            field=models.CharField(
                choices=subscribers.states.FieldVisibility.options,
                default="hidden",
                max_length=8,
                verbose_name="in the preference centre",
            ),
        ),
        migrations.CreateModel(
            name="BulkAction",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=subscribers.states.BulkKind.options,
                        max_length=16,
                        verbose_name="what",
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=subscribers.states.BulkStatus.options,
                        default="waiting",
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                ("settings", models.JSONField(default=dict, verbose_name="settings")),
                ("filters", models.JSONField(default=dict, verbose_name="filters")),
                (
                    "people",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), blank=True, null=True, size=None
                    ),
                ),
                ("up_to", models.BigIntegerField(default=0)),
                ("reached", models.BigIntegerField(default=0)),
                ("total", models.BigIntegerField(blank=True, null=True, verbose_name="people")),
                ("done", models.BigIntegerField(default=0, verbose_name="done")),
                ("changed", models.BigIntegerField(default=0, verbose_name="changed")),
                ("failure", models.CharField(blank=True, max_length=300, verbose_name="failure")),
                ("started_at", models.DateTimeField(blank=True, null=True, verbose_name="started")),
                (
                    "finished_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="finished"),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="bulk_actions",
                        to="accounts.workspace",
                    ),
                ),
            ],
            options={
                "verbose_name": "bulk action",
                "verbose_name_plural": "bulk actions",
                "ordering": ("-id",),
            },
        ),
        migrations.CreateModel(
            name="BulkChange",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("previous", models.CharField(blank=True, max_length=12, verbose_name="before")),
                ("at", models.DateTimeField(verbose_name="when")),
                (
                    "action",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="changes",
                        to="subscribers.bulkaction",
                    ),
                ),
                (
                    "subscriber",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="subscribers.subscriber",
                    ),
                ),
            ],
            options={
                "verbose_name": "change by an action",
                "verbose_name_plural": "changes by actions",
            },
        ),
        migrations.CreateModel(
            name="DuplicateGroup",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=subscribers.states.DuplicateKind.options,
                        max_length=8,
                        verbose_name="why",
                    ),
                ),
                (
                    "shared",
                    models.CharField(db_collation="C", max_length=600, verbose_name="in common"),
                ),
                (
                    "people",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), size=None
                    ),
                ),
                (
                    "dismissed_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="told apart"),
                ),
                (
                    "found_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        default=django.utils.timezone.now,
                        verbose_name="found",
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="duplicate_groups",
                        to="accounts.workspace",
                    ),
                ),
            ],
            options={
                "verbose_name": "possible duplicates",
                "verbose_name_plural": "possible duplicates",
            },
        ),
        migrations.CreateModel(
            name="DuplicateSearch",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("started_at", models.DateTimeField(null=True, verbose_name="started")),
                ("finished_at", models.DateTimeField(null=True, verbose_name="finished")),
                (
                    "workspace",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="duplicate_search",
                        to="accounts.workspace",
                    ),
                ),
            ],
            options={
                "verbose_name": "search for duplicates",
                "verbose_name_plural": "searches for duplicates",
            },
        ),
        migrations.CreateModel(
            name="ListDay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField(verbose_name="day")),
                ("joined", models.BigIntegerField(default=0, verbose_name="joined")),
                ("left", models.BigIntegerField(default=0, verbose_name="left")),
                (
                    "list",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="days",
                        to="subscribers.mailinglist",
                    ),
                ),
            ],
            options={
                "verbose_name": "day of a list",
                "verbose_name_plural": "days of lists",
            },
        ),
        migrations.CreateModel(
            name="MergedPerson",
            fields=[
                (
                    "id",
                    models.BigIntegerField(
                        primary_key=True, serialize=False, verbose_name="former key"
                    ),
                ),
                ("email", models.CharField(max_length=320, verbose_name="former address")),
                (
                    "merged_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="merged"),
                ),
                (
                    "into",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="merged",
                        to="subscribers.subscriber",
                    ),
                ),
                (
                    "merged_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.workspace",
                    ),
                ),
            ],
            options={
                "verbose_name": "merged person",
                "verbose_name_plural": "merged people",
            },
        ),
        migrations.CreateModel(
            name="TagTally",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("count", models.BigIntegerField(default=0)),
                (
                    "tag",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tally",
                        to="subscribers.tag",
                    ),
                ),
            ],
            options={
                "verbose_name": "tag tally",
            },
        ),
        migrations.CreateModel(
            name="UniqueValue",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("digest", models.BinaryField(max_length=32)),
                (
                    "field",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="subscribers.customfield",
                    ),
                ),
                (
                    "subscriber",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="subscribers.subscriber",
                    ),
                ),
            ],
            options={
                "verbose_name": "unique value",
                "verbose_name_plural": "unique values",
            },
        ),
        migrations.AddIndex(
            model_name="bulkaction",
            index=models.Index(fields=["workspace", "-id"], name="bulk_by_workspace"),
        ),
        migrations.AddIndex(
            model_name="bulkaction",
            index=models.Index(
                condition=models.Q(("status__in", ["waiting", "running", "undoing"])),
                fields=["id"],
                name="bulk_open",
            ),
        ),
        migrations.AddIndex(
            model_name="bulkchange",
            index=models.Index(fields=["action", "subscriber"], name="bulk_change_by_action"),
        ),
        migrations.AddConstraint(
            model_name="duplicategroup",
            constraint=models.UniqueConstraint(
                fields=("workspace", "kind", "shared"), name="duplicate_group_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="listday",
            constraint=models.UniqueConstraint(fields=("list", "day"), name="list_day_unique"),
        ),
        migrations.AddConstraint(
            model_name="uniquevalue",
            constraint=models.UniqueConstraint(
                fields=("field", "digest"), name="unique_value_once"
            ),
        ),
        migrations.RunSQL(TAG_TALLIES, DROP_TAG_TALLIES),
        migrations.RunSQL(LIST_DAYS, DROP_LIST_DAYS),
        migrations.RunSQL(LEDGER, LEDGER_BEFORE),
        migrations.RunSQL(UNIQUE_VALUES, DROP_UNIQUE_VALUES),
    ]
