"""Columns of the list of people: which there are, which a member chose, what stands in them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from accounts.models import Membership
from subscribers.fields import definitions as values
from subscribers.models import CustomField, Subscriber, Tagging

USUAL = ("lists", "tags", "added")


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column; ``field`` is there for the value of a custom field."""

    key: str
    label: str
    field: CustomField | None = None


def available(fields: Iterable[CustomField]) -> list[Column]:
    """Return every column there is, in the order they stand in."""
    return [
        Column(key="lists", label=_("Lists")),
        Column(key="tags", label=_("Tags")),
        Column(key="language", label=_("Language")),
        Column(key="provider", label=_("Mailbox provider")),
        Column(key="noticed", label=_("Noticed")),
        *(Column(key=f"field:{one.key}", label=one.label, field=one) for one in fields),
        Column(key="changed", label=_("Changed")),
        Column(key="added", label=_("Added")),
    ]


def chosen(membership: Membership, fields: Iterable[CustomField]) -> list[Column]:
    """Return the columns that a member sees; those that are no more are left out."""
    wanted = USUAL if membership.people_columns is None else membership.people_columns
    return [column for column in available(fields) if column.key in wanted]


def fill(people: Sequence[Subscriber], columns: Sequence[Column]) -> None:
    """Give people what their columns show: ``shown_tags`` and ``shown_values`` (by column)."""
    shown = {column.key for column in columns}
    tags: dict[int, list[str]] = {person.pk: [] for person in people}
    if "tags" in shown:
        rows = Tagging.objects.filter(subscriber_id__in=tags).order_by("tag__name")
        for subscriber_id, name in rows.values_list("subscriber_id", "tag__name"):
            tags[subscriber_id].append(name)
    for person in people:
        person.shown_tags = tags[person.pk]  # type: ignore[attr-defined]  # for pages
        person.shown_values = {  # type: ignore[attr-defined]  # for pages
            column.key: values.display(
                values.shape(column.field), person.fields.get(column.field.key)
            )
            for column in columns
            if column.field
        }
