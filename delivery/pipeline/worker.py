"""Send: one process's loop: whose turn is it, and off it goes in its account's sender.

Several accounts are served at once, each in its sender, so that a slow server costs nobody else's
mail any time. One sender works while the others wait for their servers.
"""

import time
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Final

from django.utils import timezone

from campaigns import lifecycle
from campaigns.rendering.isolation import BusyError
from delivery.pipeline import next_campaign, prepare
from delivery.pipeline.account_sender import AccountSender, Served
from delivery.pipeline.batch import TimeSlice

KEEP_SECONDS: Final = 0.5
PATIENCE_SECONDS: Final = 5.0  # how long senders may finish what is on the wire before we turn away
IDLE_SECONDS: Final = 2.0  # then a sender without work gives its connections back
FAILED_SECONDS: Final = 5.0  # how long an account is left alone after something unexpected
MOST_SENDERS: Final = 16  # each has a connection to the database while it works


class Worker:
    """What a sending process keeps between claims: its senders and what it compiled.

    ``shard`` (from 1) is where it counts, so that processes don't queue on one tally row.
    """

    def __init__(self, *, shard: int) -> None:
        self.shard = shard
        self._board = next_campaign.Board()
        self._prepared = prepare.Cache()
        self._senders: dict[int, AccountSender] = {}
        self._busy: set[int] = set()  # accounts
        self._rests: dict[int, float] = {}  # accounts without permits, until time.monotonic()
        self._finished: SimpleQueue[AccountSender] = SimpleQueue()
        self._keep_at = 0.0

    def work(self, part: TimeSlice) -> bool:
        """Send until the slice is over or nothing is left; True: there may be more to do soon."""
        self._board.forget()
        self._rests.clear()
        while not self._is_over(part):
            self._collect(0.0)
            offer = self._choose()
            if offer is not None:
                self._serve(offer, part)
                continue
            seconds = self._seconds_to_wait()
            if seconds is None or _now() + seconds > part.until:
                if not self._busy:
                    return seconds is not None and seconds < 1.0
                seconds = KEEP_SECONDS
            # Nothing to do anywhere just now, but soon: cheaper than a new task. No claim is held.
            self._collect(min(seconds, KEEP_SECONDS))
        until = _now() + PATIENCE_SECONDS
        while self._busy and _now() < until:
            self._collect(until - _now())
        return True

    def rest(self) -> None:
        """Hang up: nothing to send for now. A sender whose server has not answered yet waits on."""
        for sender in self._senders.values():
            sender.leave()
        for account, sender in self._senders.items():
            if account not in self._busy:
                sender.join(PATIENCE_SECONDS)
        self._collect(0.0)
        self._board.forget()

    def drain(self, *, seconds: float) -> None:
        """Give servers that have not answered yet some more time, before the process ends."""
        until = _now() + seconds
        for sender in self._senders.values():
            sender.join(until - _now())

    def _is_over(self, part: TimeSlice) -> bool:
        now = _now()
        if now >= self._keep_at:
            self._keep_at = now + KEEP_SECONDS
            if part.keep() is False:
                part.until = min(part.until, now)
            self._close_idle(now)
        return now >= part.until or part.is_over()

    def _choose(self) -> next_campaign.Offer | None:
        now = _now()
        self._rests = {account: until for account, until in self._rests.items() if until > now}
        if len(self._busy) >= MOST_SENDERS:
            return None
        return self._board.choose(without=self._busy | self._rests.keys())

    def _seconds_to_wait(self) -> float | None:
        """Return when something may be due; None: nothing waits."""
        if self._rests:
            return max(0.0, min(self._rests.values()) - _now())
        due = self._board.next_due
        if due is None:
            return None
        seconds = (due - timezone.now()).total_seconds()
        if 0.0 < seconds < KEEP_SECONDS:
            self._board.forget()
        # What is due already is in others' hands, or its account's breaker is open.
        return seconds if seconds > 0.0 else next_campaign.READ_SECONDS

    def _serve(self, offer: next_campaign.Offer, part: TimeSlice) -> None:
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
        sender = self._senders.get(account.pk)
        if sender is None:
            sender = self._senders[account.pk] = AccountSender(account.pk, finished=self._finished)
        self._busy.add(account.pk)
        sender.begin(offer, prepared, part, shard=self.shard)

    def _collect(self, seconds: float) -> None:
        """Take note of what senders have done, waiting so long for the first of them."""
        with suppress(Empty):
            while True:
                self._note(self._finished.get(block=seconds > 0.0, timeout=seconds or None))
                seconds = 0.0

    def _note(self, sender: AccountSender) -> None:
        if sender.has_left:
            self._senders.pop(sender.account, None)
            self._busy.discard(sender.account)
        if sender.is_leaving or sender.offer is None:
            return
        self._busy.discard(sender.account)
        self._board.count(sender.offer, sender.mails)
        if self._board.is_empty:  # read while this sender held the only claim
            self._board.forget()
        if sender.result is Served.NOTHING:
            self._board.withdraw(sender.offer)
        elif sender.result is Served.LIMITED:
            self._rests[sender.account] = sender.rests_until
        elif sender.result is Served.FAILED:
            self._rests[sender.account] = _now() + FAILED_SECONDS
        elif sender.result is Served.CHANGED:
            self._board.forget()

    def _close_idle(self, now: float) -> None:
        """Let senders without work give their connections back to other processes."""
        for account, sender in self._senders.items():
            if account not in self._busy and sender.idle_since < now - IDLE_SECONDS:
                self._busy.add(account)  # until it has hung up
                sender.leave()


def _now() -> float:
    return time.monotonic()
