"""Changing custom fields without breaking what uses them or losing what people told.

What a field means changes at once; what people have of it follows in the background, as a bulk
action that the caller has run.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from accounts.models import User, Workspace
from subscribers.bulk import actions, key_changes
from subscribers.fields import custom_values, definitions, usage
from subscribers.models import BulkAction, CustomField, UniqueValue
from subscribers.states import BulkKind, FieldType

KEY = re.compile(r"[a-z][a-z0-9_]{0,49}").fullmatch
CHOOSING = (FieldType.CHOICE, FieldType.MULTI_CHOICE)
FILL_UNIQUE = """
INSERT INTO subscribers_uniquevalue (field_id, digest, subscriber_id)
SELECT %(field)s, subscribers_value_digest(fields -> %(key)s), id
FROM subscribers_subscriber
WHERE workspace_id = %(workspace)s AND fields ? %(key)s
    AND fields -> %(key)s NOT IN ('null', '""')
ORDER BY 2
"""
HOLDERS = """
SELECT choice, count(*) FROM (
    SELECT jsonb_array_elements_text(CASE jsonb_typeof(fields -> %(key)s)
        WHEN 'array' THEN fields -> %(key)s ELSE jsonb_build_array(fields -> %(key)s) END) AS choice
    FROM subscribers_subscriber WHERE workspace_id = %(workspace)s AND fields ? %(key)s
) held GROUP BY 1
"""


class FieldError(ValueError):
    """A field can't be changed so; the message says why, for people."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a field is called and how it behaves."""

    label: str
    description: str
    is_required: bool
    is_unique: bool
    show_in_forms: bool
    show_in_preferences: str


def set_options(field: CustomField, options: Options) -> None:
    """Change what a field is called and how it behaves.

    Raises:
        FieldError: it shall be unique, but two people have the same value, or its type can't be.
    """
    with transaction.atomic():
        current = CustomField.objects.select_for_update().get(pk=field.pk)
        if options.is_unique and not current.is_unique:
            _make_unique(current)
        if current.is_unique and not options.is_unique:
            UniqueValue.objects.filter(field=current).delete()
        CustomField.objects.filter(pk=field.pk).update(**asdict(options))
        if not options.show_in_forms:
            current.signup_forms.clear()


def _make_unique(field: CustomField) -> None:
    if field.type not in custom_values.MAY_BE_UNIQUE:
        raise FieldError(_("Values of this type can't be unique: people share them by design."))
    with connection.cursor() as cursor:
        # Writers wait, so that nobody writes a value which neither this statement nor the trigger
        # (it looks at ``is_unique``) would see.
        cursor.execute("LOCK TABLE subscribers_subscriber IN SHARE ROW EXCLUSIVE MODE")
        values: dict[str, Any] = {
            "field": field.pk,
            "key": field.key,
            "workspace": field.workspace_id,
        }
        try:
            with transaction.atomic():
                cursor.execute(FILL_UNIQUE, values)
        except IntegrityError as error:
            text = _("Some people have the same value. Make them differ first, then try again.")
            raise FieldError(text) from error


def holders(field: CustomField) -> dict[str, int]:
    """Return how many people have each choice of a field (also choices that are no more)."""
    with connection.cursor() as cursor:
        cursor.execute(HOLDERS, {"key": field.key, "workspace": field.workspace_id})
        return dict(cursor.fetchall())


def set_choices(
    field: CustomField, *, choices: Sequence[str], renamed: Mapping[str, str], actor: User | None
) -> list[BulkAction]:
    """Give a field these choices in this order.

    ``renamed`` maps choices that are no more to what their people have from now on ("": nothing).
    Returns the actions that change people's values; the caller has them run.

    Raises:
        FieldError: no choice is left, one stands there twice, or one is renamed to none of them.
    """
    folded = [choice.casefold() for choice in choices]
    if not choices or len(set(folded)) != len(folded):
        raise FieldError(_("Give at least one choice, and each only once."))
    if any(new and new not in choices for new in renamed.values()):
        raise FieldError(_("A choice can only become one of the choices."))
    with transaction.atomic():
        current = CustomField.objects.select_for_update().get(pk=field.pk)
        CustomField.objects.filter(pk=field.pk).update(choices=list(choices))
        gone = [old for old in current.choices if old not in choices]
        for old in gone:
            if new := renamed.get(old):
                key_changes.rename_choice(field.workspace_id, key=current.key, old=old, new=new)
        return [
            actions.start(
                field.workspace,
                kind=BulkKind.REPLACE_CHOICE,
                actor=actor,
                settings={
                    "key": current.key,
                    "label": current.label,
                    "type": current.type,
                    "old": old,
                    "new": renamed.get(old, ""),
                },
            )
            for old in gone
        ]


def rename_key(field: CustomField, *, key: str, actor: User | None) -> BulkAction:
    """Begin to give a field another key; mail uses the old one until everybody's value moved.

    Raises:
        FieldError: the key is none, taken, or being moved already.
    """
    if not KEY(key):
        raise FieldError(_("Use lowercase letters, digits and _, beginning with a letter."))
    workspace = field.workspace
    busy = actions.unfinished_keys(workspace)
    taken = CustomField.objects.filter(workspace=workspace, key=key).exists()
    if taken or key in definitions.RESERVED_KEYS or key in busy:
        raise FieldError(_("Another field has this merge tag."))
    if field.key in busy:
        raise FieldError(_("This field is being changed. Wait until that is done."))
    settings = {"key": field.key, "new": key, "label": field.label}
    return actions.start(workspace, kind=BulkKind.COPY_FIELD, actor=actor, settings=settings)


def move(field: CustomField, *, up: bool) -> None:
    """Let a field change places with the one above or below it."""
    with transaction.atomic():
        rows = list(
            CustomField.objects.select_for_update()
            .filter(workspace_id=field.workspace_id)
            .order_by("position", "id")
        )
        place = next(number for number, row in enumerate(rows) if row.pk == field.pk)
        other = place - 1 if up else place + 1
        if 0 <= other < len(rows):
            rows[place], rows[other] = rows[other], rows[place]
        for number, row in enumerate(rows):
            row.position = number
        CustomField.objects.bulk_update(rows, ["position"])


def delete(field: CustomField, *, actor: User | None) -> BulkAction:
    """Take a field away at once, and begin to remove its values from people.

    Raises:
        usage.InUse: segments ask for it.
    """
    with transaction.atomic():
        usage.refuse_if_asked(usage.of_field(field))
        action = actions.start(
            Workspace.objects.get(pk=field.workspace_id),
            kind=BulkKind.DROP_FIELD,
            actor=actor,
            settings={"key": field.key, "label": field.label},
        )
        field.delete()
    return action
