"""Taking suppressions back: what bounced until then counts no more."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import User, Workspace
from delivery.bounce_policy import following
from delivery.bounce_policy.following import Why
from delivery.models import HeldBack, ProviderAlarm, SoftBounces
from delivery.states import Effect
from subscribers.consent import suppression
from subscribers.models import Subscriber
from subscribers.states import SuppressionReason


def clear(people: Iterable[int]) -> None:
    """Begin these people's bounces in a row anew."""
    SoftBounces.objects.bulk_create(
        [SoftBounces(subscriber_id=pk, cleared_at=timezone.now()) for pk in sorted(set(people))],
        update_conflicts=True,
        unique_fields=["subscriber_id"],
        update_fields=["count", "first_at", "last_at", "cleared_at"],
    )


def released(workspace_id: int, keys: Sequence[str], **_kwargs: Any) -> None:
    """Follow `suppression.released`."""
    people = Subscriber.objects.filter(workspace_id=workspace_id, email_key__in=list(keys))
    clear(people.values_list("pk", flat=True))


def release(workspace: Workspace, keys: Iterable[str]) -> int:
    """Take back what bounces did to these addresses (by key); returns how many."""
    with transaction.atomic():
        back = suppression.withdraw(workspace.pk, keys=keys, reason=SuppressionReason.BOUNCED)
        people = Subscriber.objects.filter(workspace=workspace, email_key__in=list(back))
        clear(people.values_list("pk", flat=True))
    return len(back)


def close(alarm: ProviderAlarm, *, suppress: bool, actor: User | None) -> int:
    """Decide about those who are held back: suppress them after all, or not; returns how many.

    Mail goes there again at once. False alarms clear their bounces, so that they count no more.
    """
    with transaction.atomic():
        won = ProviderAlarm.objects.filter(pk=alarm.pk, closed_at=None).update(
            closed_at=timezone.now(), closed_by=actor, paused_until=None
        )
        if not won:
            return 0
        rows = HeldBack.objects.filter(alarm=alarm, subscriber__workspace_id=alarm.workspace_id)
        held = list(rows.values_list("subscriber_id", "subscriber__email_key", "effect"))
        if suppress:
            due = {key: Why(effect=Effect(effect)) for _pk, key, effect in held}
            following.suppress(alarm.workspace, due)
        else:
            clear(pk for pk, _key, _effect in held)
        HeldBack.objects.filter(alarm=alarm).delete()
    return len(held)


def go_on(alarm: ProviderAlarm) -> bool:
    """Send to a provider again before the pause is over; who is held back stays so."""
    return bool(
        ProviderAlarm.objects.filter(
            pk=alarm.pk, closed_at=None, paused_until__isnull=False
        ).update(paused_until=timezone.now())
    )
