"""One `send`: pulls mails, gives them to lanes, and leaves none of them without an outcome."""

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
from delivery.transports.smtp.book import Book
from delivery.transports.smtp.connection import Phase
from delivery.transports.smtp.envelope import UnsendableError
from delivery.transports.smtp.lane import ClosingError, Lane, Parcel
from delivery.transports.smtp.losses import Losses
from delivery.transports.smtp.opening import OpeningError
from delivery.transports.smtp.pool import LOOK, Pool
from delivery.transports.smtp.reply import ReplyError
from delivery.transports.smtp.wire import WireError

TICK: Final = 0.2  # seconds; how often clocks are looked at while nothing happens
ASK_TO_STOP: Final = 0.1
GRACE: Final = 1.0  # after a stop, for mails whose body has not begun
DRAIN: Final = 60.0  # after a stop, for the answer to a final dot
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
        self._book = Book(pool.record, host=pool.settings.host, journal=journal, record=record)
        self._should_stop = should_stop
        self._keep_alive = keep_alive
        self._waiting: deque[Parcel] = deque()  # pulled, and on no lane
        self._losses = Losses(pool, self._book, self._waiting)
        self._is_dry = False  # no more mails
        self._stopped_at = 0.0
        self._ask_at = 0.0
        self._look_at = 0.0
        self._is_looking_up = False
        self._ends_at = time.monotonic() + pool.settings.timeouts.total

    def go(self) -> None:
        """Send until there is nothing left or a reason to stop.

        Raises:
            ServerTroubleError: the server is in trouble.
        """
        self._pool.freshen(self._book.answer)
        try:
            while self._step():
                pass
        except BaseException:
            self._abandon()
            raise
        self._give_back()
        if self._book.error is not None:
            raise self._book.error
        if self._book.trouble is not None:
            raise self._book.trouble

    # --- the loop

    def _step(self) -> bool:
        """Do one round; False: the run is over."""
        self._fill()
        if self._is_over():
            return False
        ready: list[Lane] = []
        caution = self._pool.caution
        patience = 0 if self._is_looking_up else LOOK if caution.is_holding else TICK
        for key, mask in self._pool.selector.select(patience):
            lane = key.data
            self._serve(lane, mask)
            if lane.may_hand_over:
                ready.append(lane)
        if caution.is_holding:
            ready += caution.let_go()
        if ready:
            self._hand_over(ready)
        now = time.monotonic()
        if now >= self._look_at:
            self._look_at = now + TICK
            self._look_at_clocks(now)
        return True

    def _is_over(self) -> bool:
        busy = any(not lane.is_idle for lane in self._pool.lanes)
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
        if self._book.trouble is not None or self._book.error is not None:
            self._stopped_at = now
        elif now >= self._ask_at:
            self._ask_at = now + ASK_TO_STOP
            try:
                stop = self._should_stop()
            except Exception as error:  # noqa: BLE001 - raised again once every mail has its outcome
                self._book.error, stop = error, True
            if stop:
                self._stopped_at = now
                self._look_at = now
        return bool(self._stopped_at)

    def _serve(self, lane: Lane, mask: int) -> None:
        """Go on with one lane after an event."""
        connection = lane.connection
        if connection.phase is Phase.CLOSED:  # by an event of this same round
            return
        try:
            lane.take(connection.advance(mask))
            if lane.may_begin:
                self._book.announce(lane.next, after=lane.last)
                lane.begin()
            if lane.has_left:
                self._pool.drop(lane)
        except OpeningError as error:
            self._losses.cannot_open(lane, error)
        except (WireError, ReplyError, ClosingError) as error:
            self._losses.lose(lane, error)

    def _hand_over(self, ready: list[Lane]) -> None:
        """Write the bodies that servers wait for.

        The journal is asked once for all of them: what it has noted when the first is confirmed
        is safe for the others too.
        """
        if self._pool.caution.is_on:
            ready = self._hold_back(ready)
        for lane in ready:
            if lane.may_hand_over and lane.pipelines and lane.next is not None:
                self._book.announce(lane.next, after=lane.current)
        for lane in ready:
            if not lane.may_hand_over or lane.current is None:
                continue
            try:
                self._book.journal.confirm(lane.current.mail.message_id)
            except Exception as error:  # noqa: BLE001 - raised again once every mail has its outcome
                self._book.error = self._book.error or error
                self._losses.break_off(lane)
                continue
            try:
                lane.hand_over()
            except WireError as error:
                self._losses.lose(lane, error)

    def _hold_back(self, ready: list[Lane]) -> list[Lane]:
        """Write bodies without their dots; return the lanes whose dot may go out now."""
        for lane in ready:
            if lane.may_hand_over and not lane.is_held:
                try:
                    self._pool.caution.hold(lane)
                except WireError as error:
                    self._losses.lose(lane, error)
        return [lane for lane in ready if lane.is_held and lane.may_hand_over]

    # --- pulling

    def _fill(self) -> None:
        """Give every lane a mail to go on with; open lanes while mails wait for one."""
        if self._is_stopping():
            return
        for lane in list(self._pool.lanes):
            if lane.connection.phase is not Phase.READY:
                if self._pool.has_too_many:
                    self._pool.drop(lane)
                continue
            if lane.is_quitting:
                continue
            if lane.next is None:
                self._provide(lane)
        self._open_lanes()

    def _provide(self, lane: Lane) -> None:
        if lane.is_used_up or self._pool.has_too_many:
            if lane.is_idle:
                self._pool.say_goodbye(lane)
            return
        parcel = self._take(lane)
        if parcel is None:
            return
        lane.next = parcel
        if not lane.may_begin:
            return
        self._book.announce(parcel, after=lane.last)
        try:
            lane.begin()
        except WireError as error:
            self._losses.lose(lane, error)
            return
        # While the server answers to this envelope, the mail after it is rendered.
        if not lane.is_used_up:
            lane.next = self._take(lane)

    def _take(self, lane: Lane) -> Parcel | None:
        """Return the next mail made ready for this lane's server."""
        while True:
            parcel = self._waiting.popleft() if self._waiting else self._pull()
            if parcel is None:
                return None
            try:
                parcel.envelope = envelope.envelope(
                    parcel.mail, lane.connection.server, dsn=self._pool.settings.dsn
                )
            except UnsendableError as error:
                self._book.finish(parcel, error.outcome(parcel.mail.message_id))
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
            self._book.error = self._book.error or error
            mail = None
        if mail is None:
            self._is_dry = True
            return None
        return Parcel(mail=mail)

    def _open_lanes(self) -> None:
        """Open a lane for each mail that waits for one, as far as allowed."""
        while not self._is_stopping() and len(self._pool.lanes) < self._pool.most:
            if len(self._waiting) <= len(self._pool.opening):
                parcel = self._pull()
                if parcel is None:
                    return
                self._waiting.append(parcel)
            try:
                self._is_looking_up = not self._pool.open(self._book.answer)
                if self._is_looking_up:
                    self._pool.wait_for_name(TICK / 2)
                    return
            except OpeningError as error:
                self._losses.cannot_open(None, error)
                return

    # --- clocks and the end

    def _look_at_clocks(self, now: float) -> None:
        try:
            self._keep_alive()
        except Exception as error:  # noqa: BLE001 - raised again once every mail has its outcome
            self._book.error = self._book.error or error
        for lane in list(self._pool.lanes):
            if lane.connection.phase is not Phase.READY:
                self._look_at_opening(lane, now)
            elif lane.is_quitting:
                if now > lane.deadline:
                    self._pool.drop(lane)
            elif now > lane.deadline:
                self._losses.lose(lane, WireError("no answer in time"))
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
                else _("%(host)s stopped answering.")
            )
            trouble = ServerTroubleError(sentence % {"host": self._pool.settings.host})
        self._book.trouble = self._book.trouble or trouble
        for lane in list(self._pool.lanes):
            self._losses.break_off(lane)

    def _look_at_opening(self, lane: Lane, now: float) -> None:
        connection = lane.connection
        if now <= connection.deadline:
            return
        try:
            if not connection.next_address():
                self._losses.cannot_open(lane, connection.time_out())
        except OpeningError as error:
            self._losses.cannot_open(lane, error)

    def _wind_up(self, now: float) -> None:
        """After a stop: nothing new begins, and what is on the wire has so long to end."""
        for lane in self._pool.ready:
            if lane.next is not None:
                self._book.end(lane.next, Verdict.NOT_SENT)
                lane.next = None
            waited = now - self._stopped_at
            if lane.last is not None:
                if waited > DRAIN:
                    self._losses.break_off(lane)
            elif lane.current is not None and waited > GRACE:
                if lane.silent_for(now) > SILENCE:
                    self._book.trouble = self._book.trouble or ServerTroubleError(
                        _("%(host)s stopped answering.") % {"host": self._pool.settings.host}
                    )
                self._losses.break_off(lane)

    def _look_for_silence(self) -> None:
        """A server that let us wait until we were told to stop is in trouble, not just slow."""
        if self._book.trouble or self._book.error or self._pool.ready:
            return
        for lane in self._pool.opening:
            if time.monotonic() - lane.connection.begun > SILENCE:
                self._book.trouble = lane.connection.time_out()
                return

    def _give_back(self) -> None:
        """What was pulled and never begun stays planned."""
        while self._waiting:
            self._book.end(self._waiting.popleft(), Verdict.NOT_SENT)

    def _abandon(self) -> None:
        """Something from outside ends the run in its middle: settle everything as it stands."""
        for lane in list(self._pool.lanes):
            self._losses.break_off(lane)
        self._give_back()
