"""Lists, tags and fields that an import made and that nothing uses once it is undone."""

from django.db.models import Exists, OuterRef

from subscribers.fields import usage
from subscribers.models import (
    ConsentEvent,
    CustomField,
    Import,
    MailingList,
    Subscriber,
    Subscription,
    Tag,
    Tagging,
)


def names(record: Import) -> list[str]:
    """Return what an import made, for people; used or not."""
    found = record.flagged
    fields = CustomField.objects.filter(
        workspace=record.workspace_id, key__in=found.get("new_fields", [])
    )
    labels = list(fields.values_list("label", flat=True))
    return [*found.get("new_lists", []), *found.get("new_tags", []), *labels]


def remove(record: Import) -> list[str]:
    """Delete what it made and nobody and nothing uses; returns the names. In a transaction."""
    return [*_lists(record), *_tags(record), *_fields(record)]


def _lists(record: Import) -> list[str]:
    """A list whose consent ledger says anything stays: it is part of somebody's proof."""
    used = [
        Exists(model.objects.filter(list=OuterRef("pk"))) for model in (Subscription, ConsentEvent)
    ]
    made = MailingList.objects.filter(
        workspace=record.workspace_id,
        name__in=record.flagged.get("new_lists", []),
        created_at__gte=record.started_at,
    )
    unused = [one for one in made.exclude(used[0]).exclude(used[1]) if not usage.of_list(one)]
    return [one.name for one in unused if one.delete()]


def _tags(record: Import) -> list[str]:
    made = Tag.objects.filter(
        workspace=record.workspace_id,
        name__in=record.flagged.get("new_tags", []),
        created_at__gte=record.started_at,
    ).exclude(Exists(Tagging.objects.filter(tag=OuterRef("pk"))))
    return [one.name for one in made if not usage.of_tag(one) and one.delete()]


def _fields(record: Import) -> list[str]:
    made = CustomField.objects.filter(
        workspace=record.workspace_id, key__in=record.flagged.get("new_fields", [])
    )
    people = Subscriber.objects.filter(workspace=record.workspace_id)
    return [
        one.label
        for one in made
        if not people.filter(fields__has_key=one.key).exists()
        and not usage.of_field(one)
        and one.delete()
    ]
