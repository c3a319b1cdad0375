"""Values of custom fields as a workspace wants them: of their type, required, given only once.

Uniqueness is kept by the database (`models.UniqueValue`, written by a trigger): whoever writes
`Subscriber.fields` may ask before with `find_taken`, and a write that comes too late fails with an
IntegrityError in which `is_taken` recognises it. Members' forms and the API ask for all that stands
against a person's values at once: `objections`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import IntegrityError, connection
from django.utils.translation import gettext as _

from accounts.models import Workspace
from subscribers.fields import definitions
from subscribers.models import CustomField, Subscriber
from subscribers.states import FieldType

# Types whose values can belong to one person alone.
MAY_BE_UNIQUE = (FieldType.TEXT, FieldType.NUMBER, FieldType.URL, FieldType.DATE)
CONSTRAINT = "unique_value_once"
TAKEN = """
SELECT given.ordinal, field.key, taken.subscriber_id
FROM jsonb_to_recordset(%(given)s::jsonb) AS given (ordinal int, key text, value jsonb)
JOIN subscribers_customfield field
    ON field.workspace_id = %(workspace)s AND field.key = given.key AND field.is_unique
JOIN subscribers_uniquevalue taken
    ON taken.field_id = field.id AND taken.digest = subscribers_value_digest(given.value)
WHERE given.value NOT IN ('null', '""')
"""


def parse(field: CustomField, text: str) -> definitions.Value | None:
    """Read a value as people write it; raises Problem as `fields.parse`."""
    return definitions.parse(definitions.shape(field), text)


def missing(asked: Iterable[CustomField], values: Mapping[str, Any]) -> list[CustomField]:
    """Return the required fields that have no value (a plain "no" is one)."""
    return [
        field for field in asked if field.is_required and values.get(field.key) in (None, "", [])
    ]


def find_taken(
    workspace: Workspace,
    rows: Sequence[Mapping[str, Any]],
    *,
    owners: Sequence[int | None] | None = None,
) -> dict[int, dict[str, int]]:
    """Say which rows hold a unique value that somebody else has, in one statement.

    ``rows`` map keys of fields to typed values; ``owners`` says whose row each is, so that nobody
    is in their own way (None: a new person). Returns row number → key → the subscriber who has it.
    Two rows that hold the same new value are told apart by the write alone.
    """
    from json import dumps

    given = [
        {"ordinal": number, "key": key, "value": value}
        for number, row in enumerate(rows)
        for key, value in row.items()
        if value is not None
    ]
    if not given:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(TAKEN, {"given": dumps(given), "workspace": workspace.pk})
        found = cursor.fetchall()
    taken: dict[int, dict[str, int]] = {}
    for number, key, subscriber_id in found:
        if owners is None or owners[number] != subscriber_id:
            taken.setdefault(number, {})[key] = subscriber_id
    return taken


def is_taken(error: IntegrityError) -> bool:
    """Say whether a write failed because a unique value was taken meanwhile."""
    return CONSTRAINT in str(error)


def objections(
    workspace: Workspace,
    values: Mapping[str, Any],
    *,
    asked: Iterable[CustomField],
    person: Subscriber | None = None,
) -> dict[str, str]:
    """Say what stands against one person's values: key → a sentence for people.

    Only the fields in ``asked`` are looked at.
    """
    asked = list(asked)
    said = {field.key: _("Fill this in; it is required.") for field in missing(asked, values)}
    unique = {field.key: values.get(field.key) for field in asked if field.is_unique}
    owner = [person.pk if person else None]
    for key in find_taken(workspace, [unique], owners=owner).get(0, {}):
        said[key] = _("Somebody else has this value, and it may be there only once.")
    return said
