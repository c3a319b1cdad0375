"""Adding, changing and deleting people."""

import re
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Unpack

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.models import Workspace
from subscribers.addresses import addresses
from subscribers.addresses.addresses import Address
from subscribers.consent import lifecycle
from subscribers.consent.ledger import Evidence
from subscribers.models import ConsentEvent, Subscriber, Subscription, Tagging
from subscribers.people import duplicates

LONGEST_NAME = 100
UNIQUE_ADDRESS = "subscriber_email_unique"
NAMES = ("first_name", "last_name")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class AddressTaken(ValueError):  # noqa: N818 - says what is the case
    """Another subscriber of this workspace has this address."""


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What a person tells about themselves."""

    first_name: str = ""
    last_name: str = ""
    language: str = ""
    time_zone: str = ""
    fields: Mapping[str, Any] | None = None


@cache
def time_zones() -> frozenset[str]:
    """Return the name of every time zone that a person may have: all that the machine knows."""
    return frozenset(zoneinfo.available_timezones())


def one_line(name: str) -> str:
    """Make a name fit for a mail's header: one line, single spaces, at most `LONGEST_NAME`."""
    return " ".join(CONTROL.sub(" ", name).split())[:LONGEST_NAME]


def find(workspace: Workspace, *, email: str) -> Subscriber | None:
    """Find a person by address; raises Problem as `addresses.normalise`."""
    key = addresses.key(email)
    return Subscriber.objects.filter(workspace=workspace, email_key=key).first()


def add(
    workspace: Workspace, *, address: Address, profile: Profile | None = None
) -> tuple[Subscriber, bool]:
    """Add a person, or return the one who has this address; says whether they are new.

    Somebody who is known keeps what is known: a stranger who types an address into a form must not
    change its owner's profile.
    """
    profile = profile or Profile()
    now = timezone.now()
    person = Subscriber(
        workspace=workspace,
        email=address.email,
        email_key=address.key,
        address_hash=addresses.address_hash(address.key, secret=bytes(workspace.address_key)),
        domain_group=address.domain.group,
        address_flags=address.flags,
        first_name=one_line(profile.first_name),
        last_name=one_line(profile.last_name),
        language=profile.language,
        time_zone=profile.time_zone,
        fields=dict(profile.fields or {}),
        created_at=now,
        updated_at=now,
    )
    known = Subscriber.objects.filter(workspace=workspace, email_key=address.key)
    with transaction.atomic():
        found = known.first()
        if found:
            return found, False
        Subscriber.objects.bulk_create([person], ignore_conflicts=True)
        stored = known.get()
    # Somebody may have been quicker; only our own row has this moment.
    return stored, stored.created_at == now


def hold(subscriber: Subscriber) -> None:
    """Read a person's names and fields anew, and keep others from changing them meanwhile."""
    locked = Subscriber.objects.select_for_update(no_key=True)
    subscriber.refresh_from_db(fields=[*NAMES, "fields"], from_queryset=locked)


@transaction.atomic
def change(
    subscriber: Subscriber, *, fields: Mapping[str, Any] | None = None, **values: Any
) -> bool:
    """Change the given columns where they differ; False when nothing did.

    ``fields`` are the custom fields to change; None takes a value away. All others stay, whoever
    changed them meanwhile.
    """
    values.update({name: one_line(values[name]) for name in NAMES if name in values})
    if fields:
        hold(subscriber)
        merged = {**subscriber.fields, **fields}
        values["fields"] = {key: value for key, value in merged.items() if value is not None}
    different = {name: new for name, new in values.items() if getattr(subscriber, name) != new}
    if not different:
        return False
    for name, new in different.items():
        setattr(subscriber, name, new)
    subscriber.updated_at = timezone.now()
    subscriber.save(update_fields=[*different, "updated_at"])
    return True


def change_address(
    subscriber: Subscriber, *, address: Address, **evidence: Unpack[Evidence]
) -> bool:
    """Give a person another address; False when it is the one they have.

    What the old address agreed to, the new one did not: see `lifecycle.follow_address`. Another
    spelling of the same address is no other address.

    Raises:
        AddressTaken: somebody else has it.
    """
    secret = bytes(subscriber.workspace.address_key)
    other = subscriber.email_key != address.key
    try:
        with transaction.atomic():
            changed = change(
                subscriber,
                email=address.email,
                email_key=address.key,
                address_hash=addresses.address_hash(address.key, secret=secret),
                domain_group=int(address.domain.group),
                address_flags=int(address.flags),
            )
            if other:
                lifecycle.follow_address(subscriber, **evidence)
    except IntegrityError as error:  # the database alone knows, however close two come
        if UNIQUE_ADDRESS not in str(error):
            raise
        raise AddressTaken from error
    return changed


def delete(workspace: Workspace, *, ids: list[int]) -> int:
    """Delete people with their subscriptions and consent events; returns how many there were.

    The ledger of messages keeps its rows, so reports keep their totals. Unlike an erasure nothing
    stops these addresses from being added again, except suppressions, which stay.
    """
    with transaction.atomic():
        people = list(
            Subscriber.objects.select_for_update()
            .filter(workspace=workspace, pk__in=ids)
            .order_by("pk")
            .values_list("pk", flat=True)
        )
        allow_erasing()
        Subscription.objects.filter(subscriber_id__in=people).delete()
        Tagging.objects.filter(subscriber_id__in=people).delete()
        ConsentEvent.objects.filter(subscriber_id__in=people).delete()
        Subscriber.objects.filter(pk__in=people).delete()
        duplicates.forget(people)
    return len(people)


def allow_erasing() -> None:
    """Tell the consent ledger's trigger that this transaction erases people."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('warta.erasing', 'on', true)")
