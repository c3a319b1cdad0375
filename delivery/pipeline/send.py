"""Send: one process's loop: whose turn is it, and off it goes in its account's lane."""

import time
from datetime import timedelta
from typing import Final

from django.utils import timezone

from campaigns import lifecycle
from campaigns.rendering.isolation import BusyError
from delivery.pipeline import offers, prepare
from delivery.pipeline.handover import Slice
from delivery.pipeline.lane import Lane, Served

IDLE_SECONDS: Final = 0.1
PATIENCE_SECONDS: Final = 5.0  # how long a lane may finish what is on the wire before we turn away


class Sender:
    """What a sending process keeps between claims: its lanes and what it compiled.

    ``shard`` (from 1) is where it counts, so that processes don't queue on one tally row;
    ``senders`` is how many such processes share an account's connections.
    """

    def __init__(self, *, shard: int, senders: int = 1) -> None:
        self.shard = shard
        self.senders = senders
        self._board = offers.Board()
        self._prepared = prepare.Cache()
        self._lanes: dict[int, Lane] = {}

    def work(self, part: Slice) -> bool:
        """Send until the slice is over or nothing is left; True: there may be more to do soon."""
        self._board.forget()
        while not self._is_over(part):
            offer = self._board.choose(
                without={a for a, lane in self._lanes.items() if lane.is_busy}
            )
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
        """Hang up: nothing to send for now. A lane whose server has not answered yet waits on."""
        for lane in self._lanes.values():
            lane.close()
        self._lanes = {account: lane for account, lane in self._lanes.items() if lane.is_busy}
        self._board.forget()

    def drain(self, *, seconds: float) -> None:
        """Give servers that have not answered yet some more time, before the process ends."""
        until = _now() + seconds
        for lane in self._lanes.values():
            lane.wait(until - _now())

    def _is_over(self, part: Slice) -> bool:
        return _now() >= part.until or part.is_over()

    def _serve(self, offer: offers.Offer, part: Slice) -> None:
        account = offer.account
        try:
            prepared = self._prepared.get(offer.campaign, account)
        except BusyError:  # no rendering process was free: it is tried again with the next offers
            self._board.withdraw(offer)
            return
        if isinstance(prepared, prepare.Unusable):
            lifecycle.pause(offer.campaign, reason=prepared.sentence)
            self._board.forget()
            return
        if account.pk not in self._lanes:
            self._lanes[account.pk] = Lane(account.pk, shard=self.shard)
        lane = self._lanes[account.pk]
        share = max(1, -(-account.max_connections // max(1, self.senders)))
        lane.begin(offer, prepared, part, share=share)
        served = None
        while served is None and not self._is_over(part):
            served = lane.wait(min(1.0, part.until - _now()))
        if served is None:
            served = lane.wait(PATIENCE_SECONDS)
        if served is Served.NOTHING:
            self._board.withdraw(offer)
        elif served is Served.CHANGED:
            self._board.forget()


def _now() -> float:
    return time.monotonic()
