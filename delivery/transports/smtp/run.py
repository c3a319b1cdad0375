"""One `send`: pulls mails, gives them to sessions, and leaves none of them without an outcome."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

from django.utils.translation import gettext as _

from delivery.transports.protocol import (
    HandOverJournal,
    Outcome,
    Outgoing,
    ServerTroubleError,
    Verdict,
)
from delivery.transports.smtp import envelope
from delivery.transports.smtp.connection import Phase
from delivery.transports.smtp.envelope import UnsendableError
from delivery.transports.smtp.failures import ConnectionFailures
from delivery.transports.smtp.opening import OpeningError
from delivery.transports.smtp.outcomes import OutcomeLog
from delivery.transports.smtp.pool import LOOK, Pool
from delivery.transports.smtp.reply import ReplyError
from delivery.transports.smtp.session import ClosingError, Parcel, Session
from delivery.transports.smtp.wire import WireError

TICK: Final = 0.2  # seconds; how often clocks are looked at while nothing happens
ASK_TO_STOP: Final = 0.1
GRACE: Final = 1.0  # after a stop, for mails whose body has not begun
DRAIN: Final = 60.0  # after a stop, for the answer to a final dot
NEVER: Final = float("inf")
SILENCE: Final = 10.0  # a server that did nothing for so long when we stop is in trouble


class Run:
    """The state of one `send`."""

    def __init__(  # noqa: PLR0913 - what `Transport.send` gets
        self,
        pool: Pool,
        mails: Iterator[Outgoing],
        *,
        journal: HandOverJournal,
        record: Callable[[Outcome], None],
        should_stop: Callable[[], bool],
        keep_alive: Callable[[], object],
    ) -> None:
        self._pool = pool
        self._mails = mails
        self._outcomes = OutcomeLog(
            pool.record, host=pool.settings.host, journal=journal, record=record
        )
        self._should_stop = should_stop
        self._keep_alive = keep_alive
        self._waiting: deque[Parcel] = deque()  # pulled, and on no session
        self._failures = ConnectionFailures(pool, self._outcomes, self._waiting)
        self._is_dry = False  # no more mails
        self._stopped_at = 0.0
        self._ask_at = 0.0
        self._look_at = 0.0
        self._next_moment = NEVER  # of the mails that wait for theirs
        self._is_looking_up = False
        self._ends_at = time.monotonic() + pool.settings.timeouts.total

    def go(self) -> None:
        """Send until there is nothing left or a reason to stop.

        Raises:
            ServerTroubleError: the server is in trouble.
        """
        self._pool.freshen(self._outcomes.answer)
        try:
            while self._step():
                pass
        except BaseException:
            self._abandon()
            raise
        self._give_back()
        if self._outcomes.error is not None:
            raise self._outcomes.error
        if self._outcomes.trouble is not None:
            raise self._outcomes.trouble

    # --- the loop

    def _step(self) -> bool:
        """Do one round; False: the run is over."""
        self._fill()
        if self._is_over():
            return False
        ready: list[Session] = []
        held_dots = self._pool.held_dots
        patience = 0 if self._is_looking_up else LOOK if held_dots.is_holding else TICK
        if self._next_moment < NEVER:
            patience = min(patience, max(0.0, self._next_moment - time.monotonic()))
        for key, mask in self._pool.selector.select(patience):
            session = key.data
            self._serve(session, mask)
            if session.may_hand_over:
                ready.append(session)
        if held_dots.is_holding:
            ready += held_dots.let_go()
        now = time.monotonic()
        if now >= self._next_moment:
            self._next_moment = NEVER
            ready = [session for session in self._pool.sessions if session.may_hand_over]
        if ready:
            self._hand_over([session for session in ready if self._may_leave(session, now)])
        if now >= self._look_at:
            self._look_at = now + TICK
            self._look_at_clocks(now)
        return True

    def _is_over(self) -> bool:
        busy = any(not session.is_idle for session in self._pool.sessions)
        if busy:
            return False
        if self._is_stopping():
            self._look_for_silence()
            return True
        return self._is_dry and not self._waiting

    def _is_stopping(self) -> bool:
        if self._stopped_at:
            return True
        now = time.monotonic()
        if self._outcomes.trouble is not None or self._outcomes.error is not None:
            self._stopped_at = now
        elif now >= self._ask_at:
            self._ask_at = now + ASK_TO_STOP
            try:
                stop = self._should_stop()
            except Exception as error:  # noqa: BLE001 - raised again once every mail has its outcome
                self._outcomes.error, stop = error, True
            if stop:
                self._stopped_at = now
                self._look_at = now
        return bool(self._stopped_at)

    def _serve(self, session: Session, mask: int) -> None:
        """Go on with one session after an event."""
        connection = session.connection
        if connection.phase is Phase.CLOSED:  # by an event of this same round
            return
        try:
            session.take(connection.advance(mask))
            if session.may_begin:
                self._outcomes.announce(session.next, after=session.last)
                session.begin()
            if session.has_left:
                self._pool.drop(session)
        except OpeningError as error:
            self._failures.cannot_open(session, error)
        except (WireError, ReplyError, ClosingError) as error:
            self._failures.lose(session, error)

    def _may_leave(self, session: Session, now: float) -> bool:
        """Say whether the moment of the mail whose body the server waits for has come."""
        if session.current is None or session.current.mail.not_before <= now:
            return True
        self._next_moment = min(self._next_moment, session.current.mail.not_before)
        return False

    def _hand_over(self, ready: list[Session]) -> None:
        """Write the bodies that servers wait for.

        The journal is asked once for all of them: what it has noted when the first is confirmed
        is safe for the others too.
        """
        if self._pool.held_dots.is_on:
            ready = self._hold_back(ready)
        for session in ready:
            if session.may_hand_over and session.pipelines and session.next is not None:
                self._outcomes.announce(session.next, after=session.current)
        for session in ready:
            if not session.may_hand_over or session.current is None:
                continue
            try:
                self._outcomes.journal.confirm(session.current.mail.message_id)
            except Exception as error:  # noqa: BLE001 - raised again once every mail has its outcome
                self._outcomes.error = self._outcomes.error or error
                self._failures.break_off(session)
                continue
            try:
                session.hand_over()
            except WireError as error:
                self._failures.lose(session, error)

    def _hold_back(self, ready: list[Session]) -> list[Session]:
        """Write bodies without their dots; return the sessions whose dot may go out now."""
        for session in ready:
            if session.may_hand_over and not session.is_held:
                try:
                    self._pool.held_dots.hold(session)
                except WireError as error:
                    self._failures.lose(session, error)
        return [session for session in ready if session.is_held and session.may_hand_over]

    # --- pulling

    def _fill(self) -> None:
        """Give every session a mail to go on with; open sessions while mails wait for one."""
        if self._is_stopping():
            return
        for session in list(self._pool.sessions):
            if session.connection.phase is not Phase.READY:
                if self._pool.has_too_many:
                    self._pool.drop(session)
                continue
            if session.is_quitting:
                continue
            if session.next is None:
                self._provide(session)
        self._open_lanes()

    def _provide(self, session: Session) -> None:
        if session.is_used_up or self._pool.has_too_many:
            if session.is_idle:
                self._pool.say_goodbye(session)
            return
        parcel = self._take(session)
        if parcel is None:
            return
        session.next = parcel
        if not session.may_begin:
            return
        self._outcomes.announce(parcel, after=session.last)
        try:
            session.begin()
        except WireError as error:
            self._failures.lose(session, error)
            return
        # While the server answers to this envelope, the mail after it is rendered.
        if not session.is_used_up:
            session.next = self._take(session)

    def _take(self, session: Session) -> Parcel | None:
        """Return the next mail made ready for this session's server."""
        while True:
            parcel = self._waiting.popleft() if self._waiting else self._pull()
            if parcel is None:
                return None
            try:
                parcel.envelope = envelope.envelope(
                    parcel.mail, session.connection.server, dsn=self._pool.settings.dsn
                )
            except UnsendableError as error:
                self._outcomes.finish(parcel, error.outcome(parcel.mail.message_id))
                continue
            mail = parcel.mail
            parcel.body = parcel.body or envelope.body(mail.data, has_no_dots=mail.has_no_dots)
            parcel.refusal = None
            return parcel

    def _pull(self) -> Parcel | None:
        if self._is_dry or self._is_stopping():
            return None
        try:
            mail = next(self._mails, None)
        except Exception as error:  # noqa: BLE001 - raised again once every mail has its outcome
            self._outcomes.error = self._outcomes.error or error
            mail = None
        if mail is None:
            self._is_dry = True
            return None
        return Parcel(mail=mail)

    def _open_lanes(self) -> None:
        """Open a session for each mail that waits for one, as far as allowed."""
        while not self._is_stopping() and len(self._pool.sessions) < self._pool.most:
            if len(self._waiting) <= len(self._pool.opening):
                parcel = self._pull()
                if parcel is None:
                    return
                self._waiting.append(parcel)
            try:
                self._is_looking_up = not self._pool.open(self._outcomes.answer)
                if self._is_looking_up:
                    self._pool.wait_for_name(TICK / 2)
                    return
            except OpeningError as error:
                self._failures.cannot_open(None, error)
                return

    # --- clocks and the end

    def _look_at_clocks(self, now: float) -> None:
        try:
            self._keep_alive()
        except Exception as error:  # noqa: BLE001 - raised again once every mail has its outcome
            self._outcomes.error = self._outcomes.error or error
        for session in list(self._pool.sessions):
            if session.connection.phase is not Phase.READY:
                self._look_at_opening(session, now)
            elif session.is_quitting:
                if now > session.deadline:
                    self._pool.drop(session)
            elif now > session.deadline:
                self._failures.lose(session, WireError("no answer in time"))
        if now > self._ends_at:
            self._run_out()
        elif self._is_stopping():
            self._wind_up(now)

    def _run_out(self) -> None:
        """The time for all of it is over, however promptly single answers may come."""
        opening = next(iter(self._pool.opening), None)
        if opening is not None:
            trouble: ServerTroubleError = opening.connection.time_out()
        else:
            sentence = (
                _("Looking up the name %(host)s takes too long.")
                if self._is_looking_up
                else _("%(host)s stopped responding.")
            )
            trouble = ServerTroubleError(sentence % {"host": self._pool.settings.host})
        self._outcomes.trouble = self._outcomes.trouble or trouble
        for session in list(self._pool.sessions):
            self._failures.break_off(session)

    def _look_at_opening(self, session: Session, now: float) -> None:
        connection = session.connection
        if now <= connection.deadline:
            return
        try:
            if not connection.next_address():
                self._failures.cannot_open(session, connection.time_out())
        except OpeningError as error:
            self._failures.cannot_open(session, error)

    def _wind_up(self, now: float) -> None:
        """After a stop: nothing new begins, and what is on the wire has so long to end."""
        for session in self._pool.ready:
            if session.next is not None:
                self._outcomes.end(session.next, Verdict.NOT_SENT)
                session.next = None
            waited = now - self._stopped_at
            if session.last is not None:
                if waited > DRAIN:
                    self._failures.break_off(session)
            elif session.current is not None and waited > GRACE:
                if session.silent_for(now) > SILENCE:
                    self._outcomes.trouble = self._outcomes.trouble or ServerTroubleError(
                        _("%(host)s stopped responding.") % {"host": self._pool.settings.host}
                    )
                self._failures.break_off(session)

    def _look_for_silence(self) -> None:
        """A server that let us wait until we were told to stop is in trouble, not just slow."""
        if self._outcomes.trouble or self._outcomes.error or self._pool.ready:
            return
        for session in self._pool.opening:
            if time.monotonic() - session.connection.begun > SILENCE:
                self._outcomes.trouble = session.connection.time_out()
                return

    def _give_back(self) -> None:
        """What was pulled and never begun stays planned."""
        while self._waiting:
            self._outcomes.end(self._waiting.popleft(), Verdict.NOT_SENT)

    def _abandon(self) -> None:
        """Something from outside ends the run in its middle: settle everything as it stands."""
        for session in list(self._pool.sessions):
            self._failures.break_off(session)
        self._give_back()
