"""One connection, from a list of addresses to a server that is ready for mail; never waits."""

import os
import selectors
import socket
import ssl
import time
from contextlib import suppress
from enum import Enum
from typing import Any

from django.utils.translation import gettext as _

from delivery.transports.smtp.opening import Ask, Handshake, OpeningError, OpeningStep, opening
from delivery.transports.smtp.reply import Capabilities, Reply, ReplyError, ReplyParser
from delivery.transports.smtp.resolver import SocketAddress
from delivery.transports.smtp.settings import SmtpSettings, Tls
from delivery.transports.smtp.wire import WRITE, Wire, WireError

# Certificate faults as OpenSSL numbers them (X509_V_ERR_…).
EXPIRED = 10
SELF_SIGNED = frozenset({18, 19, 20, 21})
WRONG_NAME = frozenset({62, 64})


class Phase(Enum):
    """How far the connection has come."""

    CONNECTING = "connecting"
    HANDSHAKE = "handshake"
    TALKING = "talking"  # banner, EHLO, STARTTLS, AUTH
    READY = "ready"
    CLOSED = "closed"


class Connection:
    """Registers itself with the selector under ``owner``; `advance` is called on its events."""

    def __init__(
        self,
        settings: SmtpSettings,
        addresses: list[SocketAddress],
        *,
        selector: selectors.BaseSelector,
        context: ssl.SSLContext | None,
        owner: Any,
    ) -> None:
        self.phase = Phase.CONNECTING
        self.server = Capabilities()
        self.step = OpeningStep.CONNECT
        self.deadline = 0.0
        self.begun = time.monotonic()
        self.answers: list[tuple[OpeningStep, Reply]] = []  # of the opening
        self._settings = settings
        self._addresses = list(addresses)
        self._selector = selector
        self._context = context
        self._owner = owner
        self._parser = ReplyParser()
        self._registered = 0
        self._wire: Wire
        self._connect_next(None)

    @property
    def wire(self) -> Wire:
        """The bytes."""
        return self._wire

    def advance(self, mask: int) -> list[Reply]:
        """Go on after an event; return replies once the connection is ready.

        Raises:
            OpeningError: the server cannot be used.
            WireError: a ready connection is gone.
            ReplyError: what comes is not SMTP.
        """
        if self.phase is Phase.READY:
            if mask & WRITE:
                self._wire.flush()
                self._register()
            return self._parser.feed(self._wire.read())
        try:
            self._open(mask)
        except (WireError, ReplyError) as error:
            raise self._opening_error(error) from error
        return []

    def write(self, data: bytes) -> None:
        """Send on a ready connection.

        Raises:
            WireError: it is gone.
        """
        self._wire.write(data)
        if self._wire.wants != self._registered:
            self._register()

    def time_out(self) -> OpeningError:
        """Return what to say when the opening took too long."""
        host, port = self._settings.host, self._settings.port
        sentence = (
            _("%(host)s does not answer on port %(port)s.")
            if self.step in {OpeningStep.CONNECT, OpeningStep.BANNER, OpeningStep.TLS}
            else _("%(host)s stopped responding on port %(port)s.")
        )
        return OpeningError(sentence % {"host": host, "port": port}, step=self.step)

    def next_address(self) -> bool:
        """After a connect that takes too long: try the next address; False: there is none."""
        if self.phase is not Phase.CONNECTING or not self._addresses:
            return False
        self._connect_next(None)
        return True

    def close(self) -> None:
        """Hang up at once."""
        if self.phase is not Phase.CLOSED:
            self.phase = Phase.CLOSED
            self._unregister()
            self._wire.close()

    def _open(self, mask: int) -> None:
        if self.phase is Phase.CONNECTING:
            self._finish_connect()
        elif self.phase is Phase.HANDSHAKE:
            self._shake_hands()
        else:
            if mask & WRITE:
                self._wire.flush()
                self._register()
            replies = self._parser.feed(self._wire.read())
            if len(replies) > 1:
                # We say one thing at a time. Words behind the answer to STARTTLS are not protected
                # by the handshake (RFC 3207 §6), and it may be over before they are looked at:
                # they would count as the answer to the first command after it.
                raise ReplyError(replies[1].words)
            for reply in replies:
                self.answers.append((self.step, reply))
                self._next(reply)

    def _connect_next(self, last: OSError | None) -> None:
        while self._addresses:
            address = self._addresses.pop(0)
            if self._registered:  # with the address before
                self._unregister()
                self._wire.close()
            try:
                sock = socket.socket(address.family, socket.SOCK_STREAM)
                sock.setblocking(False)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._wire = Wire(sock)
                with suppress(BlockingIOError):
                    sock.connect(address.where)
            except OSError as error:
                last = error
                continue
            self._wire.wants = WRITE
            self.deadline = time.monotonic() + self._settings.timeouts.connect
            self._register()
            return
        raise self._connect_error(last)

    def _finish_connect(self) -> None:
        fault = self._wire.connect_fault()
        if fault:
            self._connect_next(OSError(fault, os.strerror(fault)))
            return
        self._wire.wants = selectors.EVENT_READ
        name = self._settings.client_name or _address_literal(self._wire.own_address)
        self._talk = opening(self._settings, client_name=name)
        self.phase = Phase.TALKING
        self._next(None)

    def _next(self, reply: Reply | None) -> None:
        """Do what the opening wants next."""
        try:
            wish = self._talk.send(reply)
        except StopIteration as end:
            if not self._parser.is_empty:
                raise ReplyError("more than one answer") from None
            self.server = end.value
            self.phase = Phase.READY
            self._register()
            return
        now = time.monotonic()
        if isinstance(wish, Handshake):
            if not self._parser.is_empty:
                raise ReplyError("words before the handshake")
            self.step = (
                OpeningStep.TLS if self._settings.tls is Tls.IMPLICIT else OpeningStep.STARTTLS
            )
            self.deadline = now + self._settings.timeouts.handshake
            self.phase = Phase.HANDSHAKE
            self._begin_tls()
            return
        self._say(wish, now)

    def _say(self, wish: Ask, now: float) -> None:
        timeouts = self._settings.timeouts
        self.step = wish.step
        self.deadline = now + (
            timeouts.banner if wish.step is OpeningStep.BANNER else timeouts.command
        )
        if wish.command:
            self._wire.write(wish.command)
        self._register()

    def _begin_tls(self) -> None:
        context = self._context or self._settings.tls_context()
        self._unregister()  # the descriptor moves to the TLS socket
        self._wire.start_tls(context, self._settings.host)
        self._parser = ReplyParser()
        self._shake_hands()

    def _shake_hands(self) -> None:
        try:
            done = self._wire.shake_hands()
        except ssl.SSLError as error:
            raise self._tls_error(error) from error
        if not done:
            self._register()
            return
        self.phase = Phase.TALKING
        self._next(None)

    def _register(self) -> None:
        wants = self._wire.wants
        if wants == self._registered:
            return
        if self._registered:
            self._selector.modify(self._wire, wants, self._owner)
        else:
            self._selector.register(self._wire, wants, self._owner)
        self._registered = wants

    def _unregister(self) -> None:
        if self._registered:
            self._selector.unregister(self._wire)
            self._registered = 0

    def _connect_error(self, error: OSError | None) -> OpeningError:
        host, port = self._settings.host, self._settings.port
        if isinstance(error, ConnectionRefusedError):
            sentence = _("%(host)s refuses connections on port %(port)s.")
        elif error is None or isinstance(error, TimeoutError):
            sentence = _("%(host)s does not answer on port %(port)s.")
        else:
            sentence = _("%(host)s cannot be reached on port %(port)s.")
        return OpeningError(sentence % {"host": host, "port": port}, step=OpeningStep.CONNECT)

    def _opening_error(self, error: Exception) -> OpeningError:
        host, port = self._settings.host, self._settings.port
        if isinstance(error, ReplyError):
            sentence = _("What answers on port %(port)s of %(host)s does not speak SMTP.")
        elif self.step in {OpeningStep.TLS, OpeningStep.STARTTLS} and self.phase is Phase.HANDSHAKE:
            sentence = _("%(host)s breaks off while TLS begins on port %(port)s.")
        else:
            sentence = _("%(host)s disconnected on port %(port)s before accepting any email.")
        return OpeningError(sentence % {"host": host, "port": port}, step=self.step)

    def _tls_error(self, error: ssl.SSLError) -> OpeningError:
        host, port = self._settings.host, self._settings.port
        values = {"host": host, "port": port, "words": error.reason or str(error)}
        if not isinstance(error, ssl.SSLCertVerificationError):
            return OpeningError(
                _("TLS cannot begin with %(host)s on port %(port)s: %(words)s.") % values,
                step=self.step,
                permanent=True,
            )
        values["words"] = error.verify_message
        if error.verify_code == EXPIRED:
            sentence = _("The certificate of %(host)s has expired.")
        elif error.verify_code in WRONG_NAME:
            sentence = _("The certificate that %(host)s shows was made for another name.")
        elif error.verify_code in SELF_SIGNED:
            sentence = _("The certificate of %(host)s is signed by nobody this machine trusts.")
        else:
            sentence = _("The certificate of %(host)s is not good: %(words)s.")
        return OpeningError(
            sentence % values, step=self.step, permanent=True, certificate=error.verify_code
        )


def _address_literal(address: str) -> str:
    """Name ourselves by our address (RFC 5321 §4.1.3), for want of a domain name."""
    address = address.partition("%")[0]
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"
