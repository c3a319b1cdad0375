"""HTTP to providers: knows whether a request has left, and reaches no machine of the inner network.

A mail may have been accepted only once its request was written in full. So whether it was decides
between "not sent" and "unknown" when a connection breaks.
"""

import threading
import time
from typing import Any, Final

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from delivery.transports import reach

CONNECT_SECONDS: Final = 10.0
READ_SECONDS: Final = 60.0


class InnerAddressError(HTTPError):
    """The name leads to a machine of this network, which only OWN_PROVIDERS may allow."""


class _Mark(threading.local):
    """Whether this thread's present request has been written in full."""

    is_written = False


mark = _Mark()


def is_own(host: str) -> bool:
    """Say whether whoever runs the installation has named this host as a provider of their own."""
    return host.strip("[]").lower() in {own.lower() for own in settings.OWN_PROVIDERS}


class _Watched:
    """Part of a connection that notes when the request is out, and checks whom it talks to."""

    host: str

    def request(self, *args: Any, **kwargs: Any) -> None:
        super().request(*args, **kwargs)  # type: ignore[misc]  # urllib3's
        mark.is_written = True

    def _new_conn(self) -> Any:
        connected = super()._new_conn()  # type: ignore[misc]  # urllib3's
        # After the connection, so that no name can lead elsewhere between look-up and use.
        peer = reach.address_of(connected.getpeername()[0])
        if not is_own(self.host) and not (peer and reach.is_public(peer)):
            connected.close()
            raise InnerAddressError(f"{self.host} is no address of the internet")
        return connected


class _Http(_Watched, HTTPConnection):
    pass


class _Https(_Watched, HTTPSConnection):
    pass


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}


class ProviderSession(requests.Session):
    """One connection, kept open; follows no redirect and reads no proxy or netrc of the machine."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        adapter = _Adapter(pool_connections=1, pool_maxsize=1, max_retries=0)
        self.mount("https://", adapter)
        self.mount("http://", adapter)

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002
        """Say that it leads nowhere: a redirect is an answer like any other."""
        return None


def read_body(answer: requests.Response, *, most: int, until: float) -> bytes:
    """Read up to ``most`` bytes of an answer as they come.

    Each read has its own time limit, all together have ``until`` (time.monotonic()).

    Raises:
        TimeoutError: it came too slowly.
    """
    pieces: list[bytes] = []
    size = 0
    while size < most and (piece := answer.raw.read1(most, decode_content=True)):
        pieces.append(piece)
        size += len(piece)
        if time.monotonic() > until:
            raise TimeoutError
    return b"".join(pieces)[:most]
