"""Settle: what becomes of messages of which nobody knows whether they arrived.

A person decides, "send again" or "leave", for one message or for all; or an event decides: who
opened a mail has it.
"""

from django.db import transaction
from django.db.models import QuerySet

from campaigns import lifecycle
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from delivery.models import Message
from delivery.pipeline import record, requeue
from delivery.states import LEFT_AS, EventKind, MessageState, Reason

SENDABLE = frozenset({CampaignStatus.SENDING, CampaignStatus.PAUSED, CampaignStatus.SENT})
UNDECIDED = frozenset(LEFT_AS)


class CountChangedError(Exception):
    """There are more or fewer unknown messages than somebody confirmed: ``now``."""

    def __init__(self, now: int) -> None:
        super().__init__(f"{now} messages are undecided now.")
        self.now = now


def undecided(campaign: Campaign) -> QuerySet[Message]:
    """Return the unknown messages that a person has yet to decide about."""
    return Message.objects.filter(
        campaign=campaign, state=MessageState.UNKNOWN, reason__in=UNDECIDED
    )


def send_again(
    campaign: Campaign, *, messages: list[int] | None = None, expected: int | None = None
) -> int:
    """Send a campaign's unknown messages (all of them, or these) once more; returns how many.

    Those of them who did get the first mail will have it twice. A cancelled campaign sends nothing.
    ``expected`` is how many "all of them" were when somebody confirmed it.

    Raises:
        CountChangedError: there are more or fewer than expected; nothing was changed.
    """
    which = "campaign_id = %(campaign)s AND reason = ANY(%(reasons)s)"
    if messages is not None:
        which += " AND id = ANY(%(messages)s)"
    params = {"campaign": campaign.pk, "reasons": sorted(UNDECIDED), "messages": messages}
    count = 0
    # One transaction: a campaign with messages to send must never stay finished.
    with transaction.atomic():
        locked = Campaign.objects.select_for_update().get(pk=campaign.pk)
        if locked.status not in SENDABLE:
            return 0
        if expected is not None and (now := undecided(campaign).count()) not in {0, expected}:
            raise CountChangedError(now)
        while moved := requeue.again(which, params, source=MessageState.UNKNOWN):
            count += moved
        if count:
            lifecycle.reopen(locked)
    campaign.refresh_from_db(fields=["status"])
    return count


def leave(campaign: Campaign, *, messages: list[int] | None = None) -> int:
    """Decide not to send unknown messages again; they stay unknown and no longer ask."""
    asked = undecided(campaign)
    if messages is not None:
        asked = asked.filter(pk__in=messages)
    writer = record.Writer(campaign=campaign.pk, workspace=campaign.workspace_id, attempt=0)
    count = 0
    with transaction.atomic():
        for reason, left in LEFT_AS.items():
            ids = list(asked.filter(reason=reason).values_list("pk", flat=True))
            count += record.leave(writer, ids, reason=left)
    return count


def by_event(message: int, kind: EventKind) -> bool:
    """Settle an unknown message of which an event tells what happened; True: it was unknown.

    A bounce says that it did not arrive; whoever opened it, clicked, left by it or complained has
    it, and so has the server that reports a delivery.
    """
    row = (
        Message.objects.filter(pk=message, state=MessageState.UNKNOWN)
        .values_list("campaign_id", "campaign__workspace_id")
        .first()
    )
    if row is None:
        return False
    writer = record.Writer(campaign=row[0], workspace=row[1], attempt=0)
    arrived = kind is not EventKind.BOUNCED
    change = record.MessageChange(
        message_id=message,
        state=MessageState.SENT if arrived else MessageState.FAILED,
        reason=Reason.NONE if arrived else Reason.REFUSED,
    )
    with transaction.atomic():
        return bool(record.apply(writer, [change], source=MessageState.UNKNOWN, counts=False))
