from django.db import migrations

# Checked when the transaction ends: a workspace may go with its team, and ownership may change
# hands in two statements.
MAKE = """
CREATE FUNCTION accounts_keep_an_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM accounts_workspace WHERE id = OLD.workspace_id)
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
CREATE CONSTRAINT TRIGGER keep_an_owner AFTER DELETE OR UPDATE OF role, workspace_id
    ON accounts_membership DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (OLD.role = 'owner') EXECUTE FUNCTION accounts_keep_an_owner();
"""
DROP = """
DROP TRIGGER keep_an_owner ON accounts_membership;
DROP FUNCTION accounts_keep_an_owner();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_people_columns_and_mail_servers"),
    ]

    operations = [
        migrations.RunSQL(MAKE, DROP),
    ]
