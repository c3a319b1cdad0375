"""A connection to a mailbox's server: bounded in time, never to an address that `reach` forbids.

What was looked up is what is connected to, so no name can lead elsewhere in between.
"""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from delivery.bounces.mailboxes import trouble
from delivery.models import BounceMailbox
from delivery.states import TlsMode
from delivery.transports.smtp.resolver import LookUpError, Resolver

CONNECT_SECONDS: Final = 10.0
READ_SECONDS: Final = 30.0
WHOLE_SECONDS: Final = 60.0  # of a connection, if nobody says how long


class Deadline:
    """When a connection ends, whatever the other side does.

    A time limit of each read ends nothing for a server that sends a byte now and then. So past its
    end the connection is shut down from beside, be it in the middle of a TLS handshake.
    """

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._watched: socket.socket | None = None
        self._timer: threading.Timer | None = None
        self.is_over = False

    def rest(self) -> float:
        """Return the seconds left; never below 0."""
        return max(self._until - time.monotonic(), 0.0)

    def watch(self, connection: socket.socket) -> None:
        """Shut this connection down when time is up, also once TLS is spoken on it."""
        self.lift()
        self._watched = connection.dup()
        self._timer = threading.Timer(self.rest(), self._end)
        self._timer.daemon = True
        self._timer.start()

    def lift(self) -> None:
        """Watch no more."""
        if self._timer is not None:
            self._timer.cancel()
        with self._lock:
            if self._watched is not None:
                self._watched.close()
            self._watched = self._timer = None

    def _end(self) -> None:
        with self._lock, suppress(OSError):  # it may be gone already
            if self._watched is not None:
                self.is_over = True
                self._watched.shutdown(socket.SHUT_RDWR)

    @contextmanager
    def explained(self, mailbox: BounceMailbox) -> Iterator[None]:
        """Say that time was up, instead of what a connection that we ended looks like.

        Raises:
            trouble.MailboxError: time was up.
        """
        try:
            yield
        except Exception as error:
            if not self.is_over:
                raise
            raise trouble.of_connection(mailbox.host, mailbox.port, TimeoutError()) from error


def connect(mailbox: BounceMailbox, deadline: Deadline) -> socket.socket:
    """Return a connection, already protected where TLS begins at once, and watched by ``deadline``.

    Raises:
        trouble.MailboxError: there is none.
    """
    host, port = mailbox.host, mailbox.port
    seconds = min(CONNECT_SECONDS, deadline.rest())
    until = time.monotonic() + seconds
    resolver = Resolver(host, port)
    try:
        addresses = resolver.addresses()
        if addresses is None:
            resolver.wait(seconds)
            addresses = resolver.addresses()
    except LookUpError as error:
        raise trouble.MailboxError(f"{host}: {error}") from error
    failed: OSError = TimeoutError()
    for address in addresses or []:
        try:
            seconds = until - time.monotonic()
            return _open(mailbox, address.family, address.where, seconds, deadline)
        except (OSError, ssl.SSLError) as error:
            failed = error
    raise trouble.of_connection(host, port, failed)


def _open(
    mailbox: BounceMailbox,
    family: int,
    where: tuple[str, int],
    seconds: float,
    deadline: Deadline,
) -> socket.socket:
    if seconds <= 0:
        raise TimeoutError
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.settimeout(seconds)
        connection.connect(where)
        deadline.watch(connection)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if mailbox.tls == TlsMode.IMPLICIT:
            name = mailbox.host.strip("[]")
            connection = context_of(mailbox).wrap_socket(connection, server_hostname=name)
    except BaseException:
        deadline.lift()
        connection.close()
        raise
    return connection


def context_of(mailbox: BounceMailbox) -> ssl.SSLContext:
    """Return how TLS is spoken with a mailbox's server."""
    context = ssl.create_default_context()
    if not mailbox.verify_certificate:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
