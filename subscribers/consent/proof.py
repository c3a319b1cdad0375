"""The proof of one person's consent: what they agreed to, when, how and from where, until today."""

from typing import Any

from subscribers.models import ConsentEvent, Subscriber, Subscription


def collect(person: Subscriber) -> dict[str, Any]:
    """Return the whole consent history, oldest first, with the words; times are aware datetimes."""
    events = (
        ConsentEvent.objects.filter(subscriber=person, workspace_id=person.workspace_id)
        .select_related("list", "statement", "actor")
        .order_by("at", "id")
    )
    subscriptions = Subscription.objects.filter(subscriber=person).select_related("list")
    return {
        "workspace": person.workspace.name,
        "email": person.email,
        "name": person.name,
        "known_since": person.created_at,
        "lists": [
            {
                "list": one.list.name,
                "status": one.status,
                "status_name": str(one.get_status_display()),
                "since": one.changed_at,
            }
            for one in subscriptions.order_by("list__name")
        ],
        "events": [_event(event) for event in events],
    }


def _event(event: ConsentEvent) -> dict[str, Any]:
    return {
        "number": event.pk,
        "what": event.kind,
        "what_name": str(event.get_kind_display()),
        "list": event.list.name if event.list else None,
        "when": event.at,
        "how": event.source,
        "how_name": str(event.get_source_display()),
        "detail": event.detail,
        "from_where": event.ip,
        "browser": event.user_agent,
        "wording": event.statement.text if event.statement else None,
        "wording_number": event.statement_id,
        "wording_since": event.statement.created_at if event.statement else None,
        "by_member": str(event.actor) if event.actor else None,
        "mail": event.message_id,
        "mail_id": event.mail or None,
    }
