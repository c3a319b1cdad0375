"""Poison for tests: a database that refuses some rows of one table, until the transaction ends."""

from django.db import connection

TRIGGER = """
CREATE OR REPLACE FUNCTION poison_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF {when} THEN RAISE EXCEPTION 'poisoned'; END IF;
    RETURN coalesce(NEW, OLD);
END $$;
CREATE TRIGGER poison BEFORE {events} ON {table}
    FOR EACH ROW EXECUTE FUNCTION poison_{table}();
"""


def poison(table: str, when: str, *, events: str = "INSERT OR UPDATE OR DELETE") -> None:
    """Have the database refuse rows of a table for which an SQL condition on NEW or OLD holds."""
    with connection.cursor() as cursor:
        cursor.execute(TRIGGER.format(table=table, when=when, events=events))


def execute(statement: str, *params: object) -> None:
    """Run a statement that no form of ours would lead to."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params or None)
