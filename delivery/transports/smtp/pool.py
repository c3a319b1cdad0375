"""The connections of one process to one server."""

import selectors
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext as _

from delivery.transports.smtp.connection import Connection, Phase
from delivery.transports.smtp.opening import OpeningError, OpeningStep
from delivery.transports.smtp.outcomes import ServerRecord
from delivery.transports.smtp.reply import ReplyError
from delivery.transports.smtp.resolver import LookUpError, Resolver
from delivery.transports.smtp.session import ClosingError, Ended, Session
from delivery.transports.smtp.settings import SmtpSettings, Tls
from delivery.transports.smtp.wire import WireError

if TYPE_CHECKING:
    import ssl


FEWER_SECONDS: Final = 60.0  # a server that refused one more connection is left with as many


OPENING_SECONDS: Final = 5.0  # a half-open connection is not kept longer between two sends


class Pool:
    """Opens connections, hands them out as sessions, and closes those that were idle too long."""

    def __init__(self, settings: SmtpSettings) -> None:
        self.settings = settings
        self.selector = selectors.DefaultSelector()
        self.sessions: list[Session] = []
        self.record = ServerRecord()
        self.held_dots = HeldDots()
        self._resolver = Resolver(settings.host, settings.port)
        self._context: ssl.SSLContext | None = None
        self._ceiling = settings.max_connections
        self._ceiling_until = 0.0
        self.limit = settings.max_connections

    @property
    def most(self) -> int:
        """How many connections there may be now; 0: others use all of them."""
        if self._ceiling_until and time.monotonic() > self._ceiling_until:
            self._ceiling, self._ceiling_until = self.settings.max_connections, 0.0
        return min(max(1, self._ceiling), self.limit)

    @property
    def has_too_many(self) -> bool:
        """Whether some connections have to close, because there may be fewer now."""
        if len(self.sessions) <= self.limit:
            return False
        return sum(not session.is_quitting for session in self.sessions) > self.limit

    @property
    def ready(self) -> list[Session]:
        """The sessions that can carry mail."""
        return [session for session in self.sessions if session.connection.phase is Phase.READY]

    @property
    def opening(self) -> list[Session]:
        """The sessions that are not ready yet."""
        return [session for session in self.sessions if session.connection.phase is not Phase.READY]

    def open(self, ended: Ended) -> bool:
        """Begin one connection more; False: the host's name is still being looked up.

        Raises:
            OpeningError: it cannot be reached.
        """
        settings = self.settings
        try:
            addresses = self._resolver.addresses()
        except LookUpError as error:
            raise OpeningError(
                _("The name %(host)s cannot be found: %(words)s.")
                % {"host": settings.host, "words": error},
                step=OpeningStep.RESOLVE,
            ) from error
        if addresses is None:
            return False
        if self._context is None and settings.tls is not Tls.NONE:
            self._context = settings.tls_context()
        session = Session(settings, ended)
        session.connection = Connection(
            settings, addresses, selector=self.selector, context=self._context, owner=session
        )
        self.sessions.append(session)
        return True

    def wait_for_name(self, seconds: float) -> None:
        """Wait until the host's name is looked up, at most so long."""
        self._resolver.wait(seconds)

    def keep_fewer(self) -> None:
        """Be content for a while with the connections that the server has not refused."""
        self._ceiling = max(1, len(self.sessions))
        self._ceiling_until = time.monotonic() + FEWER_SECONDS

    def drop(self, session: Session) -> None:
        """Hang up and forget a session."""
        session.connection.close()
        if session in self.sessions:
            self.sessions.remove(session)

    def freshen(self, ended: Ended) -> None:
        """Before mail goes out again: let go of sessions that ended or idled meanwhile."""
        now = time.monotonic()
        oldest = now - self.settings.idle_seconds
        for session in list(self.sessions):
            session.ended_by(ended)
            if session.connection.phase is not Phase.READY:
                if session.connection.begun < now - OPENING_SECONDS:
                    self.drop(session)
            elif session.is_quitting or session.connection.wire.has_data():
                self.drop(session)
            elif session.idle_since < oldest:
                self.say_goodbye(session)

    def say_goodbye(self, session: Session) -> None:
        """QUIT; the session is dropped with the answer or soon."""
        try:
            session.quit()
        except WireError:
            self.drop(session)

    def close(self) -> None:
        """Say QUIT everywhere, wait a moment for the answers, and hang up."""
        for session in list(self.sessions):
            if (
                session.connection.phase is Phase.READY
                and session.is_idle
                and not session.is_quitting
            ):
                self.say_goodbye(session)
        end = time.monotonic() + self.settings.timeouts.quit
        while any(session.is_quitting for session in self.sessions) and time.monotonic() < end:
            for key, mask in self.selector.select(0.1):
                self._hear_goodbye(key.data, mask)
        for session in list(self.sessions):
            self.drop(session)

    def _hear_goodbye(self, session: Session, mask: int) -> None:
        left = True
        with suppress(WireError, ReplyError, ClosingError, OpeningError):
            session.take(session.connection.advance(mask))
            left = session.has_left
        if left:
            self.drop(session)


SECONDS: Final = 60.0  # for how long a server that hung up is treated like that
QUICKEST: Final = 0.01  # seconds a server may take to hang up, besides two ways over the network
SLOWEST: Final = 0.25
LOOK: Final = 0.005  # seconds; how often to look whether a dot may follow


class HeldDots:
    """One server's: whether dots are held back, and on which sessions one is."""

    def __init__(self) -> None:
        self._until = 0.0
        self._reaction = QUICKEST
        self._holding: list[Session] = []

    def begin(self, *, dot_was_out: bool = True) -> None:
        """It hung up in the middle of a mail: hold dots back from now on.

        ``dot_was_out`` although they were held back: the server needs more time to hang up.
        """
        if not self.is_on:
            self._reaction = QUICKEST
        elif dot_was_out:
            self._reaction = min(2 * self._reaction, SLOWEST)
        self._until = time.monotonic() + SECONDS

    @property
    def is_on(self) -> bool:
        """Whether to hold dots back now."""
        return self._until > 0.0 and time.monotonic() < self._until

    @property
    def is_holding(self) -> bool:
        """Whether a dot is held back now."""
        return bool(self._holding)

    def hold(self, session: Session) -> None:
        """Write a session's body without its dot.

        Raises:
            WireError: the connection is gone.
        """
        session.hold()
        self._holding.append(session)

    def let_go(self) -> list[Session]:
        """Return the sessions whose dot may follow now; they may hand over."""
        now = time.monotonic()
        free = [
            session for session in self._holding if session.has_stayed(now, reaction=self._reaction)
        ]
        self._holding = [
            session for session in self._holding if session.is_held and session not in free
        ]
        for session in free:
            session.may_hand_over = True
        return free
