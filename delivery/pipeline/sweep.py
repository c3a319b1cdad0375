"""Sweep: what no worker holds in its hands any more: dead workers' claims, due retries, endings.

Every step is a conditional statement and may run twice at once.
"""

from collections.abc import Collection
from typing import Final

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, Sum
from django.utils import timezone

from campaigns import lifecycle
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from delivery import coordination, journal
from delivery.models import Claim, Dispatch, Message, MessageTally
from delivery.pipeline import record, regroup
from delivery.pipeline.plan import CLAIM_SIZE
from delivery.states import OPEN_STATES, ClaimState, MessageState, Reason

CLAIMS_AT_ONCE: Final = 50
ROWS_AT_ONCE: Final = 20_000

# Planned rows that no open claim owns. There should never be any; a database that was restored from
# a backup, or a hand at work in it, may say otherwise.
_RESCUE: Final = """
INSERT INTO delivery_claim
    (campaign_id, priority, first_message, last_message, messages, attempt, state,
     waiting_for, worker, token, journal_epoch, created_at)
SELECT %(campaign)s, %(priority)s, min(id), max(id), array_agg(id ORDER BY id), attempts,
    {waiting}, '', '', '', '', %(now)s
FROM (
    SELECT id, attempts, (row_number() OVER (PARTITION BY attempts ORDER BY id) - 1) / {claim_size}
        AS slice
    FROM delivery_message WHERE campaign_id = %(campaign)s AND state = {planned}
        AND NOT EXISTS (  -- in the same snapshot as the messages
            SELECT FROM delivery_claim
            WHERE campaign_id = %(campaign)s AND state IN ({waiting}, {held})
        )
) AS sliced
GROUP BY attempts, slice
"""


def recover() -> int:
    """Settle the claims whose lease has run out, or whose process has ended.

    Their journals say how; returns how many.

    An answer in the journal is recorded. A final dot that may be out without an answer makes the
    message unknown. Everything else goes back to wait. A lost journal makes all of it unknown.
    """
    now = timezone.now()
    held = list(
        Claim.objects.filter(state=ClaimState.HELD).values_list("pk", "worker", "held_until")
    )
    gone = coordination.gone({worker for _pk, worker, _until in held})
    orphaned = [pk for pk, worker, until in held if until is None or until < now or worker in gone]
    return sum(_recover(pk, gone) for pk in orphaned[:CLAIMS_AT_ONCE])


def _recover(pk: int, gone: Collection[str]) -> bool:
    with transaction.atomic():
        held = (
            Claim.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("campaign")
            .filter(pk=pk, state=ClaimState.HELD)
            .first()
        )
        if held is None or not (_has_expired(held) or held.worker in gone):
            return False
        token = held.token
        # From here on the former owner can't hand over anything, however late it wakes up.
        found = journal.take_over(token, written_in=held.journal_epoch)
        writer = record.Writer(
            campaign=held.campaign_id,
            workspace=held.campaign.workspace_id,
            attempt=held.attempt,
            version=found.version if found else None,
        )
        if found is None:
            _doubt(writer, messages_of(held), reason=Reason.JOURNAL_LOST)
        else:
            record.outcomes(writer, list(found.answers.values()))
            _doubt(writer, sorted(found.doubtful), reason=Reason.NO_REPLY)
        left = bool(messages_of(held))
        held.state = ClaimState.WAITING if left else ClaimState.SETTLED
        held.worker = held.token = held.journal_epoch = ""
        held.held_until = None
        held.save(update_fields=["state", "worker", "token", "journal_epoch", "held_until"])
    journal.drop(token)
    return True


def _has_expired(held: Claim) -> bool:
    return held.held_until is None or held.held_until < timezone.now()


def messages_of(claim: Claim) -> list[int]:
    """Return the messages that a claim still owns: planned, with its number of attempts."""
    own = Message.objects.annotate(of=F("campaign_id") + 0).filter(  # "+ 0": see `claim`
        of=claim.campaign_id, state=MessageState.PLANNED, attempts=claim.attempt
    )
    if claim.messages is not None:
        own = own.filter(pk__in=claim.messages)
    else:
        own = own.filter(pk__gte=claim.first_message, pk__lte=claim.last_message)
    return list(own.order_by("pk").values_list("pk", flat=True))


def _doubt(writer: record.Writer, messages: list[int], *, reason: Reason) -> None:
    changes = [
        record.Change(message_id=message, state=MessageState.UNKNOWN, reason=reason)
        for message in messages
    ]
    record.apply(writer, changes, source=MessageState.PLANNED, attempts=writer.attempt)


def retry() -> int:
    """Make claims of the deferred messages that are due; returns how many messages."""
    now = timezone.now()
    if not Message.objects.filter(not_before__lte=now).exists():
        return 0
    sending = Campaign.objects.filter(status=CampaignStatus.SENDING).values_list("pk", flat=True)
    return regroup.again(
        "not_before <= %(until)s AND campaign_id + 0 = ANY(%(campaigns)s)",
        {"until": now, "campaigns": list(sending)},
        source=MessageState.DEFERRED,
    )


def cancel() -> int:
    """End what cancelled campaigns still had planned or deferred; returns how many messages.

    Claims that a worker holds are left to it; it gives them back within a second.
    """
    count = 0
    cancelled = Campaign.objects.filter(status=CampaignStatus.CANCELLED)
    waiting = Claim.objects.filter(state=ClaimState.WAITING, campaign__in=cancelled)
    for pk in list(waiting.order_by("pk").values_list("pk", flat=True)[:CLAIMS_AT_ONCE]):
        count += _cancel_claim(pk)
    deferred = Message.objects.filter(not_before__isnull=False, state=MessageState.DEFERRED)
    open_campaigns = cancelled.filter(
        Exists(deferred.filter(campaign_id=OuterRef("pk"))), dispatch__isnull=False
    )
    for campaign in open_campaigns if waiting_deferrals() else ():
        ids = list(deferred.filter(campaign=campaign).values_list("pk", flat=True)[:ROWS_AT_ONCE])
        with transaction.atomic():
            count += len(_cancel_rows(campaign, ids, source=MessageState.DEFERRED))
    return count


def waiting_deferrals() -> bool:
    """Say whether any cancelled campaign's tallies still show deferred messages."""
    return (
        MessageTally.objects.filter(
            campaign__status=CampaignStatus.CANCELLED, state=MessageState.DEFERRED
        )
        .values("campaign_id")
        .annotate(total=Sum("count"))
        .filter(total__gt=0)
        .exists()
    )


@transaction.atomic
def _cancel_claim(pk: int) -> int:
    claim = (
        Claim.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("campaign")
        .filter(pk=pk, state=ClaimState.WAITING)
        .first()
    )
    if claim is None:
        return 0
    moved = _cancel_rows(claim.campaign, messages_of(claim), source=MessageState.PLANNED)
    Claim.objects.filter(pk=pk).update(state=ClaimState.SETTLED, not_before=None, waiting_for="")
    return len(moved)


def _cancel_rows(campaign: Campaign, ids: list[int], *, source: MessageState) -> list[int]:
    writer = record.Writer(campaign=campaign.pk, workspace=campaign.workspace_id, attempt=0)
    changes = [
        record.Change(message_id=pk, state=MessageState.CANCELLED, reason=Reason.CANCELLED)
        for pk in ids
    ]
    return record.apply(writer, changes, source=source)


def finish() -> int:
    """Finish the campaigns of which nothing is open any more; returns how many.

    What is unknown doesn't hold a campaign up: it waits for a person, perhaps for ever.
    """
    open_claims = Claim.objects.filter(
        campaign_id=OuterRef("campaign_id"), state__in=[ClaimState.WAITING, ClaimState.HELD]
    )
    ready = (
        Dispatch.objects.filter(
            ~Exists(open_claims),
            campaign__status=CampaignStatus.SENDING,
            planning_done_at__isnull=False,
        )
        .select_related("campaign")
        .annotate(
            open=Sum(
                "campaign__tallies__count",
                filter=Q(campaign__tallies__state__in=OPEN_STATES),
                default=0,
            ),
            planned=Sum(
                "campaign__tallies__count",
                filter=Q(campaign__tallies__state=MessageState.PLANNED),
                default=0,
            ),
        )
    )
    finished = 0
    for dispatch in ready:
        if dispatch.open == 0:
            if lifecycle.finish(dispatch.campaign):
                Claim.objects.filter(
                    campaign_id=dispatch.campaign_id, state=ClaimState.SETTLED
                ).delete()
                finished += 1
        elif dispatch.planned > 0:
            _rescue(dispatch.pk)
    return finished


@transaction.atomic
def _rescue(pk: int) -> None:
    """Make claims for planned messages that have none (the dispatch's lock lets one do it)."""
    dispatch = Dispatch.objects.select_for_update(skip_locked=True).filter(pk=pk).first()
    if dispatch is None:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _RESCUE.format(
                planned=MessageState.PLANNED.value,
                waiting=ClaimState.WAITING.value,
                held=ClaimState.HELD.value,
                claim_size=CLAIM_SIZE,
            ),
            {
                "campaign": dispatch.campaign_id,
                "priority": dispatch.priority,
                "now": timezone.now(),
            },
        )
