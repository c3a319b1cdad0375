"""What a person may choose about themselves: lists, name, language and the fields of forms."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Unpack

from django.db import transaction
from django.db.models import Q

from accounts.models import Workspace
from subscribers import lifecycle, people
from subscribers.consent import Evidence
from subscribers.models import CustomField, MailingList, Subscriber, Subscription
from subscribers.states import SubscriptionStatus


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A list, and whether the person is on it."""

    mailing_list: MailingList
    is_on: bool


@dataclass(frozen=True, kw_only=True)
class Changed:
    """The lists (by id) that a person joined and left."""

    joined: tuple[int, ...]
    left: tuple[int, ...]


def choices(person: Subscriber) -> list[Choice]:
    """Return the workspace's public lists, and the private ones that the person is on."""
    status = dict(Subscription.objects.filter(subscriber=person).values_list("list_id", "status"))
    here = [pk for pk, now in status.items() if now != SubscriptionStatus.UNSUBSCRIBED]
    lists = MailingList.objects.filter(
        Q(visibility=MailingList.Visibility.PUBLIC) | Q(pk__in=here),
        workspace_id=person.workspace_id,
        archived_at=None,
    ).order_by("name", "pk")
    return [
        Choice(mailing_list=one, is_on=status.get(one.pk) == SubscriptionStatus.SUBSCRIBED)
        for one in lists
    ]


def asked_fields(workspace: Workspace) -> list[CustomField]:
    """Return the fields that an open form asks for: those that people may see and change."""
    return list(
        CustomField.objects.filter(workspace=workspace, signup_forms__is_active=True).distinct()
    )


def choose(person: Subscriber, *, wanted: Collection[int], **evidence: Unpack[Evidence]) -> Changed:
    """Put the person on the lists they ticked and take them off the others they were shown.

    They hold a link that was mailed to them, so nothing has to be confirmed again. What is not
    among `choices` stays as it is, whatever was asked for.
    """
    with transaction.atomic():
        Subscriber.objects.select_for_update().only("id").get(pk=person.pk)
        offered = choices(person)
        joining = [
            one.mailing_list for one in offered if one.mailing_list.pk in wanted and not one.is_on
        ]
        leaving = [one.mailing_list.pk for one in offered if one.mailing_list.pk not in wanted]
        joined = _join(person, joining, evidence)
        left = lifecycle.unsubscribe(person, lists=leaving, **evidence)
    return Changed(joined=joined, left=left)


def describe(person: Subscriber, **values: Any) -> bool:
    """Change what is known about the person; ``fields`` adds to those that are not asked for."""
    fields = {**person.fields, **values.pop("fields", {})}
    known = {key: value for key, value in fields.items() if value is not None}
    return people.change(person, fields=known, **values)


def _join(person: Subscriber, lists: list[MailingList], evidence: Evidence) -> tuple[int, ...]:
    if lists:
        lifecycle.return_to_mail(person, **evidence)
    return tuple(
        one.pk
        for one in lists
        if lifecycle.subscribe(person, mailing_list=one, **evidence)
        or lifecycle.resubscribe(person, lists=[one.pk], **evidence)
    )
