"""Answers about a campaign that asks: send to who is left, or note that nobody knows.

A campaign of a restored database may have gone further than its ledger says. "Send" believes the
ledger (after `proofs` told it who has the mail already). "Leave" believes nobody: whoever is left
becomes unknown and is listed, and a person decides as about every unknown mail.
"""

import time
from typing import Final

import redis
from django.db import transaction

from accounts.background import set_aside
from campaigns import lifecycle
from campaigns.checks import confirmation
from campaigns.models import Campaign
from campaigns.states import Asks, CampaignStatus
from delivery.models import Claim, Dispatch, Message
from delivery.pipeline import journal, plan, record, requeue
from delivery.states import ClaimState, MessageState, Reason

ROWS_AT_ONCE: Final = 20_000
SECONDS: Final = 1.0  # of one sweep


def may_have_gone(campaign: Campaign) -> bool:
    """Say whether it may have been sent in the time that a restored database does not know."""
    return campaign.asks_because in {Asks.RESTORED, Asks.LEAVING}


@transaction.atomic
def send(campaign: Campaign, *, confirmed: str | None) -> bool:
    """Let it go on as the ledger says; False: it does not ask any more.

    ``confirmed`` is what somebody was shown (`confirmation.shown`); None: a command.

    Raises:
        ChangedError: the email is not what was shown.
    """
    locked = Campaign.objects.select_for_update().get(pk=campaign.pk)
    if locked.asks_since is None:
        return False
    if confirmed is not None and (differing := confirmation.changes(campaign, confirmed)):
        raise confirmation.ChangedError(differing)
    if may_have_gone(locked):
        _give_back(locked)
    return lifecycle.settle_question(campaign)


def leave(campaign: Campaign) -> bool:
    """Send to nobody who is left: they are noted as unknown, in the background."""
    asking = Campaign.objects.filter(pk=campaign.pk, asks_because=Asks.RESTORED)
    won = asking.update(asks_because=Asks.LEAVING)
    campaign.refresh_from_db(fields=["asks_because"])
    return bool(won)


def note_who_is_left() -> None:
    """Go on with noting as unknown who is left of campaigns that somebody left (`sweep`)."""
    leaving = list(Campaign.objects.filter(asks_because=Asks.LEAVING).order_by("pk"))
    set_aside.each("leaving", leaving, _note, name=lambda campaign: f"campaign {campaign.pk}")


def plan_everybody(campaign: Campaign, *, seconds: float | None = None) -> bool:
    """Plan all of a campaign without sending; False: time was over, or it can't be planned now."""
    until = None if seconds is None else time.monotonic() + seconds
    campaign.refresh_from_db()
    if campaign.status == CampaignStatus.SCHEDULED and not plan.begin(campaign):
        return False  # its time has not come, so nobody has it
    while not plan.step(campaign.pk).is_done:
        if until is not None and time.monotonic() > until:
            return False
    return Dispatch.objects.filter(campaign=campaign, planning_done_at__isnull=False).exists()


def _note(campaign: Campaign) -> None:
    until = time.monotonic() + SECONDS
    if not plan_everybody(campaign, seconds=SECONDS):
        return
    _give_back(campaign)
    writer = record.Writer(campaign=campaign.pk, workspace=campaign.workspace_id, attempt=0)
    while time.monotonic() < until:
        bring_back_deferred(campaign)
        with transaction.atomic():
            ids = list(
                Message.objects.filter(campaign=campaign, state=MessageState.PLANNED)
                .order_by("pk")
                .values_list("pk", flat=True)[:ROWS_AT_ONCE]
            )
            changes = [
                record.MessageChange(
                    message_id=pk, state=MessageState.UNKNOWN, reason=Reason.MAY_HAVE_GONE
                )
                for pk in ids
            ]
            record.apply(writer, changes, source=MessageState.PLANNED)
        if not ids:
            waiting = Claim.objects.filter(campaign=campaign, state=ClaimState.WAITING)
            waiting.update(state=ClaimState.SETTLED, not_before=None, waiting_for="")
            lifecycle.settle_question(campaign)
            return


def bring_back_deferred(campaign: Campaign) -> None:
    """Plan what waits for another try anew, so that it can be told or left like the rest."""
    which = "campaign_id = %(campaign)s AND not_before IS NOT NULL"
    while requeue.again(which, {"campaign": campaign.pk}, source=MessageState.DEFERRED):
        pass


def _give_back(campaign: Campaign) -> None:
    """Take the claims out of the hands that held them before the restore, with what is proven.

    A journal that has survived says what servers answered; what it does not say counts as planned.
    """
    held = Claim.objects.select_for_update().filter(campaign=campaign, state=ClaimState.HELD)
    with transaction.atomic():
        for claim in held:
            try:
                found = journal.take_over(claim.token, written_in=claim.journal_epoch)
            except redis.RedisError:
                found = None
            if found is not None:
                writer = record.Writer(
                    campaign=campaign.pk,
                    workspace=campaign.workspace_id,
                    attempt=claim.attempt,
                    version=found.version,
                )
                record.outcomes(writer, list(found.answers.values()))
                doubts = [
                    record.MessageChange(
                        message_id=pk, state=MessageState.UNKNOWN, reason=Reason.NO_REPLY
                    )
                    for pk in sorted(found.doubtful)
                ]
                record.apply(writer, doubts, source=MessageState.PLANNED, attempts=claim.attempt)
        held.update(
            state=ClaimState.WAITING, worker="", token="", journal_epoch="", held_until=None
        )
