"""A person's right to be forgotten (GDPR Art. 17) and to see their data (Art. 15 and 20)."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import User, Workspace
from subscribers import people
from subscribers.models import (
    ConsentEvent,
    CustomField,
    MailingList,
    Subscriber,
    Subscription,
    Suppression,
)
from subscribers.states import SuppressionReason


def erase(workspace: Workspace, *, subscriber_id: int, actor: User | None = None) -> bool:
    """Erase a person; only the keyed hash of the address stays, so that we never write again.

    Returns False when the person is not there (any more). The ledger of messages keeps its rows
    without address or name, so reports keep their totals.
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
    return True


def delete_list(mailing_list: MailingList) -> None:
    """Delete a list with its subscriptions and their consent events; its people stay."""
    with transaction.atomic():
        people.allow_erasing()
        Subscription.objects.filter(list=mailing_list).delete()
        ConsentEvent.objects.filter(list=mailing_list).delete()
        mailing_list.delete()


def export(subscriber: Subscriber) -> dict[str, Any]:
    """Return what this room knows of a person, ready for JSON; moments in ISO 8601, UTC."""
    labels = dict(
        CustomField.objects.filter(workspace_id=subscriber.workspace_id).values_list("key", "label")
    )
    return {
        "email": subscriber.email,
        "first_name": subscriber.first_name,
        "last_name": subscriber.last_name,
        "language": subscriber.language,
        "time_zone": subscriber.time_zone,
        "fields": {labels.get(key, key): value for key, value in subscriber.fields.items()},
        "added": subscriber.created_at.isoformat(),
        "changed": subscriber.updated_at.isoformat(),
        "subscriptions": [
            {
                "list": subscription.list.name,
                "status": subscription.status,
                "since": subscription.changed_at.isoformat(),
            }
            for subscription in Subscription.objects.filter(subscriber=subscriber)
            .select_related("list")
            .order_by("list__name")
        ],
        "suppressions": [
            {"reason": row.reason, "detail": row.detail, "since": row.created_at.isoformat()}
            for row in Suppression.objects.filter(
                workspace_id=subscriber.workspace_id, address_hash=bytes(subscriber.address_hash)
            )
        ],
        "consent": [_event(event) for event in _events(subscriber)],
    }


def _events(subscriber: Subscriber) -> Any:
    return (
        ConsentEvent.objects.filter(subscriber=subscriber)
        .select_related("list", "statement")
        .order_by("at", "id")
    )


def _event(event: ConsentEvent) -> dict[str, Any]:
    return {
        "what": event.kind,
        "how": event.source,
        "list": event.list.name if event.list else None,
        "when": event.at.isoformat(),
        "from_where": event.ip,
        "browser": event.user_agent,
        "agreed_to": event.statement.text if event.statement else None,
        "detail": event.detail,
    }
