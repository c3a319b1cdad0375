"""What a person says about being tracked individually, and the proof of it."""

from typing import Any, Unpack

from django.db import transaction
from django.utils import timezone

from campaigns import queries
from campaigns.states import TrackingMode
from delivery.models import TrackingConsent
from subscribers.consent import ledger
from subscribers.consent.ledger import Evidence
from subscribers.models import Subscriber


def is_asked(person: Subscriber) -> bool:
    """Say whether there is anything to decide: where nothing is tracked, or nobody, there isn't."""
    return queries.tracking_of(person.workspace).mode == TrackingMode.INDIVIDUAL


def allows(person: Subscriber) -> bool:
    """Say whether a person is tracked individually where the workspace does so."""
    said = _newest(person)
    return not queries.tracking_of(person.workspace).needs_consent if said is None else said


def _newest(person: Subscriber) -> bool | None:
    rows = TrackingConsent.objects.filter(subscriber=person).order_by("-id")
    return rows.values_list("allows", flat=True).first()


def say(person: Subscriber, *, allows_it: bool, **evidence: Unpack[Evidence]) -> bool:
    """Write down what a person chose; False when that is how it is already."""
    with transaction.atomic():
        Subscriber.objects.select_for_update().only("id").get(pk=person.pk)
        if allows(person) == allows_it:
            return False
        TrackingConsent.objects.create(
            workspace_id=person.workspace_id,
            subscriber=person,
            allows=allows_it,
            source=evidence["source"],
            at=evidence.get("at") or timezone.now(),
            ip=evidence.get("ip") or None,
            user_agent=ledger.printable(evidence.get("user_agent", ""))[:300],
            message_id=evidence.get("message_id"),
        )
    return True


def told(person: Subscriber) -> list[dict[str, Any]]:
    """Return all that a person said, newest first, as they may read it."""
    return [
        {
            "when": row.at,
            "allowed": row.allows,
            "how": str(row.get_source_display()),
            "ip": row.ip,
            "browser": row.user_agent,
        }
        for row in TrackingConsent.objects.filter(subscriber=person).order_by("-id")
    ]
