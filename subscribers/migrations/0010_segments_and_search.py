"""Days of segments; blocks of names and addresses to search in, kept by `subscribers.search`."""

import django.db.models.deletion
from django.db import migrations, models

# One way of writing for what is searched and what is searched for: lower case, without accents.
# Most names and addresses are ASCII and take the short way.
FOLD = r"""
CREATE FUNCTION subscribers_fold(written text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    -- An address has the collation C, in which only ASCII has a lower case.
    SELECT CASE WHEN octet_length(written) = length(written) THEN lower(written)
        ELSE translate(
            regexp_replace(normalize(lower(written COLLATE "default"), NFD), '[\u0300-\u036f]+', '', 'g'),
            'øłđðħı', 'olddhi')
    END
$$;
CREATE FUNCTION subscribers_search_text(email_key text, first_name text, last_name text)
RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT subscribers_fold(email_key || ' ' || first_name || ' ' || last_name)
$$;
"""
DROP_FOLD = """
DROP FUNCTION subscribers_search_text(text, text, text);
DROP FUNCTION subscribers_fold(text);
"""
# A block fits into a page as it is: reading them all is reading a table, without TOAST.
STORAGE = """
ALTER TABLE subscribers_searchblock ALTER COLUMN text SET STORAGE EXTERNAL;
ALTER TABLE subscribers_searchblock SET (toast_tuple_target = 8160);
"""
MARK = """
CREATE FUNCTION subscribers_mark_search() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO subscribers_searchmark (workspace_id, block)
    SELECT DISTINCT workspace_id, id >> 6 FROM touched;
    RETURN NULL;
END $$;
CREATE TRIGGER mark_insert AFTER INSERT ON subscribers_subscriber
    REFERENCING NEW TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION subscribers_mark_search();
CREATE TRIGGER mark_update AFTER UPDATE ON subscribers_subscriber
    REFERENCING NEW TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION subscribers_mark_search();
CREATE TRIGGER mark_delete AFTER DELETE ON subscribers_subscriber
    REFERENCING OLD TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION subscribers_mark_search();
INSERT INTO subscribers_searchmark (workspace_id, block)
SELECT DISTINCT workspace_id, id >> 6 FROM subscribers_subscriber;
"""
DROP_MARK = """
DROP TRIGGER mark_insert ON subscribers_subscriber;
DROP TRIGGER mark_update ON subscribers_subscriber;
DROP TRIGGER mark_delete ON subscribers_subscriber;
DROP FUNCTION subscribers_mark_search();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_api_keys"),
        ("subscribers", "0009_moves_and_retention"),
    ]

    operations = [
        migrations.CreateModel(
            name="SearchBlock",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("block", models.BigIntegerField()),
                ("text", models.TextField()),
                (
                    "workspace",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.workspace",
                    ),
                ),
            ],
            options={
                "verbose_name": "search block",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("workspace", "block"), name="search_block_unique"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SearchMark",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("block", models.BigIntegerField()),
                (
                    "workspace",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.workspace",
                    ),
                ),
            ],
            options={
                "verbose_name": "search mark",
                "indexes": [
                    models.Index(fields=["workspace", "block"], name="search_mark_by_block")
                ],
            },
        ),
        migrations.CreateModel(
            name="SegmentDay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField(verbose_name="day")),
                ("count", models.BigIntegerField(verbose_name="people")),
                (
                    "segment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="days",
                        to="subscribers.segment",
                    ),
                ),
            ],
            options={
                "verbose_name": "day of a segment",
                "verbose_name_plural": "days of segments",
                "ordering": ("day",),
                "constraints": [
                    models.UniqueConstraint(fields=("segment", "day"), name="segment_day_unique")
                ],
            },
        ),
        migrations.RunSQL(FOLD, DROP_FOLD),
        migrations.RunSQL(STORAGE, migrations.RunSQL.noop),
        migrations.RunSQL(MARK, DROP_MARK),
    ]
