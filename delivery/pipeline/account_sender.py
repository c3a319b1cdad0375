"""One process's way to one sending account: its connections, its journal line, its thread.

A server may accept a mail and not answer for ten minutes (RFC 5321 §4.5.3.2 asks us to wait). Only
its own sender waits then; the process goes on with other accounts.
"""

import threading
import time
from contextlib import suppress
from datetime import timedelta
from enum import Enum
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final

import structlog
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from delivery.accounts import breaker
from delivery.bounce_policy import guard
from delivery.limits import daily_usage, throttle
from delivery.limits.connection_pool import Connections, ProviderSlots
from delivery.limits.gate import Gate
from delivery.limits.throttle import Grant
from delivery.models import DomainLimit, SendingAccount
from delivery.pipeline import batch, claim, journal, next_campaign, prepare, record
from delivery.pipeline.plan import CLAIM_SIZE
from delivery.processes import coordination
from delivery.transports import choose
from delivery.transports.protocol import JournalClosedError, ServerTroubleError, Transport

if TYPE_CHECKING:
    from collections.abc import Callable

LOOK_AGAIN_SECONDS: Final = 60.0  # for a mailbox provider that refuses everybody
LONG_WAIT: Final = 2.0  # seconds; a wait for a limit that the database, and so people, know of
log = structlog.get_logger()


class Served(Enum):
    """What came of an offer."""

    SENT = "sent"
    NOTHING = "nothing"  # no free claim or connection just now
    LIMITED = "limited"  # the account has no permits until `AccountSender.rests_until`
    CHANGED = "changed"  # something about accounts or campaigns is to be read anew
    FAILED = "failed"  # by something unexpected, which the log tells


class AccountSender:
    """Serves one account's offers, one after the other, in a thread of its own.

    ``finished`` gets the sender each time an offer is served; ``result`` says how then.
    """

    def __init__(self, account: int, *, finished: "SimpleQueue[AccountSender]") -> None:
        self.account = account
        self.offer: next_campaign.Offer | None = None  # the one that is served, or was last
        self.result = Served.NOTHING
        self.mails = 0  # of the last offer, read to be sent
        self.rests_until = 0.0  # time.monotonic()
        self.idle_since = time.monotonic()
        self._finished = finished
        self._line = journal.JournalConnection()
        self._connections = Connections(account=account)
        self._provider_slots = ProviderSlots(account=account, most={})
        self._settings: object = None
        self._transport: Transport | None = None
        self._jobs: SimpleQueue[Callable[[], Served] | None] = SimpleQueue()
        self.is_leaving = False
        self.has_left = False  # it has hung up for good
        self._thread = threading.Thread(target=self._run, daemon=True, name=f"sender-{account}")
        self._thread.start()

    def begin(
        self,
        offer: next_campaign.Offer,
        prepared: prepare.Prepared,
        part: batch.TimeSlice,
        *,
        shard: int,
    ) -> None:
        """Begin to serve an offer."""
        self.offer = offer
        self._jobs.put(lambda: self._serve(offer, prepared, part, shard=shard))

    def leave(self) -> None:
        """Hang up and end, once the offer that is being served has its answers."""
        if not self.is_leaving:
            self.is_leaving = True
            self._jobs.put(None)

    def join(self, seconds: float) -> None:
        """Wait for the end after `leave`, at most so long."""
        self._thread.join(max(0.0, seconds))

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                self.result = job()
            except Exception:
                log.exception("sending_failed", account=self.account)
                self.result = Served.FAILED
                with suppress(Exception):
                    self._hang_up()
                connection.close()
            self.idle_since = time.monotonic()
            self._finished.put(self)
        self._hang_up()
        connection.close()
        self.has_left = True
        self._finished.put(self)

    def _hang_up(self) -> None:
        try:
            if self._transport is not None:
                self._transport.close()
        except OSError:
            log.exception("connections_could_not_be_closed", account=self.account)
        finally:
            self._transport = None
            self._connections.free()
            self._provider_slots.free()
            self._line.close()

    def _serve(
        self,
        offer: next_campaign.Offer,
        prepared: prepare.Prepared,
        part: batch.TimeSlice,
        *,
        shard: int,
    ) -> Served:
        """Send the campaign's next claim, or as much of it as the account's limits allow."""
        account = offer.account
        self.mails = 0
        self._share(account)
        if not self._connections.count or not breaker.may_try(account):
            return Served.NOTHING
        gate = self._gate(account)
        try:
            most = gate.reserve(CLAIM_SIZE, is_shared=offer.is_shared)
            held = self._take(offer) if most else None
            if held is None:
                if account.broken_since is not None:
                    breaker.let_others_try(account)
                return Served.NOTHING if most else self._wait(offer, gate)
            try:
                return self._send(held, prepared, account, part, gate, most=most, shard=shard)
            except BaseException:
                # What became of its mails is in the journal: whoever sweeps up reads it there.
                claim.expire(held)
                raise
        finally:
            gate.give_back()

    def _wait(self, offer: next_campaign.Offer, gate: Gate) -> Served:
        """Leave the account alone until it has permits again; a long wait is written down."""
        grant = gate.refused
        if grant is None:
            return Served.NOTHING
        if grant.wait >= LONG_WAIT:
            claim.postpone(
                offer.campaign.pk,
                until=timezone.now() + timedelta(seconds=grant.wait),
                waiting_for=throttle.word_of(grant.limit),
            )
            return Served.NOTHING
        self.rests_until = time.monotonic() + grant.wait
        return Served.LIMITED

    def _share(self, account: SendingAccount) -> None:
        """Ask for our share of the account's connections, and use no more from now on."""
        transport = self._transport
        opened = transport.opened if transport is not None else 0
        count = self._connections.ask(most=account.max_connections, opened=opened)
        if transport is not None:
            transport.limit(_most(account, count))

    def _take(self, offer: next_campaign.Offer) -> claim.Held | None:
        """Take the campaign's next claim; its journal is opened first."""
        try:
            token = self._line.open()
        except JournalClosedError:
            return None
        return claim.take(
            offer.campaign.pk,
            worker=coordination.process_name(),
            token=token,
            epoch=self._line.epoch,
        )

    def _send(  # noqa: PLR0913 - what a claim is sent with
        self,
        held: claim.Held,
        prepared: prepare.Prepared,
        account: SendingAccount,
        part: batch.TimeSlice,
        gate: Gate,
        *,
        most: int,
        shard: int,
    ) -> Served:
        notes = self._line.use(held.token, version=prepared.version)
        if held.domain_group is not None:
            most = gate.reserve_for(held.domain_group, most)
        writer = record.Writer(
            campaign=held.campaign,
            workspace=account.workspace_id,
            attempt=held.attempt,
            shard=shard,
            version=prepared.version,
        )
        found = claim.Found(due=[], left_out={}, next=held.first)
        if most:
            found = claim.read(held, prepared.audience, limit=most if most < CLAIM_SIZE else None)
        record.skip(writer, found.left_out)
        self.mails = len(found.due)
        hand = batch.HandOver(
            held=held,
            prepared=prepared,
            due=found.due,
            writer=writer,
            gate=gate,
            part=part,
            keep=lambda: self._share(account),
        )
        served = self._carry(hand, notes, account)
        gate.give_back()
        try:
            self._finish(held, hand, account, following=found.next)
        except BaseException:
            _save(notes, hand)
            raise
        if hand.has_too_many_errors:
            return Served.CHANGED
        return Served.NOTHING if hand.is_starved else served

    def _carry(
        self, hand: batch.HandOver, notes: journal.Journal, account: SendingAccount
    ) -> Served:
        """Hand a claim's mails over until they have their answers, or something is wrong."""
        try:
            while hand.goes_on:  # once, unless a mailbox provider's connections are all in use
                self._open(account).send(
                    hand.mails(),
                    journal=notes,
                    record=hand.note,
                    should_stop=hand.should_stop,
                    keep_alive=hand.keep_alive,
                )
        except ServerTroubleError as trouble:
            if hand.answers:  # it worked until now: its waits begin anew
                breaker.close(account)
            breaker.trip(account, trouble)
            self._hang_up()
        except JournalClosedError:
            self._line.close()
        except BaseException:
            _save(notes, hand)
            raise
        else:
            return _judge(account, hand)
        return Served.CHANGED

    def _finish(
        self,
        held: claim.Held,
        hand: batch.HandOver,
        account: SendingAccount,
        *,
        following: int | None,
    ) -> None:
        """Record the rest and give the claim back, in one transaction; then drop its journal."""
        if hand.has_too_many_errors:
            hand.pause_for_errors()
        with transaction.atomic():
            # The claim first, then its messages: the order in which the sweeper locks them.
            still_ours = self._give_back(held, hand, following=following)
            hand.flush(last=True)
            daily_usage.note(account, hand.counts)
        if still_ours:
            journal.drop(held.token)

    def _give_back(self, held: claim.Held, hand: batch.HandOver, *, following: int | None) -> bool:
        """Give a claim back with what is left of it; False: somebody else has it."""
        back = {message for group in hand.held_back.values() for message in group}
        rest = hand.remaining
        if rest != back:  # stopped in its middle
            return claim.release(held, first=min(rest))
        if following is None:
            still_ours = claim.settle(held)
        elif held.domain_group is not None and held.domain_group in hand.gate.waits:
            not_before, words = hand.waits_until(held.domain_group)
            still_ours = claim.release(
                held, first=following, not_before=not_before, waiting_for=words
            )
        else:
            still_ours = claim.release(held, first=following)
        if still_ours:
            for group, messages in hand.held_back.items():
                not_before, words = hand.waits_until(group)
                claim.split(held, messages, group=group, not_before=not_before, waiting_for=words)
        return still_ours

    def _gate(self, account: SendingAccount) -> Gate:
        limits = list(DomainLimit.objects.filter(account=account))
        self._provider_slots.renew(throttle.connections_by_group(limits))
        return Gate(
            account=account.pk,
            limits=throttle.limits_of(account),
            groups=throttle.limits_by_group(limits),
            provider_slots=self._provider_slots,
            waits=_refusing(account),
        )

    def _open(self, account: SendingAccount) -> Transport:
        """Return open connections to the account's server; new ones when its settings changed."""
        settings = choose.fingerprint(account), account.max_connections
        if self._transport is None or self._settings != settings:
            if self._transport is not None:
                self._transport.close()
            self._settings = settings
            self._transport = choose.transport_for(account)
            self._transport.limit(_most(account, self._connections.count))
        return self._transport


def _refusing(account: SendingAccount) -> dict[int, Grant]:
    """Return the mailbox providers that refuse nearly everybody: nothing goes there for now.

    Asked again soon, so that it goes on within a minute once a person has decided.
    """
    return {
        group: Grant(
            permits=0,
            wait=min((until - timezone.now()).total_seconds(), LOOK_AGAIN_SECONDS),
            limit="refusing",
        )
        for group, until in guard.paused(account.workspace_id).items()
    }


def _save(notes: journal.Journal, hand: batch.HandOver) -> None:
    """After something unexpected: write down all that is known, wherever that is possible still."""
    with suppress(JournalClosedError):
        notes.flush()
    try:
        hand.flush()
    except Exception:  # the database is away, perhaps: then the journal tells
        log.exception("outcomes_could_not_be_recorded")


def _most(account: SendingAccount, leased: int) -> int:
    """Return over how many connections to send: one, to find out whether a server is well again.

    If it still takes mails and says nothing, one more is in doubt, not one per connection.
    """
    in_trouble = account.broken_since is not None and not breaker.is_patient(account)
    return min(1, leased) if in_trouble else leased


def _judge(account: SendingAccount, hand: batch.HandOver) -> Served:
    """Close the breaker if the server answered, open it if it took mails and said nothing."""
    if hand.answers and account.broken_since is not None:
        breaker.close(account)
        return Served.CHANGED
    if hand.silences and not hand.answers:
        # Else it would go on like this: some more in doubt with every claim.
        sentence = _("%(host)s accepts emails but does not confirm that it has them")
        breaker.trip(account, ServerTroubleError(sentence % {"host": account.server_name}))
        return Served.CHANGED
    return Served.SENT
