"""A workspace that its owner deleted is closed at once, and removed in the background."""

from django.db import migrations, models

# A workspace that was deleted needs no owner any more.
FUNCTION = """
CREATE OR REPLACE FUNCTION accounts_keep_an_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM accounts_workspace WHERE id = OLD.workspace_id{and_lives})
        AND NOT EXISTS (
            SELECT FROM accounts_membership
            WHERE workspace_id = OLD.workspace_id AND role = 'owner'
        )
    THEN
        RAISE EXCEPTION 'workspace % would have no owner', OLD.workspace_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0008_system_mail_and_what_was_set_aside")]

    operations = [
        migrations.AddField(
            model_name="workspace",
            name="deleted_at",
            field=models.DateTimeField(
                blank=True, editable=False, null=True, verbose_name="deleted"
            ),
        ),
        migrations.RunSQL(
            FUNCTION.format(and_lives=" AND deleted_at IS NULL"), FUNCTION.format(and_lives="")
        ),
    ]
