"""Settle: what becomes of messages of which nobody knows whether they arrived.

A person decides, "send again" or "leave", for one message or for all; or an event decides: who
opened a mail has it.
"""

from collections import defaultdict
from collections.abc import Mapping

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
# Causes (`delivery.refusals`): on the provider's suppression list, over the account's limit.
DROPPED = frozenset({11, 72})


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
    """Settle an unknown message of which an event tells what happened; True: it was unknown."""
    return by_events({message: kind is not EventKind.DELAYED}) > 0


def by_events(messages: Mapping[int, bool]) -> int:
    """Settle unknown messages by what is known of them now; returns how many were unknown.

    True: its server has it. Whoever opened it, clicked, left by it, complained or answered has it,
    and a server that returns a mail or reports its delivery had taken it. False: the provider says
    that it was never sent.
    """
    rows = Message.objects.filter(pk__in=list(messages), state=MessageState.UNKNOWN)
    found: dict[tuple[int, int], list[int]] = defaultdict(list)
    for pk, campaign, workspace in rows.values_list("pk", "campaign_id", "campaign__workspace_id"):
        found[campaign, workspace].append(pk)
    count = 0
    for (campaign, workspace), ids in sorted(found.items()):
        writer = record.Writer(campaign=campaign, workspace=workspace, attempt=0)
        changes = [
            record.MessageChange(
                message_id=pk,
                state=MessageState.SENT if messages[pk] else MessageState.FAILED,
                reason=Reason.NONE if messages[pk] else Reason.REFUSED,
            )
            for pk in sorted(ids)
        ]
        with transaction.atomic():
            count += len(record.apply(writer, changes, source=MessageState.UNKNOWN, counts=False))
    return count


def was_dropped(cause: int) -> bool:
    """Say whether a refusal's cause means that the provider never sent the mail."""
    return cause in DROPPED
