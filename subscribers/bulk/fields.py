"""Changing what many people's custom fields hold: a key, a choice, or everything of a field.

Each statement changes only people who still need it, so a batch that runs again changes nobody.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction

from subscribers.bulk import key_changes
from subscribers.models import BulkAction, CustomField
from subscribers.states import FieldType

COPY = """
UPDATE subscribers_subscriber SET updated_at = %(at)s,
    fields = jsonb_set(fields, ARRAY[%(new)s], fields -> %(key)s)
WHERE workspace_id = %(workspace)s AND id = ANY(%(people)s) AND fields ? %(key)s
    AND fields -> %(new)s IS DISTINCT FROM fields -> %(key)s
RETURNING id, ''
"""
# Whoever was changed by somebody else while the batches went by.
CATCH_UP = """
UPDATE subscribers_subscriber SET
    fields = CASE WHEN fields ? %(key)s
        THEN jsonb_set(fields, ARRAY[%(new)s], fields -> %(key)s) ELSE fields - %(new)s END
WHERE workspace_id = %(workspace)s AND fields -> %(new)s IS DISTINCT FROM fields -> %(key)s
"""
DROP = """
UPDATE subscribers_subscriber SET fields = fields - %(key)s, updated_at = %(at)s
WHERE workspace_id = %(workspace)s AND id = ANY(%(people)s) AND fields ? %(key)s
RETURNING id, ''
"""
REPLACE_ONE = """
UPDATE subscribers_subscriber SET updated_at = %(at)s,
    fields = CASE WHEN %(new)s = '' THEN fields - %(key)s
        ELSE jsonb_set(fields, ARRAY[%(key)s], to_jsonb(%(new)s::text)) END
WHERE workspace_id = %(workspace)s AND id = ANY(%(people)s)
    AND fields ->> %(key)s = %(old)s
RETURNING id, ''
"""
# Order is kept, and nobody has one choice twice.
REPLACE_MANY = """
UPDATE subscribers_subscriber SET updated_at = %(at)s,
    fields = CASE WHEN kept.choices IS NULL THEN fields - %(key)s
        ELSE jsonb_set(fields, ARRAY[%(key)s], kept.choices) END
FROM (
    SELECT person.id, (
        SELECT jsonb_agg(choice ORDER BY place) FROM (
            SELECT CASE WHEN choice = %(old)s THEN %(new)s ELSE choice END AS choice,
                min(ordinality) AS place
            FROM jsonb_array_elements_text(person.fields -> %(key)s) WITH ORDINALITY AS e (choice)
            GROUP BY 1
        ) chosen WHERE choice <> ''
    ) AS choices
    FROM subscribers_subscriber person
    WHERE person.workspace_id = %(workspace)s AND person.id = ANY(%(people)s)
        AND jsonb_typeof(person.fields -> %(key)s) = 'array'
        AND person.fields -> %(key)s ? %(old)s
) kept
WHERE subscribers_subscriber.id = kept.id
RETURNING subscribers_subscriber.id, ''
"""
Changed = list[tuple[int, str]]


def copy(action: BulkAction, people: Sequence[int], at: datetime) -> Changed:
    """Copy values to the field's new key; mail and pages use the old one until all are there."""
    return _run(COPY, action, people, at)


def drop(action: BulkAction, people: Sequence[int], at: datetime) -> Changed:
    """Take away what a field that is gone, or has another key now, left with people."""
    return _run(DROP, action, people, at)


def replace_choice(action: BulkAction, people: Sequence[int], at: datetime) -> Changed:
    """Give people, who have one choice, another one, or none."""
    many = action.settings["type"] == FieldType.MULTI_CHOICE
    return _run(REPLACE_MANY if many else REPLACE_ONE, action, people, at)


def switch_key(action: BulkAction) -> bool:
    """Let a field have its new key, once everybody's value is there; False: the field is gone."""
    key, new = action.settings["key"], action.settings["new"]
    with transaction.atomic(), connection.cursor() as cursor:
        fields = CustomField.objects.select_for_update()
        field = fields.filter(workspace_id=action.workspace_id, key=key).first()
        if field is None:
            return False
        # Nobody writes people meanwhile: a value under the old key only would be lost to the field.
        cursor.execute("LOCK TABLE subscribers_subscriber IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute(CATCH_UP, {"workspace": action.workspace_id, "key": key, "new": new})
        CustomField.objects.filter(pk=field.pk).update(key=new)
        key_changes.rename_key(action.workspace_id, key=key, new=new)
    return True


def _run(statement: str, action: BulkAction, people: Sequence[int], at: datetime) -> Changed:
    values = {
        "new": "",
        "old": "",
        **action.settings,
        "workspace": action.workspace_id,
        "people": list(people),
        "at": at,
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [(key, before) for key, before in cursor.fetchall()]
