"""Whose draft is rendered next: one at a time for each owner, a few at a time for everybody."""

import threading
import time
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


class NoTurnError(Exception):
    """It is nobody's fault: others are being served, and waiting longer would hold up pages."""


@dataclass(eq=False, slots=True)
class _Ticket:
    owner: Hashable
    gave_way: bool = False


class Turns:
    """Lets at most ``at_once`` run together, and one of each owner.

    ``most`` limits those who run or wait, because each of them keeps a thread (None: no limit).
    Where it is reached, whoever has nothing under way takes the place of an owner's second one.
    """

    def __init__(self, *, at_once: int, most: int | None = None) -> None:
        self._at_once = at_once
        self._most = most
        self._changed = threading.Condition()
        self._running: list[_Ticket] = []
        self._waiting: list[_Ticket] = []

    @contextmanager
    def take(self, owner: Hashable, *, seconds: float, crowded_seconds: float) -> Iterator[None]:
        """Wait for a turn and hold it.

        Raises:
            NoTurnError: there was none within ``seconds``; within ``crowded_seconds``, if no more
                may wait.
        """
        ticket = _Ticket(owner=owner)
        with self._changed:
            self._make_way(owner)
            is_crowded = self._most is not None and self._held >= self._most
            until = time.monotonic() + (crowded_seconds if is_crowded else seconds)
            self._waiting.append(ticket)
            try:
                while self._next_of_all() is not ticket:
                    left = until - time.monotonic()
                    if ticket.gave_way or left <= 0:
                        raise NoTurnError
                    self._changed.wait(left)
                self._running.append(ticket)
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._running.remove(ticket)
                self._changed.notify_all()

    @property
    def _held(self) -> int:
        return len(self._running) + len(self._waiting)

    def _next_of_all(self) -> _Ticket | None:
        if len(self._running) >= self._at_once:
            return None
        served = {ticket.owner for ticket in self._running}
        return next((ticket for ticket in self._waiting if ticket.owner not in served), None)

    def _make_way(self, owner: Hashable) -> None:
        """Send somebody's second one away, if all places are held and ``owner`` has none."""
        held = [*self._running, *self._waiting]
        if self._most is None or len(held) < self._most or owner in {t.owner for t in held}:
            return
        for ticket in reversed(self._waiting):
            if sum(other.owner == ticket.owner for other in held) > 1:
                ticket.gave_way = True
                self._changed.notify_all()
                return
