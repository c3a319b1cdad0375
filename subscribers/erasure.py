"""A person's right to be forgotten (GDPR Art. 17). What it reaches: docs/privacy.md."""

from django.db import transaction
from django.dispatch import Signal
from django.utils import timezone

from accounts.models import User, Workspace
from subscribers import forgetting, people
from subscribers.models import (
    ConsentEvent,
    MailingList,
    SignupRequest,
    Subscriber,
    Subscription,
    Suppression,
)
from subscribers.states import SuppressionReason

# Sent inside the erasure's transaction with ``workspace``, ``subscriber_id``, ``addresses`` (as
# given, and in small letters): a room above this one forgets what it keeps of the person.
person_erased = Signal()


def erase(workspace: Workspace, *, subscriber_id: int, actor: User | None = None) -> bool:
    """Erase a person; only the keyed hash of the address stays, so that we never write again.

    Returns False when the person is not there (any more). The ledger of messages keeps its rows
    without address or name, so reports keep their totals. Files that are still kept lose the
    person's rows last, when nothing can fail any more.
    """
    with transaction.atomic():
        person = (
            Subscriber.objects.select_for_update()
            .filter(workspace=workspace, pk=subscriber_id)
            .first()
        )
        if person is None:
            return False
        Suppression.objects.update_or_create(
            workspace=workspace,
            address_hash=bytes(person.address_hash),
            defaults={
                "email_key": "",
                "detail": "",
                "reason": SuppressionReason.ERASED,
                "created_by": actor,
                "created_at": timezone.now(),
            },
        )
        people.delete(workspace, ids=[person.pk])
        found = tuple(dict.fromkeys((person.email, person.email_key)))
        person_erased.send(
            sender=erase, workspace=workspace, subscriber_id=subscriber_id, addresses=found
        )
        SignupRequest.objects.filter(workspace=workspace, email__iexact=person.email_key).delete()
        forgetting.forget(workspace, addresses=found)
    return True


def delete_list(mailing_list: MailingList) -> None:
    """Delete a list with its subscriptions and their consent events; its people stay."""
    with transaction.atomic():
        people.allow_erasing()
        Subscription.objects.filter(list=mailing_list).delete()
        ConsentEvent.objects.filter(list=mailing_list).delete()
        mailing_list.delete()
