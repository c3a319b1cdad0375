"""News of mails for tests, and what the ledger and the figures say of a campaign."""

from collections import Counter
from datetime import datetime
from typing import Any

from campaigns.models import Campaign
from delivery.events.feedback import Feedback
from delivery.models import Event, EventTally, Message, SendMinute
from delivery.states import EventKind, FeedbackSource
from tests.delivery import makers


def key(number: int) -> bytes:
    return number.to_bytes(16, "big")


def news(
    message: Message | None = None, kind: EventKind = EventKind.DELIVERED, **fields: Any
) -> Feedback:
    """Return a piece of news; of a message that is proven, unless it is found otherwise."""
    values: dict[str, Any] = {"key": key(1), "at": makers.after(60), "kind": kind}
    values["source"] = FeedbackSource.PROVIDER
    if message is not None:
        values |= {"message_id": message.pk, "workspace_id": message.campaign.workspace_id}
    return Feedback(**(values | fields))


def columns(message: Message) -> tuple[datetime | None, ...]:
    row = Message.objects.get(pk=message.pk)
    return row.delivered_at, row.bounced_at, row.complained_at


def figures(campaign: Campaign) -> dict[str, tuple[int, int]]:
    """Return total and unique of what providers tell, by kind, those that are not zero."""
    rows = EventTally.objects.filter(campaign=campaign, link_ordinal=0).exclude(kind__in=[4, 5])
    return {
        EventKind(row.kind).name: (row.total, row.unique) for row in rows if row.total or row.unique
    }


def recounted(campaign: Campaign) -> dict[str, tuple[int, int]]:
    """Count the same from the ledger."""
    column = {
        EventKind.DELIVERED: "delivered_at",
        EventKind.BOUNCED: "bounced_at",
        EventKind.COMPLAINED: "complained_at",
        EventKind.UNSUBSCRIBED: "unsubscribed_at",
    }
    events = Event.objects.filter(campaign=campaign).exclude(kind__in=[4, 5])
    rows = events.exclude(source=FeedbackSource.SERVER).values_list("kind", "message_id")
    total = Counter(EventKind(kind) for kind, _message in rows)
    whose = {(EventKind(kind), message) for kind, message in rows}
    said = {row.pk: row for row in Message.objects.filter(campaign=campaign)}
    unique = Counter(
        kind
        for kind, message in whose
        if kind not in column or getattr(said[message], column[kind]) is not None
    )
    return {kind.name: (total[kind], unique[kind]) for kind in total}


def minutes(campaign: Campaign) -> dict[str, int]:
    """Return what came of the mails by the minutes they were sent in, summed up."""
    rows = SendMinute.objects.filter(campaign=campaign)
    names = ("bounced", "complained", "unsubscribed", "opened")
    return {name: sum(getattr(row, name) for row in rows) for name in names}
