"""A web server on this machine, spoken to over sockets of our own."""

import os
import socket
import sys
import time
from contextlib import suppress


def free_port() -> int:
    """Return a port nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def port() -> int:
    """Return the server's port."""
    return int(os.environ["PORT"])


def wait() -> None:
    """Wait until the server listens."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port())):
            return
        time.sleep(0.1)
    sys.exit("the web server did not start")


def read(connection: socket.socket) -> bytes:
    """Read one whole answer; returns its head."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += connection.recv(65_536)
    head, _, body = answer.partition(b"\r\n\r\n")
    length = next(
        (int(line[15:]) for line in head.lower().split(b"\r\n") if line[:15] == b"content-length:"),
        0,
    )
    while len(body) < length:
        body += connection.recv(65_536)
    return head
