"""Sweep: what no worker holds in its hands any more: dead workers' claims, due retries, endings.

Every step is a conditional statement and may run twice at once.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Sum
from django.utils import timezone

from accounts.background import set_aside
from accounts.installation import watch
from campaigns import lifecycle
from campaigns.models import Campaign
from campaigns.states import Asks, CampaignStatus
from delivery.models import Claim, Dispatch, Message, MessageTally
from delivery.pipeline import claim, journal, record, requeue
from delivery.pipeline.plan import CLAIM_SIZE
from delivery.processes import coordination
from delivery.states import OPEN_STATES, ClaimState, MessageState, Reason

CLAIMS_AT_ONCE: Final = 50
PUSHED_AWAY: Final = timedelta(minutes=5)
ROWS_AT_ONCE: Final = 20_000

# Planned rows that no open claim owns. There should never be any; a database that was restored from
# a backup, or a hand at work in it, may say otherwise.
_RESCUE: Final = f"""
    SELECT id, campaign_id, %(priority)s::smallint AS priority, attempts
    FROM delivery_message
    WHERE campaign_id = %(campaign)s AND state = {MessageState.PLANNED.value}
        AND NOT EXISTS (  -- in the same snapshot as the messages
            SELECT FROM delivery_claim WHERE campaign_id = %(campaign)s
                AND state IN ({ClaimState.WAITING.value}, {ClaimState.HELD.value})
        )"""  # noqa: S608 - the numbers are ours
# The first due of each campaign, by its part of the index: a LATERAL with a LIMIT is not joined to
# all that is due. ``not_before`` once more, for who has changed while this waited.
_DUE: Final = f"""
not_before <= %(until)s AND id IN (
    SELECT due.id FROM unnest(%(campaigns)s::bigint[]) AS campaign (id)
    CROSS JOIN LATERAL (
        SELECT message.id FROM delivery_message AS message
        WHERE message.campaign_id = campaign.id AND message.not_before <= %(until)s
        ORDER BY message.not_before LIMIT {ROWS_AT_ONCE}
    ) AS due
)
"""  # noqa: S608 - no text from outside


_further: dict[str, Callable[[], object]] = {}


def register(name: str, step: Callable[[], object]) -> None:
    """Have one more thing done at each sweep, also while sending is held."""
    _further[name] = step


def everything() -> bool:
    """Do all of it; True: messages are due again. A step that fails stops no other.

    While sending is held, only what people decide is seen to: a restored database's claims and
    journals say nothing of what has become of its mail since.
    """
    is_held = not watch.may_send()
    due = 0

    def look_for_retries() -> None:
        nonlocal due
        due = retry()

    steps: dict[str, Callable[[], object]] = {"cancelling": cancel, **_further}
    if not is_held:
        steps |= {"claims": recover, "retries": look_for_retries, "ends": finish}
    set_aside.each("sweep", steps, lambda name: steps[name]())
    return due > 0


def recover() -> int:
    """Settle the claims whose lease has run out, or whose process has ended.

    Their journals say how; returns how many.

    An answer in the journal is recorded. A final dot that may be out without an answer makes the
    message unknown. Everything else goes back to wait. A lost journal makes all of it unknown.
    """
    now = timezone.now()
    held = list(
        Claim.objects.filter(state=ClaimState.HELD)
        .exclude(campaign__asks_because=Asks.RESTORED)
        .values_list("pk", "worker", "held_until")
    )
    gone = coordination.gone({worker for _pk, worker, _until in held})
    orphaned = [pk for pk, worker, until in held if until is None or until < now or worker in gone]
    return set_aside.each(
        "claim",
        orphaned[:CLAIMS_AT_ONCE],
        partial(_recover_or_leave, gone=gone),
        name="claim {}".format,
    )


def _recover_or_leave(pk: int, *, gone: Collection[str]) -> None:
    """Settle a claim; one that can't be settled makes room for the others for a while."""
    try:
        _recover(pk, gone)
    except set_aside.AWAY:
        raise
    except Exception:
        Claim.objects.filter(pk=pk, state=ClaimState.HELD).update(
            worker="", held_until=timezone.now() + PUSHED_AWAY
        )
        raise


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
        record.MessageChange(message_id=message, state=MessageState.UNKNOWN, reason=reason)
        for message in messages
    ]
    record.apply(writer, changes, source=MessageState.PLANNED, attempts=writer.attempt)


def retry() -> int:
    """Make claims of the deferred messages that are due; returns how many messages.

    Only those of campaigns that are being sent are looked at: what waits for a paused one stays
    behind its index.
    """
    sending = Campaign.objects.filter(status=CampaignStatus.SENDING, asks_since=None)
    campaigns = list(sending.values_list("pk", flat=True))
    if not campaigns:
        return 0
    count = 0

    def again(several: Sequence[int]) -> None:
        nonlocal count
        due = {"until": timezone.now(), "campaigns": list(several)}
        count += requeue.again(_DUE, due, source=MessageState.DEFERRED)

    set_aside.together("retries", campaigns, again, name="campaign {}".format)
    return count


def cancel() -> int:
    """End what cancelled campaigns still had planned or deferred; returns how many messages.

    Claims that a worker holds are left to it; it gives them back within a second.
    """
    count = 0
    cancelled = Campaign.objects.filter(status=CampaignStatus.CANCELLED)
    waiting = Claim.objects.filter(state=ClaimState.WAITING, campaign__in=cancelled)
    cancelling = list(waiting.order_by("pk").values_list("pk", flat=True)[:CLAIMS_AT_ONCE])

    def cancel_claim(pk: int) -> None:
        nonlocal count
        count += _cancel_claim(pk)

    set_aside.each("cancelling", cancelling, cancel_claim, name="claim {}".format)
    deferred = Message.objects.filter(not_before__isnull=False, state=MessageState.DEFERRED)
    open_campaigns = cancelled.filter(
        Exists(deferred.filter(campaign_id=OuterRef("pk"))), dispatch__isnull=False
    )

    def cancel_deferred(campaign: Campaign) -> None:
        nonlocal count
        ids = list(deferred.filter(campaign=campaign).values_list("pk", flat=True)[:ROWS_AT_ONCE])
        with transaction.atomic():
            count += len(_cancel_rows(campaign, ids, source=MessageState.DEFERRED))

    if waiting_deferrals():
        set_aside.each("cancelling", open_campaigns, cancel_deferred, name=_name)
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
        record.MessageChange(message_id=pk, state=MessageState.CANCELLED, reason=Reason.CANCELLED)
        for pk in ids
    ]
    return record.apply(writer, changes, source=source)


def finish() -> int:
    """Finish the campaigns of which nothing is open any more; returns how many.

    What is unknown doesn't hold a campaign up: it waits for a person, perhaps for ever.
    """
    sending = Dispatch.objects.filter(
        campaign__status=CampaignStatus.SENDING,
        campaign__asks_since=None,
        planning_done_at__isnull=False,
    )
    ended = sending.filter(_nothing_is_open()).values_list("campaign_id", flat=True)
    finished = 0

    def end(campaign: int) -> None:
        nonlocal finished
        finished += _finish(campaign)

    set_aside.each("finishing", list(ended), end, name="campaign {}".format)
    unclaimed = sending.exclude(Exists(_open_claims())).filter(
        Exists(_open_tallies(MessageState.PLANNED))
    )
    lost = list(unclaimed.values_list("pk", flat=True))
    set_aside.each("finishing", lost, _rescue, name="dispatch {}".format)
    return finished


def _name(campaign: Campaign) -> str:
    return f"campaign {campaign.pk}"


@transaction.atomic
def _finish(campaign: int) -> bool:
    """Finish a campaign if nothing of it is open, whoever gives it more to send at this moment.

    Whoever does that (`settle.send_again`) locks the campaign's row first, so with that lock in our
    hands the UPDATE sees all there is. Its condition alone would not do: PostgreSQL looks at other
    tables as they were when the statement began, even when it has waited for the row since.
    """
    row = Campaign.objects.select_for_update(skip_locked=True).filter(pk=campaign).first()
    if row is None or not lifecycle.finish(row, only_if=_nothing_is_open("pk")):
        return False
    Claim.objects.filter(campaign_id=campaign, state=ClaimState.SETTLED).delete()
    return True


def _nothing_is_open(campaign: str = "campaign_id") -> Q:
    """Return the condition that nothing of the campaign in this column is left to send."""
    return ~Exists(_open_claims(campaign)) & ~Exists(_open_tallies(*OPEN_STATES, of=campaign))


def _open_claims(campaign: str = "campaign_id") -> QuerySet[Claim]:
    return Claim.objects.filter(
        campaign_id=OuterRef(campaign), state__in=[ClaimState.WAITING, ClaimState.HELD]
    )


def _open_tallies(*states: MessageState, of: str = "campaign_id") -> QuerySet[MessageTally, Any]:
    """Return whether the tallies (spread over shards) show messages in these states."""
    return (
        MessageTally.objects.filter(campaign_id=OuterRef(of), state__in=states)
        .values("campaign_id")
        .annotate(total=Sum("count"))
        .filter(total__gt=0)
        .values("total")
    )


@transaction.atomic
def _rescue(pk: int) -> None:
    """Make claims for planned messages that have none (the dispatch's lock lets one do it)."""
    dispatch = Dispatch.objects.select_for_update(skip_locked=True).filter(pk=pk).first()
    if dispatch is None:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            claim.inserting(_RESCUE, size=CLAIM_SIZE),
            {
                "campaign": dispatch.campaign_id,
                "priority": dispatch.priority,
                "now": timezone.now(),
            },
        )
