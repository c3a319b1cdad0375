"""One mail to one server, a command at a time, noting every stage: for people who set it up.

It walks the very way that campaigns walk (`opening`), only slowly, and stops where it fails.
"""

import selectors
import time
from contextlib import suppress
from dataclasses import dataclass

from django.utils.translation import gettext as _

from delivery.transports.protocol import Outgoing
from delivery.transports.smtp.connection import Connection, Phase
from delivery.transports.smtp.envelope import DOT, UnsendableError, body, envelope
from delivery.transports.smtp.opening import OpeningError, OpeningStep
from delivery.transports.smtp.reply import Reply, ReplyError
from delivery.transports.smtp.resolver import LookUpError, Resolver
from delivery.transports.smtp.settings import SmtpSettings, Tls
from delivery.transports.smtp.wire import WireError


@dataclass(frozen=True, kw_only=True, slots=True)
class Passed:
    """A stage that went well; ``reply`` is None where the server says nothing."""

    step: OpeningStep
    reply: Reply | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Course:
    """How far it went. ``trouble`` None: the server took the mail, ``passed[-1]`` is its answer."""

    passed: tuple[Passed, ...]
    trouble: OpeningError | None = None


def steps(settings: SmtpSettings) -> list[OpeningStep]:
    """Return the stages there are with these settings, in order."""
    left_out = {
        Tls.NONE: {OpeningStep.TLS, OpeningStep.STARTTLS},
        Tls.STARTTLS: {OpeningStep.TLS},
        Tls.IMPLICIT: {OpeningStep.STARTTLS},
    }[settings.tls]
    if not settings.username:
        left_out = left_out | {OpeningStep.AUTH}
    return [step for step in OpeningStep if step not in left_out]


def walk(settings: SmtpSettings, mail: Outgoing, *, seconds: float) -> Course:
    """Send one mail, in so many seconds at most; never raises for what a server does."""
    with selectors.DefaultSelector() as selector:
        probe = _Probe(settings, selector, seconds=seconds)
        try:
            probe.open()
            probe.send(mail)
        except OpeningError as error:
            return Course(passed=tuple(probe.passed), trouble=error)
        finally:
            probe.close()
    return Course(passed=tuple(probe.passed))


class _Probe:
    def __init__(
        self, settings: SmtpSettings, selector: selectors.BaseSelector, *, seconds: float
    ) -> None:
        self.passed: list[Passed] = []
        self._settings = settings
        self._selector = selector
        self._connection: Connection | None = None
        self._step = OpeningStep.RESOLVE
        self._seconds = seconds
        self._deadline = time.monotonic() + seconds

    def open(self) -> None:
        """Resolve, connect, and go on until the server is ready for mail."""
        resolver = Resolver(self._settings.host, self._settings.port)
        try:
            addresses = resolver.addresses()
            if addresses is None:
                resolver.wait(self._seconds / 2)
                addresses = resolver.addresses()
        except LookUpError as error:
            raise self._error(
                _("The name %(host)s cannot be found: %(words)s."), words=str(error)
            ) from error
        if addresses is None:
            raise self._error(_("Looking up the name %(host)s takes too long."))
        self.passed.append(Passed(step=OpeningStep.RESOLVE))
        self._step = OpeningStep.CONNECT
        connection = Connection(
            self._settings, addresses, selector=self._selector, context=None, owner=self
        )
        self._connection = connection
        try:
            while connection.phase is not Phase.READY:
                for _key, mask in self._selector.select(self._left(connection)):
                    connection.advance(mask)
        except OpeningError as error:
            self._note_opening(connection, error.step)
            raise
        self._note_opening(connection, OpeningStep.MAIL)

    def send(self, mail: Outgoing) -> None:
        """Go through one transaction."""
        connection = self._connection
        if connection is None:
            raise AssertionError("open first")
        self._step = OpeningStep.MAIL
        try:
            commands = envelope(mail, connection.server, dsn=self._settings.dsn)
        except UnsendableError as error:
            raise OpeningError(error.text, step=OpeningStep.RCPT, permanent=True) from error
        self._ask(OpeningStep.MAIL, commands.mail)
        self._ask(OpeningStep.RCPT, commands.rcpt)
        self._ask(OpeningStep.DATA, b"DATA\r\n")
        self._ask(OpeningStep.BODY, body(mail.data) + DOT)

    def close(self) -> None:
        """Say goodbye without waiting."""
        connection = self._connection
        if connection is None:
            return
        if connection.phase is Phase.READY:
            with suppress(WireError):
                connection.write(b"QUIT\r\n")
        connection.close()

    def _ask(self, step: OpeningStep, command: bytes) -> None:
        connection = self._connection
        if connection is None:
            raise AssertionError("open first")
        self._step = step
        replies: list[Reply] = []
        try:
            connection.write(command)
            while not replies:
                for _key, mask in self._selector.select(self._left(connection)):
                    replies += connection.advance(mask)
        except WireError as error:
            raise self._error(_("%(host)s disconnected.")) from error
        except ReplyError as error:
            raise self._error(_("What %(host)s answers is not SMTP.")) from error
        reply = replies[0]
        if not (reply.is_intermediate if step is OpeningStep.DATA else reply.is_positive):
            raise self._error(_("%(host)s refuses: %(words)s"), words=reply.words, reply=reply)
        self.passed.append(Passed(step=step, reply=reply))

    def _left(self, connection: Connection) -> float:
        left = self._deadline - time.monotonic()
        if left > 0:
            return left
        if connection.phase is Phase.READY:
            raise self._error(_("%(host)s does not answer in time."))
        raise connection.time_out()

    def _note_opening(self, connection: Connection, reached: OpeningStep) -> None:
        """Note the stages of the opening that are behind us."""
        replies = dict(connection.answers)  # of a stage with several answers, the last
        order = steps(self._settings)
        for step in order[order.index(OpeningStep.CONNECT) : order.index(reached)]:
            self.passed.append(Passed(step=step, reply=replies.get(step)))

    def _error(self, sentence: str, *, words: str = "", reply: Reply | None = None) -> OpeningError:
        values = {"host": self._settings.host, "words": words}
        return OpeningError(sentence % values, step=self._step, reply=reply)
