"""Lane: one process's way to one sending account: its connections, its journal line, its thread.

A server may accept a mail and not answer for ten minutes (RFC 5321 §4.5.3.2 asks us to wait). Only
its own lane waits then; the process goes on with other accounts.
"""

import logging
import threading
from contextlib import suppress
from enum import Enum
from queue import SimpleQueue
from typing import TYPE_CHECKING

from django.db import connection, transaction
from django.utils.translation import gettext as _

from delivery import breaker, coordination, journal, throttle, usage
from delivery.connections import Connections, GroupLanes
from delivery.models import DomainLimit, SendingAccount
from delivery.pipeline import claim, handover, offers, prepare, record
from delivery.transports import choose
from delivery.transports.protocol import JournalClosedError, ServerTroubleError, Transport

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)


class Served(Enum):
    """What came of an offer."""

    SENT = "sent"
    NOTHING = "nothing"  # no free claim or connection just now
    CHANGED = "changed"  # something about accounts or campaigns is to be read anew


class Lane:
    """Serves one account's offers, one after the other, in a thread of its own."""

    def __init__(self, account: int, *, shard: int) -> None:
        self._account = account
        self._shard = shard
        self._line = journal.Line()
        self._connections = Connections(account=account)
        self._settings: object = None
        self._transport: Transport | None = None
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._free = threading.Event()
        self._free.set()
        self._result: Served | BaseException = Served.NOTHING
        self._thread = threading.Thread(target=self._run, daemon=True, name=f"lane-{account}")
        self._thread.start()

    @property
    def is_busy(self) -> bool:
        """Whether it still waits for a server."""
        return not self._free.is_set()

    def begin(
        self,
        offer: offers.Offer,
        prepared: prepare.Prepared,
        part: handover.Slice,
        *,
        share: int,
    ) -> None:
        """Begin to serve an offer; see `wait`."""
        self._free.clear()

        def job() -> None:
            self._result = self._serve(offer, prepared, part, share=share)

        self._jobs.put(job)

    def wait(self, seconds: float) -> Served | None:
        """Return what came of it; None: it is not over after ``seconds``. Raises what it raised."""
        if not self._free.wait(max(0.0, seconds)):
            return None
        result, self._result = self._result, Served.NOTHING
        if isinstance(result, BaseException):
            raise result
        return result

    def close(self) -> None:
        """Hang up, unless it is busy; a busy lane goes on until its server has answered."""
        if not self.is_busy:
            self._jobs.put(None)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job()
            except BaseException as error:  # noqa: BLE001 - it is raised again where it is waited for
                self._result = error
                self._hang_up()
                connection.close()
            self._free.set()
        self._hang_up()
        connection.close()

    def _hang_up(self) -> None:
        if self._transport is not None:
            with suppress(OSError):
                self._transport.close()
        self._transport = None
        self._connections.free()
        self._line.close()

    def _serve(
        self,
        offer: offers.Offer,
        prepared: prepare.Prepared,
        part: handover.Slice,
        *,
        share: int,
    ) -> Served:
        """Take the campaign's next claim and send it."""
        account = offer.account
        if not self._connections.lease(most=account.max_connections, wanted=share):
            return Served.NOTHING
        if not breaker.may_try(account):
            return Served.NOTHING
        held = self._take(offer)
        if held is None:
            if account.broken_since is not None:
                breaker.let_others_try(account)
            return Served.NOTHING
        return self._send(held, prepared, account, part)

    def _take(self, offer: offers.Offer) -> claim.Held | None:
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

    def _send(
        self,
        held: claim.Held,
        prepared: prepare.Prepared,
        account: SendingAccount,
        part: handover.Slice,
    ) -> Served:
        notes = self._line.use(held.token, version=prepared.version)
        writer = record.Writer(
            campaign=held.campaign,
            workspace=account.workspace_id,
            attempt=held.attempt,
            shard=self._shard,
            version=prepared.version,
        )
        due, left_out = claim.read(held, prepared.audience)
        record.skip(writer, left_out)
        hand = handover.HandOver(
            held=held,
            prepared=prepared,
            due=due,
            writer=writer,
            gate=_gate(account, share=self._connections.count),
            part=part,
            connections=self._connections,
        )
        served = Served.SENT
        try:
            while hand.goes_on:  # once, unless a mailbox provider's connections are all in use
                self._open(account, connections=_most(account, self._connections)).send(
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
            served = Served.CHANGED
        except JournalClosedError:
            self._line.close()
            served = Served.CHANGED
        else:
            served = _judge(account, hand)
        finally:
            hand.gate.give_back()
        try:
            self._finish(held, hand, account)
        except BaseException:
            with suppress(JournalClosedError):
                notes.flush()  # the database is away: whoever sweeps up finds all answers here
            raise
        return Served.CHANGED if hand.has_too_many_errors else served

    def _finish(self, held: claim.Held, hand: handover.HandOver, account: SendingAccount) -> None:
        """Record the rest and give the claim back, in one transaction; then drop its journal."""
        if hand.has_too_many_errors:
            hand.pause_for_errors()
        with transaction.atomic():
            # The claim first, then its messages: the order in which the sweeper locks them.
            if hand.left_over:
                not_before, waiting_for = hand.waits_until()
                still_ours = claim.release(held, not_before=not_before, waiting_for=waiting_for)
            else:
                still_ours = claim.settle(held)
            hand.flush(last=True)
            usage.note(account, hand.counts)
        if still_ours:
            journal.drop(held.token)

    def _open(self, account: SendingAccount, *, connections: int) -> Transport:
        """Return open connections to the account's server; new ones when its settings changed."""
        settings = choose.fingerprint(account), connections
        if self._transport is None or self._settings != settings:
            if self._transport is not None:
                self._transport.close()
            self._settings = settings
            self._transport = choose.transport_for(account, connections=connections)
        return self._transport


def _most(account: SendingAccount, leased: Connections) -> int:
    """Return over how many connections to send: one, to find out whether a server is well again.

    If it still takes mails and says nothing, one more is in doubt, not one per connection.
    """
    in_trouble = account.broken_since is not None and not breaker.is_patient(account)
    return 1 if in_trouble else leased.count


def _judge(account: SendingAccount, hand: handover.HandOver) -> Served:
    """Close the breaker if the server answered, open it if it took mails and said nothing."""
    if hand.answers and account.broken_since is not None:
        breaker.close(account)
        return Served.CHANGED
    if hand.silences and not hand.answers:
        # Else it would go on like this: some more in doubt with every claim.
        sentence = _("%(host)s takes mails and does not say whether it has them")
        breaker.trip(account, ServerTroubleError(sentence % {"host": account.server_name}))
        return Served.CHANGED
    return Served.SENT


def _gate(account: SendingAccount, *, share: int) -> throttle.Gate:
    limits = list(DomainLimit.objects.filter(account=account))
    return throttle.Gate(
        account=account.pk,
        limits=throttle.limits_of(account),
        groups=throttle.limits_by_group(limits),
        lanes=GroupLanes(
            account=account.pk,
            most=throttle.connections_by_group(limits),
            senders=max(1, account.max_connections // max(1, share)),
        ),
    )
