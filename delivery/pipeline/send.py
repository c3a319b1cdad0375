"""Send: one process's loop over claims: take, look again, render, hand over, record, give back."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from campaigns import lifecycle
from delivery import breaker, coordination, journal, throttle
from delivery.models import DomainLimit, SendingAccount
from delivery.pipeline import claim, handover, offers, prepare, record
from delivery.transports.protocol import JournalClosedError, ServerTroubleError, Transport

IDLE_SECONDS: Final = 0.1


@dataclass(frozen=True, kw_only=True, slots=True)
class Slice:
    """How long to go on, and who says that it is enough."""

    until: float  # time.monotonic()
    is_over: Callable[[], bool]  # asked often: must cost next to nothing
    keep: Callable[[], object]  # called every few seconds


class Sender:
    """What a sending process keeps between claims: connections, its journal line, what it compiled.

    ``shard`` (from 1) is where it counts, so that processes don't queue on one tally row.
    """

    def __init__(self, *, shard: int, senders: int = 1) -> None:
        self.shard = shard
        self.senders = senders
        self._line = journal.Line()
        self._board = offers.Board()
        self._prepared = prepare.Cache()
        self._transports: dict[int, tuple[object, Transport]] = {}
        self._connections: dict[int, throttle.Connections] = {}

    def work(self, part: Slice) -> bool:
        """Send until the slice is over or nothing is left; True: there may be more to do soon."""
        while not self._is_over(part):
            offer = self._board.choose()
            if offer is not None:
                self._serve(offer, part)
                continue
            due = self._board.next_due
            if due is None or due > timezone.now() + timedelta(seconds=part.until - _now()):
                return due is not None and due < timezone.now() + timedelta(seconds=1)
            # Nothing to do anywhere just now, but soon: cheaper than a new task. No claim is held.
            time.sleep(IDLE_SECONDS)
        return True

    def rest(self) -> None:
        """Hang up: nothing to send for now."""
        for _, transport in self._transports.values():
            transport.close()
        self._transports.clear()
        for leased in self._connections.values():
            leased.free()
        self._connections.clear()
        self._line.close()
        self._board.forget()

    def _is_over(self, part: Slice) -> bool:
        return _now() >= part.until or part.is_over()

    def _serve(self, offer: offers.Offer, part: Slice) -> None:
        """Take the campaign's next claim and send it."""
        account = offer.account
        leased = self._connections.setdefault(account.pk, throttle.Connections(account=account.pk))
        share = max(1, -(-account.max_connections // max(1, self.senders)))
        if not leased.lease(most=account.max_connections, wanted=share):
            self._board.withdraw(offer)
            return
        prepared = self._prepared.get(offer.campaign)
        if isinstance(prepared, prepare.Unusable):
            lifecycle.pause(offer.campaign, reason=prepared.sentence)
            self._board.forget()
            return
        if not breaker.may_try(account):
            self._board.withdraw(offer)
            return
        held = claim.take(
            offer.campaign.pk,
            worker=coordination.process_name(),
            token=self._line.open(),
            epoch=self._line.epoch,
        )
        if held is None:
            self._board.withdraw(offer)
            return
        self._send(held, prepared, account, part, connections=leased.count)

    def _send(
        self,
        held: claim.Held,
        prepared: prepare.Prepared,
        account: SendingAccount,
        part: Slice,
        *,
        connections: int,
    ) -> None:
        notes = self._line.use(held.token, version=prepared.version)
        writer = record.Writer(
            campaign=held.campaign,
            workspace=account.workspace_id,
            attempt=held.attempt,
            shard=self.shard,
            version=prepared.version,
        )
        due, left_out = claim.read(held, prepared.audience)
        gate = self._gate(account)
        hand = handover.HandOver(
            held=held, prepared=prepared, due=due, writer=writer, gate=gate, part=part
        )
        record.skip(writer, left_out)
        trouble: ServerTroubleError | None = None
        try:
            if due:
                self._transport(account, connections).send(
                    hand.mails(), journal=notes, record=hand.note, should_stop=hand.should_stop
                )
        except ServerTroubleError as error:
            trouble = error
            breaker.trip(account, error)
            self._forget_transport(account)
            self._board.forget()
        except JournalClosedError:
            self._line.close()
            self._board.forget()
        finally:
            gate.give_back()
        if trouble is None and account.broken_since is not None and hand.answers:
            breaker.close(account)
            self._board.forget()
        self._finish(held, hand)

    def _finish(self, held: claim.Held, hand: handover.HandOver) -> None:
        """Record the rest and give the claim back, in one transaction; then drop its journal."""
        if hand.has_too_many_errors:
            hand.pause_for_errors()
            self._board.forget()
        with transaction.atomic():
            # The claim first, then its messages: the order in which the sweeper locks them.
            if hand.left_over:
                not_before, waiting_for = hand.waits_until()
                still_ours = claim.release(held, not_before=not_before, waiting_for=waiting_for)
            else:
                still_ours = claim.settle(held)
            hand.flush(last=True)
        if still_ours:
            journal.drop(held.token)

    def _gate(self, account: SendingAccount) -> throttle.Gate:
        return throttle.Gate(
            account=account.pk,
            limits=throttle.limits_of(account),
            groups=throttle.limits_by_group(DomainLimit.objects.filter(account=account)),
        )

    def _transport(self, account: SendingAccount, connections: int) -> Transport:
        """Return open connections to the account's server; new ones when its settings changed."""
        from delivery.transports import choose

        settings = choose.fingerprint(account), connections
        known = self._transports.get(account.pk)
        if known is not None:
            if known[0] == settings:
                return known[1]
            self._forget_transport(account)
        transport = choose.transport_for(account, connections=connections)
        self._transports[account.pk] = (settings, transport)
        return transport

    def _forget_transport(self, account: SendingAccount) -> None:
        known = self._transports.pop(account.pk, None)
        if known is not None:
            known[1].close()


def _now() -> float:
    return time.monotonic()
