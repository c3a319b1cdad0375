"""What one person got and did, for the subscriber's page."""

from django.http import HttpResponse
from django.shortcuts import render

from accounts.access.permissions import MemberRequest, member
from accounts.access.rows import own
from accounts.roles import Permission, may
from delivery.bounce_policy import effects
from delivery.models import Event, HeldBack, Message, SoftBounces
from delivery.tracking import devices, evidence
from subscribers.models import Subscriber
from subscribers.people import merging

SHOWN = 50


@member(Permission.VIEW)
def subscriber_timeline(request: MemberRequest, subscriber_id: int) -> HttpResponse:
    """Show the newest messages of a person with what happened to each."""
    subscriber = own(request, Subscriber, subscriber_id)
    messages = list(
        Message.objects.filter(subscriber_id__in=merging.keys_of(subscriber))
        .select_related("campaign", "reply")
        .order_by("-id")[:SHOWN]
    )
    events = Event.objects.filter(message_id__in=[message.pk for message in messages])
    by_message: dict[int, list[Event]] = {}
    for event in events.select_related("user_agent", "reply").order_by("at"):
        event.why = effects.words(event.cause, event.effect)  # type: ignore[attr-defined]  # for the page
        by_message.setdefault(event.message_id or 0, []).append(event)
    context = {
        "subscriber": subscriber,
        "event_signs": evidence.labels,
        "client_of": devices.client_of,
        "soft": SoftBounces.objects.filter(subscriber=subscriber, count__gt=0).first(),
        "held": HeldBack.objects.filter(subscriber=subscriber, alarm__closed_at=None)
        .select_related("alarm")
        .first(),
        "may_decide": may(request.membership.role, Permission.MANAGE),
        "rows": [(message, by_message.get(message.pk, [])) for message in messages],
    }
    return render(request, "reports/timeline.html", context)
