"""What becomes of the mails on a connection that is lost, or could not be opened."""

from collections import deque
from typing import Final

from delivery.transports.protocol import Verdict
from delivery.transports.smtp.opening import OpeningError, OpeningStep
from delivery.transports.smtp.outcomes import OutcomeLog
from delivery.transports.smtp.pool import Pool
from delivery.transports.smtp.reply import Reply, ReplyStage
from delivery.transports.smtp.session import ClosingError, Parcel, Session
from delivery.transports.smtp.wire import WireError

MOST_TRIES: Final = 10  # connections that may break under one mail before its final dot
MOST_BLAMED: Final = 2  # of them, fresh ones
MOST_BARREN: Final = 3  # connections in a row that broke before any mail was answered


class ConnectionFailures:
    """One `send`'s: puts mails back where that is certain to be right, and ends the others."""

    def __init__(self, pool: Pool, outcomes: OutcomeLog, waiting: deque[Parcel]) -> None:
        self._pool = pool
        self._outcomes = outcomes
        self._waiting = waiting

    def cannot_open(self, session: Session | None, error: OpeningError) -> None:
        """One connection could not be opened: be content with those there are, or stop."""
        if session is not None:
            self._pool.drop(session)
        if self._pool.sessions and not error.permanent and error.step is not OpeningStep.AUTH:
            self._pool.keep_fewer()
        else:
            self._outcomes.trouble = self._outcomes.trouble or error

    def lose(self, session: Session, error: Exception) -> None:
        """Settle what was on a connection that is gone."""
        reply = error.reply if isinstance(error, ClosingError) else None
        stage = error.stage if isinstance(error, ClosingError) else None
        was_busy = not session.is_idle
        dot_out = session.dot_may_be_out
        if session.is_held or (dot_out and isinstance(error, WireError)):
            self._pool.held_dots.begin(dot_was_out=dot_out)
        last, current, following = self._clear(session)
        if was_busy and not session.answered:
            self._pool.record.barren += 1
        if following is not None:
            self._waiting.appendleft(following)
        if current is not None:
            # A connection that had carried mails may have had enough of them; one that broke at
            # its first mail speaks against that mail, a little.
            self._put_back(current, error, reply, blamed=last is None and not session.answered)
        if last is not None:
            if stage is ReplyStage.FINAL_DOT:
                self._outcomes.end(last, Verdict.DEFERRED, reply=reply)
            elif dot_out:
                self._outcomes.end(last, Verdict.UNKNOWN, str(error))
            else:
                self._outcomes.end(last, Verdict.DEFERRED, str(error))
        if self._pool.record.barren >= MOST_BARREN:
            self._outcomes.hangs_up(reply)

    def _put_back(
        self, parcel: Parcel, error: Exception, reply: Reply | None, *, blamed: bool
    ) -> None:
        """Try a mail whose body never began on another connection; not for ever."""
        parcel.tries += 1
        parcel.blamed += blamed
        if parcel.blamed < MOST_BLAMED and parcel.tries < MOST_TRIES:
            self._waiting.appendleft(parcel)
        else:
            self._outcomes.end(parcel, Verdict.DEFERRED, str(error), reply=reply)

    def break_off(self, session: Session) -> None:
        """Hang up before a final dot: nothing of this session's open mail was handed over."""
        dot_out = session.dot_may_be_out
        last, *others = self._clear(session)
        if last is not None:
            verdict = Verdict.UNKNOWN if dot_out else Verdict.DEFERRED
            self._outcomes.end(last, verdict, "no answer in time" if dot_out else "stopped")
        for parcel in others:
            if parcel is not None:
                self._outcomes.end(parcel, Verdict.NOT_SENT)

    def _clear(self, session: Session) -> tuple[Parcel | None, Parcel | None, Parcel | None]:
        """Hang up; return what was on the session: ``last``, ``current`` and ``next``."""
        self._pool.drop(session)
        held = session.last, session.current, session.next
        session.last = session.current = session.next = None
        session.may_hand_over = session.is_held = False
        return held
