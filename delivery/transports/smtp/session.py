"""One ready connection and the mails on it: what was said, what is still to be answered.

At most three mails at a time: ``last`` has its final dot on the wire, ``current`` its MAIL, RCPT
and DATA, ``next`` is rendered and waits. With PIPELINING (RFC 2920 §3.1) the body and final dot of
one mail leave in one write with the envelope of the one after it.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from delivery.transports.protocol import Outgoing
from delivery.transports.smtp.envelope import DOT, Envelope
from delivery.transports.smtp.reply import CLOSING, Reply, ReplyError, ReplyStage
from delivery.transports.smtp.settings import SmtpSettings

if TYPE_CHECKING:
    from delivery.transports.smtp.connection import Connection

OK = 250
GO_AHEAD = 354
DATA = b"DATA\r\n"
RSET = b"RSET\r\n"


@dataclass(slots=True)
class Parcel:
    """One mail on its way."""

    mail: Outgoing
    envelope: Envelope | None = None
    body: bytes = b""
    tries: int = 0  # connections that broke under its envelope
    blamed: int = 0  # of them, those on which it was the first
    is_announced: bool = False
    refusal: tuple[ReplyStage, Reply] | None = None
    dot_at: int = -1  # where in the connection's stream its final dot begins


class ClosingError(Exception):
    """The server says 421 and hangs up (RFC 5321 §3.8); ``stage`` None: out of the blue."""

    def __init__(self, stage: ReplyStage | None, reply: Reply) -> None:
        super().__init__(reply.words)
        self.stage = stage
        self.reply = reply


Ended = Callable[[Parcel, ReplyStage, Reply], None]


class Session:
    """A connection that carries mails; ``ended`` is called with the answer that ends one."""

    def __init__(self, settings: SmtpSettings, ended: Ended) -> None:
        self.connection: Connection
        self.last: Parcel | None = None
        self.current: Parcel | None = None
        self.next: Parcel | None = None
        self.may_hand_over = False  # the server waits for current's body, or for its dot
        self.is_held = False  # current's body is written, its dot is held back (`pool.HeldDots`)
        self.deadline = float("inf")
        self.idle_since = time.monotonic()
        self.begun = 0  # envelopes written on this connection
        self.answered = 0  # mails that an answer ended
        self.is_quitting = False
        self._timeouts = settings.timeouts
        self._limit = max(1, settings.messages_per_connection)
        self._ended = ended
        self._expected: deque[tuple[ReplyStage, Parcel | None]] = deque()
        self._must_reset = False
        self._asked_at = 0.0
        self._held_at = 0.0

    def ended_by(self, ended: Ended) -> None:
        """Report to somebody else from now on."""
        self._ended = ended

    @property
    def is_idle(self) -> bool:
        """Nothing on the wire and nothing waiting; a goodbye does not count."""
        return (
            self.current is None
            and self.last is None
            and self.next is None
            and (not self._expected or self.is_quitting)
        )

    @property
    def is_used_up(self) -> bool:
        """As many mails have begun as one connection should carry."""
        return self.begun + (self.next is not None) >= self._limit

    @property
    def dot_may_be_out(self) -> bool:
        """Whether the last mail's final dot may have left this machine."""
        return self.last is not None and self.connection.wire.may_have_left(self.last.dot_at)

    @property
    def pipelines(self) -> bool:
        """Whether the server takes commands in groups."""
        return self.connection.server.pipelining

    @property
    def may_begin(self) -> bool:
        """Whether the envelope of ``next`` may be written now."""
        return (
            self.next is not None
            and self.current is None
            and (self.pipelines or not self._expected)
            and not self.is_quitting
        )

    def begin(self) -> None:
        """Write the envelope of ``next``.

        Raises:
            WireError: the connection is gone.
        """
        parcel = self.next
        if parcel is None:
            raise AssertionError("no mail waits")
        self.next, self.current = None, parcel
        self.begun += 1
        self.connection.write(self._open(parcel))
        self._wait()

    def hold(self) -> None:
        """Write the body of ``current`` without its final dot; `hand_over` writes the rest.

        Raises:
            WireError: the connection is gone.
        """
        if self.current is None:
            raise AssertionError("no mail is open")
        self.may_hand_over = False
        self.is_held = True
        self._held_at = time.monotonic()
        self.connection.write(self.current.body)
        self._wait()

    def has_stayed(self, now: float, *, reaction: float) -> bool:
        """Say whether the server has had the held body long enough to hang up under it."""
        wire = self.connection.wire
        if not self.is_held:
            return False
        if wire.is_writing or wire.unsent:
            self._held_at = now
            return False
        return now - self._held_at >= reaction + 2 * wire.round_trip

    def hand_over(self) -> None:
        """Write the body and final dot of ``current`` and, if the server may, what comes next.

        Raises:
            WireError: the connection is gone.
        """
        parcel, following = self.current, self.next
        if parcel is None:
            raise AssertionError("no mail is open")
        body = b"" if self.is_held else parcel.body
        self.may_hand_over = self.is_held = False
        self.last, self.current = parcel, None
        parcel.dot_at = self.connection.wire.queued + len(body)
        self._expected.append((ReplyStage.FINAL_DOT, parcel))
        if following is not None and self.pipelines:
            self.next, self.current = None, following
            self.begun += 1
            data = b"".join((body, DOT, self._open(following)))
        else:
            data = body + DOT
        self.connection.write(data)
        self._wait()

    def take(self, replies: list[Reply]) -> None:
        """Work through what the server said.

        Raises:
            ClosingError: it hangs up.
            ReplyError: it said something that makes no sense here.
            WireError: the connection is gone.
        """
        expected, pipelines = self._expected, self.pipelines
        for reply in replies:
            if not expected:
                if reply.code == CLOSING:
                    raise ClosingError(None, reply)
                raise ReplyError(reply.words)
            stage, parcel = expected.popleft()
            if (
                reply.code == OK
                and pipelines
                and (stage is ReplyStage.RCPT or stage is ReplyStage.MAIL)
            ):
                continue  # what follows is under way already
            if reply.code == CLOSING and stage is not ReplyStage.QUIT:
                raise ClosingError(stage, reply)
            if stage is ReplyStage.RSET:
                self._after_reset(parcel, reply)
            elif parcel is not None:
                self._move(stage, parcel, reply)
        if replies or self.connection.wire.is_writing:
            self._wait()  # bytes that make no whole reply win no time

    def silent_for(self, now: float) -> float:
        """Return for how many seconds an answer has been due."""
        return now - self._asked_at if self._expected else 0.0

    def quit(self) -> None:
        """Say goodbye; the answer is not waited for long.

        Raises:
            WireError: the connection is gone.
        """
        self.is_quitting = True
        self._expected.append((ReplyStage.QUIT, None))
        self.deadline = time.monotonic() + self._timeouts.quit
        self.connection.write(b"QUIT\r\n")

    @property
    def has_left(self) -> bool:
        """Whether the goodbye was answered."""
        return self.is_quitting and not self._expected

    def _open(self, parcel: Parcel) -> bytes:
        """Return the commands that open a mail, and expect their answers."""
        envelope = parcel.envelope
        if envelope is None:
            raise AssertionError("no envelope")
        expected = self._expected
        reset = b""
        if self._must_reset:
            self._must_reset = False
            if not self.pipelines:
                expected.append((ReplyStage.RSET, parcel))
                return RSET
            expected.append((ReplyStage.RSET, None))
            reset = RSET
        expected.append((ReplyStage.MAIL, parcel))
        if not self.pipelines:
            return envelope.mail
        expected.append((ReplyStage.RCPT, parcel))
        expected.append((ReplyStage.DATA, parcel))
        return reset + envelope.mail + envelope.rcpt + DATA

    def _after_reset(self, parcel: Parcel | None, reply: Reply) -> None:
        """Go on after RSET; ``parcel``: the mail that waited for it, without PIPELINING."""
        if not reply.is_positive:
            raise ReplyError(reply.words)
        if parcel is not None and parcel.envelope is not None:
            self._expected.append((ReplyStage.MAIL, parcel))
            self.connection.write(parcel.envelope.mail)

    def _move(self, stage: ReplyStage, parcel: Parcel, reply: Reply) -> None:
        """Go on with a mail after an answer to one of its commands."""
        if stage is ReplyStage.FINAL_DOT:
            if reply.is_intermediate:
                raise ReplyError(reply.words)
            self.last = None
            self._end(parcel, stage, reply)
        elif stage is ReplyStage.DATA:
            self._answer_to_data(parcel, reply)
        elif reply.is_intermediate:
            raise ReplyError(reply.words)
        elif reply.is_positive:
            if not self.pipelines:
                self._say_next(stage, parcel)
        else:
            parcel.refusal = parcel.refusal or (stage, reply)
            if not self.pipelines:
                self._refuse(parcel)

    def _answer_to_data(self, parcel: Parcel, reply: Reply) -> None:
        if reply.is_positive or (reply.is_intermediate and reply.code != GO_AHEAD):
            raise ReplyError(reply.words)
        if reply.code != GO_AHEAD:
            parcel.refusal = parcel.refusal or (ReplyStage.DATA, reply)
            self._refuse(parcel)
        elif parcel.refusal is None:
            self.may_hand_over = True
        else:
            # RFC 2920 §3.1: the server waits for a mail that nobody may get: end it empty. What
            # is answered to that says nothing about the mail.
            self._expected.append((ReplyStage.EMPTY_DOT, None))
            self.current = None
            self._end(parcel, *parcel.refusal)
            self.connection.write(DOT)

    def _refuse(self, parcel: Parcel) -> None:
        """End a mail that was refused before its body; the transaction may still be open."""
        self.current = None
        self._must_reset = True
        if parcel.refusal is not None:
            self._end(parcel, *parcel.refusal)

    def _say_next(self, stage: ReplyStage, parcel: Parcel) -> None:
        """Without PIPELINING: one command at a time."""
        envelope = parcel.envelope
        if envelope is None:
            raise AssertionError("no envelope")
        if stage is ReplyStage.MAIL:
            self._expected.append((ReplyStage.RCPT, parcel))
            self.connection.write(envelope.rcpt)
        else:
            self._expected.append((ReplyStage.DATA, parcel))
            self.connection.write(DATA)

    def _end(self, parcel: Parcel, stage: ReplyStage, reply: Reply) -> None:
        self.answered += 1
        self.idle_since = time.monotonic()
        self._ended(parcel, stage, reply)

    def _wait(self) -> None:
        """Set until when the next answer must come (RFC 5321 §4.5.3.2)."""
        if not self._expected:
            self._asked_at = time.monotonic()
            block = self._timeouts.block
            self.deadline = self._asked_at + block if self.is_held else float("inf")
            return
        stage = self._expected[0][0]
        if self.connection.wire.is_writing:
            seconds = self._timeouts.block
        elif (
            stage is ReplyStage.FINAL_DOT or stage is ReplyStage.EMPTY_DOT
        ):  # a set would hash in Python
            seconds = self._timeouts.final_dot
        elif stage is ReplyStage.DATA:
            seconds = self._timeouts.data
        else:
            seconds = self._timeouts.command
        self._asked_at = time.monotonic()
        self.deadline = self._asked_at + seconds
