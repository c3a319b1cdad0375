"""A person's right to be forgotten (GDPR Art. 17). What it reaches: docs/privacy.md."""

from collections.abc import Sequence
from functools import partial

from django.db import transaction
from django.dispatch import Signal

from accounts.mails import system_mail
from accounts.models import User, Workspace
from subscribers.consent import suppression
from subscribers.fields import usage
from subscribers.models import (
    ConsentEvent,
    DuplicateGroup,
    MailingList,
    MergedPerson,
    SignupRequest,
    Subscriber,
    Subscription,
)
from subscribers.people import people
from subscribers.privacy import forgetting, scrubbing

# Sent inside the erasure's transaction with ``workspace``, ``keys`` (the person's own and those of
# people who became part of them) and ``addresses`` (of all these, as given and in small letters): a
# app above this one forgets what it keeps of the person.
person_erased = Signal()


def erase(workspace: Workspace, *, subscriber_id: int, actor: User | None = None) -> bool:
    """Erase a person; only the keyed hash of the address stays, so that we never write again.

    Returns False when the person is not there (any more). The ledger of messages keeps its rows
    without address or name, so reports keep their totals. Files that are still kept lose the
    person's rows last, when nothing can fail any more.
    """
    return bool(erase_all(workspace, ids=[subscriber_id], actor=actor))


def erase_all(workspace: Workspace, *, ids: Sequence[int], actor: User | None = None) -> list[int]:
    """Erase people as `erase` does, in one transaction; returns the keys of those who were there.

    The kept files are gone through once for all of them, after the commit.
    """
    erased: dict[int, tuple[str, ...]] = {}
    with transaction.atomic():
        for one in sorted(ids):
            if found := _erase(workspace, one, actor):
                erased[one] = found
        if erased:
            addresses_of_all = [address for found in erased.values() for address in found]
            scrubbing.scrub(workspace, addresses_of_all)
            transaction.on_commit(partial(forgetting.forget, workspace, addresses=addresses_of_all))
    return list(erased)


def _erase(workspace: Workspace, subscriber_id: int, actor: User | None) -> tuple[str, ...]:
    """Erase one person; returns their addresses, none when they are not there."""
    person = (
        Subscriber.objects.select_for_update().filter(workspace=workspace, pk=subscriber_id).first()
    )
    if person is None:
        return ()
    former = list(MergedPerson.objects.filter(into=person))
    keys = [person.pk, *(one.pk for one in former)]
    found = tuple(dict.fromkeys((person.email, person.email_key, *_spellings(former))))
    for address in found:
        suppression.bar(workspace, email_key=address.lower(), actor=actor)
    DuplicateGroup.objects.filter(workspace=workspace, people__contains=[person.pk]).delete()
    people.delete(workspace, ids=[person.pk])
    person_erased.send(sender=erase, workspace=workspace, keys=keys, addresses=found)
    system_mail.forget_people(workspace, keys)
    for address in found:
        SignupRequest.objects.filter(workspace=workspace, email__iexact=address).delete()
    named = f"{person.first_name} {person.last_name}"
    names = [*found, named] if person.first_name and person.last_name else found
    forgetting.forget_texts(workspace, people=keys, names=names)
    return found


def _spellings(former: list[MergedPerson]) -> list[str]:
    return [spelling for one in former for spelling in (one.email, one.email.lower())]


def delete_list(mailing_list: MailingList) -> None:
    """Delete a list with its subscriptions and their consent events; its people stay.

    Raises:
        usage.InUse: forms, segments or campaigns need it.
    """
    with transaction.atomic():
        # Whoever chooses the list meanwhile (a campaign, a form) waits for this.
        MailingList.objects.select_for_update().filter(pk=mailing_list.pk).first()
        if uses := usage.of_list(mailing_list):
            raise usage.InUse(uses)
        people.allow_erasing()
        Subscription.objects.filter(list=mailing_list).delete()
        ConsentEvent.objects.filter(list=mailing_list).delete()
        mailing_list.delete()
