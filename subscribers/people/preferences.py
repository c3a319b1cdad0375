"""What a person may choose about themselves: lists, how often, a pause, name, language, fields.

Two kinds of choices: those that make mail less, which anybody with a letter may make, and all
others, which take the owner of the address (`subscribers.consent.ownership`).
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, Unpack

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import Workspace
from subscribers.consent import lifecycle, suppression
from subscribers.consent.ledger import Evidence
from subscribers.fields.definitions import Asked
from subscribers.models import CustomField, MailingList, Subscriber, Subscription
from subscribers.people import people
from subscribers.states import FieldVisibility, Frequency, SubscriptionStatus

PAUSES = (1, 3, 6)  # months
DAYS_IN_MONTH = 30


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
    # Who is out of everything gets nothing of any list: a tick must be their own.
    on = None if suppression.is_out(person) else SubscriptionStatus.SUBSCRIBED
    return [
        Choice(mailing_list=one, is_on=on is not None and status.get(one.pk) == on) for one in lists
    ]


def leavable(person: Subscriber) -> list[Choice]:
    """Return the public lists that the person is on: what anybody with a letter may take away."""
    public = MailingList.Visibility.PUBLIC
    return [one for one in choices(person) if one.is_on and one.mailing_list.visibility == public]


def asked_fields(workspace: Workspace) -> list[Asked]:
    """Return the fields that people may see here, and whether they may change them."""
    return [
        Asked(
            field=field,
            label=field.label,
            help_text=field.description,
            is_required=field.is_required,
            is_shown_only=field.show_in_preferences == FieldVisibility.SHOWN,
        )
        for field in CustomField.objects.filter(workspace=workspace).exclude(
            show_in_preferences=FieldVisibility.HIDDEN
        )
    ]


def choose(person: Subscriber, *, wanted: Collection[int], **evidence: Unpack[Evidence]) -> Changed:
    """Put the person on the lists they ticked and take them off the others they were shown.

    They hold a link that was just mailed to them, so nothing has to be confirmed again. What is not
    among `choices` stays as it is, whatever was asked for.
    """
    with transaction.atomic():
        Subscriber.objects.select_for_update().only("id").get(pk=person.pk)
        offered = choices(person)
        joining = [
            one.mailing_list for one in offered if one.mailing_list.pk in wanted and not one.is_on
        ]
        leaving = [one.mailing_list.pk for one in offered if one.mailing_list.pk not in wanted]
        # In the order of their keys, as everywhere, so that two of us never wait for each other.
        joined = _join(person, sorted(joining, key=attrgetter("pk")), evidence)
        left = lifecycle.unsubscribe(person, lists=leaving, **evidence)
    return Changed(joined=joined, left=left)


def leave(person: Subscriber, *, kept: Collection[int], **evidence: Unpack[Evidence]) -> Changed:
    """Take the person off the lists of `leavable` that are not kept; nobody joins by it."""
    with transaction.atomic():
        Subscriber.objects.select_for_update().only("id").get(pk=person.pk)
        leaving = [
            one.mailing_list.pk for one in leavable(person) if one.mailing_list.pk not in kept
        ]
        left = lifecycle.unsubscribe(person, lists=leaving, **evidence)
    return Changed(joined=(), left=left)


def describe(person: Subscriber, **values: Any) -> bool:
    """Change what is known about the person; values as `people.change`."""
    return people.change(person, **values)


def slow_down(
    person: Subscriber, *, frequency: int | None, months: int | None, may_speed_up: bool
) -> bool:
    """Set how often the person gets mail, and a pause; False when nothing changed.

    ``months``: 0 ends a pause, None leaves it. Without ``may_speed_up`` only what makes mail less
    is done: the rest is left as it is.
    """
    values: dict[str, Any] = {}
    if frequency in Frequency.values and (may_speed_up or frequency > person.frequency):
        values["frequency"] = frequency
    until = _pause(months)
    if months == 0 and may_speed_up:
        values["paused_until"] = None
    elif until and (may_speed_up or person.paused_until is None or until > person.paused_until):
        values["paused_until"] = until
    return people.change(person, **values)


def is_paused(person: Subscriber) -> bool:
    """Say whether the person asked for a pause that is not over."""
    return person.paused_until is not None and person.paused_until > timezone.now()


def _pause(months: int | None) -> datetime | None:
    if months not in PAUSES:
        return None
    return timezone.now() + timedelta(days=DAYS_IN_MONTH * months)


def _join(person: Subscriber, lists: list[MailingList], evidence: Evidence) -> tuple[int, ...]:
    """Put the owner of the address on lists, wherever they stand there.

    Whoever was asked to confirm does so by this, and whoever had left comes back; both lift
    "unsubscribed from everything". Where somebody is new to a list, that must not stand in the way.
    """
    joined = [
        one.pk
        for one in lists
        if lifecycle.confirm(person, mailing_list=one, **evidence)
        or lifecycle.resubscribe(person, lists=[one.pk], **evidence)
    ]
    if new := [one for one in lists if one.pk not in joined]:
        lifecycle.return_to_mail(person, **evidence)
        joined += [
            one.pk for one in new if lifecycle.subscribe(person, mailing_list=one, **evidence)
        ]
    return tuple(one.pk for one in lists if one.pk in joined)
