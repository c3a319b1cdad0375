"""A workspace keeps an owner who can sign in, also when two owners go at the same moment."""

from django.db import migrations

BEFORE = """
CREATE OR REPLACE FUNCTION accounts_keep_an_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM accounts_workspace WHERE id = OLD.workspace_id AND deleted_at IS NULL)
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
# The workspace is locked before anybody looks: of two transactions that each take an owner away,
# the second sees what the first did. A workspace all of whose owners are inactive already (from
# before this rule) may change as long as it keeps one of them.
NOW = """
CREATE FUNCTION accounts_refuse_without_owner(workspace bigint, must_sign_in boolean)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM accounts_workspace WHERE id = workspace AND deleted_at IS NULL FOR NO KEY UPDATE;
    IF FOUND AND NOT EXISTS (
        SELECT FROM accounts_membership team JOIN accounts_user person ON person.id = team.user_id
        WHERE team.workspace_id = workspace AND team.role = 'owner'
            AND (person.is_active OR NOT must_sign_in)
    ) THEN
        RAISE EXCEPTION 'workspace % would have no owner who can sign in', workspace
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
END $$;
CREATE OR REPLACE FUNCTION accounts_keep_an_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM accounts_refuse_without_owner(OLD.workspace_id, COALESCE(
        (SELECT is_active FROM accounts_user WHERE id = OLD.user_id), TRUE));
    RETURN NULL;
END $$;
CREATE FUNCTION accounts_keep_an_active_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM accounts_refuse_without_owner(workspace_id, TRUE) FROM accounts_membership
    WHERE user_id = OLD.id AND role = 'owner'
        AND NOT (SELECT is_active FROM accounts_user WHERE id = OLD.id)
    ORDER BY workspace_id;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER keep_an_active_owner AFTER UPDATE OF is_active
    ON accounts_user DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (OLD.is_active AND NOT NEW.is_active)
    EXECUTE FUNCTION accounts_keep_an_active_owner();
"""
DROP = """
DROP TRIGGER keep_an_active_owner ON accounts_user;
DROP FUNCTION accounts_keep_an_active_owner();
DROP FUNCTION accounts_refuse_without_owner(bigint, boolean);
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0009_workspaces_that_are_deleted")]

    operations = [migrations.RunSQL(NOW, BEFORE + DROP)]
