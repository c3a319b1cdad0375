"""What becomes of the mails on a connection that is lost, or could not be opened."""

from collections import deque
from typing import Final

from delivery.transports.protocol import Verdict
from delivery.transports.smtp.book import Book
from delivery.transports.smtp.lane import ClosingError, Lane, Parcel
from delivery.transports.smtp.opening import OpeningError, Step
from delivery.transports.smtp.pool import Pool
from delivery.transports.smtp.reply import Reply, Stage
from delivery.transports.smtp.wire import WireError

MOST_TRIES: Final = 10  # connections that may break under one mail before its final dot
MOST_BLAMED: Final = 2  # of them, fresh ones
MOST_BARREN: Final = 3  # connections in a row that broke before any mail was answered


class Losses:
    """One `send`'s: puts mails back where that is certain to be right, and ends the others."""

    def __init__(self, pool: Pool, book: Book, waiting: deque[Parcel]) -> None:
        self._pool = pool
        self._book = book
        self._waiting = waiting

    def cannot_open(self, lane: Lane | None, error: OpeningError) -> None:
        """One connection could not be opened: be content with those there are, or stop."""
        if lane is not None:
            self._pool.drop(lane)
        if self._pool.lanes and not error.permanent and error.step is not Step.AUTH:
            self._pool.keep_fewer()
        else:
            self._book.trouble = self._book.trouble or error

    def lose(self, lane: Lane, error: Exception) -> None:
        """Settle what was on a connection that is gone."""
        reply = error.reply if isinstance(error, ClosingError) else None
        stage = error.stage if isinstance(error, ClosingError) else None
        was_busy = not lane.is_idle
        dot_out = lane.dot_may_be_out
        if lane.is_held or (dot_out and isinstance(error, WireError)):
            self._pool.caution.begin(dot_was_out=dot_out)
        last, current, following = self._clear(lane)
        if was_busy and not lane.answered:
            self._pool.record.barren += 1
        if following is not None:
            self._waiting.appendleft(following)
        if current is not None:
            # A connection that had carried mails may have had enough of them; one that broke at
            # its first mail speaks against that mail, a little.
            self._put_back(current, error, reply, blamed=last is None and not lane.answered)
        if last is not None:
            if stage is Stage.FINAL_DOT:
                self._book.end(last, Verdict.DEFERRED, reply=reply)
            elif dot_out:
                self._book.end(last, Verdict.UNKNOWN, str(error))
            else:
                self._book.end(last, Verdict.DEFERRED, str(error))
        if self._pool.record.barren >= MOST_BARREN:
            self._book.hangs_up(reply)

    def _put_back(
        self, parcel: Parcel, error: Exception, reply: Reply | None, *, blamed: bool
    ) -> None:
        """Try a mail whose body never began on another connection; not for ever."""
        parcel.tries += 1
        parcel.blamed += blamed
        if parcel.blamed < MOST_BLAMED and parcel.tries < MOST_TRIES:
            self._waiting.appendleft(parcel)
        else:
            self._book.end(parcel, Verdict.DEFERRED, str(error), reply=reply)

    def break_off(self, lane: Lane) -> None:
        """Hang up before a final dot: nothing of this lane's open mail was handed over."""
        dot_out = lane.dot_may_be_out
        last, *others = self._clear(lane)
        if last is not None:
            verdict = Verdict.UNKNOWN if dot_out else Verdict.DEFERRED
            self._book.end(last, verdict, "no answer in time" if dot_out else "stopped")
        for parcel in others:
            if parcel is not None:
                self._book.end(parcel, Verdict.NOT_SENT)

    def _clear(self, lane: Lane) -> tuple[Parcel | None, Parcel | None, Parcel | None]:
        """Hang up; return what was on the lane: ``last``, ``current`` and ``next``."""
        self._pool.drop(lane)
        held = lane.last, lane.current, lane.next
        lane.last = lane.current = lane.next = None
        lane.may_hand_over = lane.is_held = False
        return held
