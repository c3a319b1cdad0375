"""Proofs: who has a campaign's mail already, as others know it, written into the ledger as sent.

A Message-ID of ours names its message, as long as the restored database has that message. One that
was planned in the time that is lost has a number that the database does not know; then the address
tells whose it was.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from typing import IO, Any, Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from delivery.mime import tokens
from delivery.models import Message
from delivery.pipeline import record, replies
from delivery.restoring import answers, proof_files
from delivery.restoring.proof_files import ProofLine
from delivery.states import MessageState
from delivery.transports.protocol import Outcome, Verdict
from subscribers.addresses import addresses
from subscribers.fields.problems import Problem
from subscribers.models import Subscriber

BATCH: Final = 5_000
EARLIER: Final = timedelta(minutes=5)  # clocks of servers differ
_TOKEN: Final = re.compile(r"^([A-Za-z0-9_-]{22})@")
SOURCES: Final = (MessageState.PLANNED, MessageState.UNKNOWN)


class ProofError(Exception):
    """The file can't be used; the words say why and what to do."""


@dataclass(slots=True)
class ProofsTaken:
    """What came of a file: people by what became of their message, and lines that were not used."""

    marked: int = 0  # noted as sent by this file
    known: int = 0  # sent already
    others: int = 0  # not in this campaign
    unread: int = 0  # lines of other campaigns, other software, or too early
    seen: set[int] = field(default_factory=set)  # messages

    def as_json(self) -> dict[str, int]:
        """Return it as programs read it."""
        return {
            "marked": self.marked,
            "known": self.known,
            "others": self.others,
            "unread": self.unread,
        }


def take(campaign: Campaign, file: IO[bytes], *, name: str) -> ProofsTaken:
    """Note as sent whoever a file says has a campaign's mail. May be repeated, with other files.

    Everybody is planned first, because those may have it whom the restored database had yet to
    plan. ``name`` is noted as the proof.

    Raises:
        ProofError: nothing in it is understood, or the campaign was not to be sent yet.
    """
    campaign.refresh_from_db()
    if campaign.asks_since is None:
        raise ProofError(_("This campaign does not ask, so there is nothing to tell it."))
    if not answers.plan_everybody(campaign):
        raise ProofError(
            _("Nobody can have it yet: its time has not come, or it can't be planned.")
        )
    answers.bring_back_deferred(campaign)
    taken = ProofsTaken()
    words = f"Known from {name}"[:200]
    reply = replies.store([Outcome(message_id=0, verdict=Verdict.SENT, text=words)]).get(0)
    try:
        lines = iter(proof_files.read(file))
        while batch := list(islice(lines, BATCH)):
            _take(campaign, batch, taken, reply=reply)
    except proof_files.UnreadableProofError as error:
        raise ProofError(str(error)) from error
    except (OSError, EOFError) as error:
        raise ProofError(_("The file can't be read: %(why)s") % {"why": error}) from error
    return taken


def _take(
    campaign: Campaign, batch: list[ProofLine], taken: ProofsTaken, *, reply: int | None
) -> None:
    """Work on one batch of lines."""
    named = {line.line: _message_named(line) for line in batch}
    ids = {pk for pk in named.values() if pk}
    campaigns = dict(Message.objects.filter(pk__in=ids).values_list("pk", "campaign_id"))
    messages: set[int] = set()
    keys: set[str] = set()
    began = campaign.started_at or timezone.now()
    for line in batch:
        message = named[line.line]
        if message in campaigns:
            if campaigns[message] == campaign.pk:
                messages.add(message)
            else:
                taken.unread += 1
        elif _is_foreign(line, message) or _is_early(line, campaign, began):
            taken.unread += 1
        elif key := _key(line.address):
            keys.add(key)
        else:
            taken.unread += 1
    people = Subscriber.objects.filter(workspace_id=campaign.workspace_id, email_key__in=keys)
    known = dict(people.values_list("pk", "email_key"))
    taken.others += len(keys) - len(known)
    found = Message.objects.filter(campaign=campaign)
    by_person = dict(found.filter(subscriber__in=list(known)).values_list("subscriber_id", "pk"))
    taken.others += len(known) - len(by_person)
    _mark(campaign, messages | set(by_person.values()), taken, reply=reply)


def _mark(campaign: Campaign, ids: Iterable[int], taken: ProofsTaken, *, reply: int | None) -> None:
    new = set(ids) - taken.seen
    taken.seen |= new
    writer = record.Writer(campaign=campaign.pk, workspace=campaign.workspace_id, attempt=0)
    changes = [
        record.MessageChange(message_id=pk, state=MessageState.SENT, reply=reply)
        for pk in sorted(new)
    ]
    moved = 0
    with transaction.atomic():
        for source in SOURCES:
            counts = source is MessageState.PLANNED
            moved += len(record.apply(writer, changes, source=source, counts=counts))
    states = Counter(Message.objects.filter(pk__in=new).values_list("state", flat=True))
    taken.marked += moved
    taken.known += states[MessageState.SENT] - moved
    taken.others += sum(n for state, n in states.items() if state != MessageState.SENT)


def _message_named(line: ProofLine) -> int | None:
    found = _TOKEN.match(line.message_id)
    return tokens.read(found[1], tokens.Purpose.MESSAGE) if found else None


def _is_foreign(line: ProofLine, message: int | None) -> bool:
    """Say whether a server's log speaks of mail that other software sent."""
    return line.is_log and bool(line.message_id) and message is None


def _is_early(line: ProofLine, campaign: Campaign, began: Any) -> bool:
    """Say whether it is of a time in which nothing of this campaign can have gone.

    One that was scheduled began when it was to, not now that the restored database plans it.
    """
    if line.at is None:
        return False
    if campaign.status != CampaignStatus.SCHEDULED and campaign.send_at:
        began = min(began, campaign.send_at)
    return bool(line.at < began - EARLIER)


def _key(address: str) -> str:
    try:
        return addresses.normalise(address).key
    except Problem:
        return ""
