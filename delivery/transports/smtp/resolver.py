"""Looking a host name up without making anybody wait: the look-up runs in a thread of its own."""

import socket
import threading
import time
from dataclasses import dataclass
from typing import Any, Final

from delivery.transports import reach

KEEP_SECONDS: Final = 60.0
NO_SERVER: Final = "No mail server has such an address"


@dataclass(frozen=True, kw_only=True, slots=True)
class SocketAddress:
    """Where to connect to: as `socket.getaddrinfo` says it."""

    family: int
    where: Any


class LookUpError(Exception):
    """The name has no address; the words are the resolver's."""


class Resolver:
    """The addresses of one host and port, looked up again after a minute."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._done = threading.Event()
        self._running = False
        self._found: list[SocketAddress] = []
        self._error = ""
        self._at = float("-inf")

    def addresses(self) -> list[SocketAddress] | None:
        """Return the addresses in the order to try them, or None while looking.

        Raises:
            LookUpError: there are none.
        """
        if time.monotonic() - self._at > KEEP_SECONDS and not self._running:
            self._begin()
        if not self._done.is_set():
            return None
        self._running = False
        if self._error:
            self._at = float("-inf")
            raise LookUpError(self._error)
        return self._found

    def wait(self, seconds: float) -> None:
        """Wait until the look-up is done, at most so long."""
        self._done.wait(seconds)

    def _begin(self) -> None:
        self._running = True
        self._done.clear()
        if reach.address_of(self._host) or self._host == "localhost":
            self._look()
            return
        threading.Thread(target=self._look, name="look-up", daemon=True).start()

    def _look(self) -> None:
        try:
            found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            self._error = getattr(error, "strerror", None) or str(error)
        else:
            self._found = [
                SocketAddress(family=entry[0], where=entry[4])
                for entry in found
                if _may_connect(str(entry[4][0]))
            ]
            self._error = "" if self._found else NO_SERVER
        self._at = time.monotonic()
        self._done.set()


def _may_connect(host: str) -> bool:
    address = reach.address_of(host)
    return address is not None and reach.may_be_mail_server(address)
