"""A connection to a mailbox's server: bounded in time, never to an address that `reach` forbids.

What was looked up is what is connected to, so no name can lead elsewhere in between.
"""

import socket
import ssl
import time
from typing import Final

from delivery.bounces.mailboxes import trouble
from delivery.models import BounceMailbox
from delivery.states import TlsMode
from delivery.transports.smtp.resolver import LookUpError, Resolver

CONNECT_SECONDS: Final = 10.0
READ_SECONDS: Final = 30.0


def connect(mailbox: BounceMailbox, *, seconds: float = CONNECT_SECONDS) -> socket.socket:
    """Return a connection, already protected where TLS begins at once.

    Raises:
        trouble.MailboxError: there is none.
    """
    host, port = mailbox.host, mailbox.port
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
            return _open(mailbox, address.family, address.where, until - time.monotonic())
        except (OSError, ssl.SSLError) as error:
            failed = error
    raise trouble.of_connection(host, port, failed)


def _open(
    mailbox: BounceMailbox, family: int, where: tuple[str, int], seconds: float
) -> socket.socket:
    if seconds <= 0:
        raise TimeoutError
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.settimeout(seconds)
        connection.connect(where)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if mailbox.tls == TlsMode.IMPLICIT:
            name = mailbox.host.strip("[]")
            connection = context_of(mailbox).wrap_socket(connection, server_hostname=name)
    except BaseException:
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
