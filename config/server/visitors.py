"""Connections of the web server: how long a visitor may keep one waiting, and how many they hold.

Anybody may connect, and a connection that only waits costs little, so newcomers are never refused.
What waits too long is closed, and where one network holds too many, the one that has kept us
waiting longest makes way.
"""

import asyncio
import resource
from collections import defaultdict
from contextlib import suppress
from ipaddress import ip_network

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from config.server import short_way

HEAD_SECONDS = 15.0  # from a request's first byte to the end of its headers
IDLE_SECONDS = 65.0  # between two requests: longer than proxies keep theirs
READ_SECONDS = 30.0  # in which an answer's reader must take a buffer full
SLOWEST_READER = 2048  # bytes a second of what is left when the answer is complete
LARGEST_HEAD = 65_536  # bytes
# Bytes of chunk sizes, extensions and trailers for each byte of a body.
MOST_FRAMING = 8
MOST_OF_A_NETWORK = 256
MOST_OPEN = 8192
SPARE_FILES = 512  # databases, uploads, logs: everything that is no visitor's connection
SWEEP_SECONDS = 1.0


class Connections:
    """All connections of this process."""

    def __init__(self) -> None:
        most_files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.most = max(SPARE_FILES, min(MOST_OPEN, most_files - SPARE_FILES))
        self.by_network: dict[str, set[GuardedConnection]] = defaultdict(set)
        self.count = 0

    def add(self, one: "GuardedConnection") -> None:
        """Take one in; another one makes way where there are too many."""
        network = self.by_network[one.network]
        network.add(one)
        self.count += 1
        if len(network) > MOST_OF_A_NETWORK:
            _make_way(network)
        elif self.count > self.most:
            _make_way(max(self.by_network.values(), key=len))

    def drop(self, one: "GuardedConnection") -> None:
        """Forget one that has ended."""
        network = self.by_network[one.network]
        if one in network:
            network.remove(one)
            self.count -= 1
        if not network:
            del self.by_network[one.network]

    async def watch(self) -> None:
        """Close what keeps us waiting too long, until cancelled."""
        now = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            for one in [one for network in self.by_network.values() for one in network]:
                if one.is_overdue(now()):
                    one.transport.abort()


def _make_way(connections: "set[GuardedConnection]") -> None:
    waiting = [one for one in connections if one.keeps_us_waiting]
    if waiting:
        min(waiting, key=lambda one: one.since).transport.abort()


OPEN = Connections()


def network_of(host: str) -> str:
    """Return what counts as one visitor: an IPv4 address, or the network of an IPv6 one."""
    with suppress(ValueError):
        if ":" in host and not host.lower().startswith("::ffff:"):
            return str(ip_network(f"{host.partition('%')[0]}/64", strict=False))
    return host


class GuardedConnection(HttpToolsProtocol):
    """Uvicorn's connection, that knows since when it waits for its visitor."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self.network = network_of(self.client[0] if self.client else "")
        self.since = self.loop.time()
        self.in_head = True
        self.stalled_at: float | None = None
        self.seen = self.body_seen = self.left = 0
        OPEN.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        OPEN.drop(self)
        super().connection_lost(exc)

    @property
    def is_answered(self) -> bool:
        """Whether nothing is asked that was not answered."""
        return self.cycle is None or self.cycle.response_complete

    @property
    def keeps_us_waiting(self) -> bool:
        """Whether it is the visitor's turn: to ask, to go on, or to read."""
        if self.is_answered or self.stalled_at is not None:
            return True
        return self.cycle.more_body and not self.flow.read_paused

    def is_overdue(self, now: float) -> bool:
        """Say whether the visitor took longer than anybody needs. Bodies: `server.bodies`."""
        if not self.is_answered:
            return self.stalled_at is not None and now - self.stalled_at > READ_SECONDS
        waited = now - self.since
        if self.transport.get_write_buffer_size():
            return waited > READ_SECONDS + self.left / SLOWEST_READER
        return waited > (HEAD_SECONDS if self.in_head else IDLE_SECONDS)

    def data_received(self, data: bytes) -> None:
        """Read on; what is not body has a limit."""
        self.seen += len(data)
        super().data_received(data)
        framing = self.seen - self.body_seen
        if framing > LARGEST_HEAD + MOST_FRAMING * self.body_seen:
            if not self.transport.is_closing() and self.is_answered:
                self.send_400_response("The headers are too large.")
            else:
                self.transport.abort()

    def on_message_begin(self) -> None:
        """Begin to wait for the rest of the headers."""
        super().on_message_begin()
        self.since = self.loop.time()
        self.in_head = True
        self.seen = self.body_seen = 0

    def on_headers_complete(self) -> None:
        """Begin to wait for the body; what the short way answers has none."""
        self.since = self.loop.time()
        self.in_head = False
        is_short = self.url[:3] in {b"/o/", b"/c/"} and bool(short_way.RUNNING)
        if not (is_short and short_way.RUNNING[0].take(self)):
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Count it."""
        self.body_seen += len(body)
        super().on_body(body)

    def on_response_complete(self) -> None:
        """Begin to wait until the answer is read, and for the next request."""
        self.since = self.loop.time()
        self.left = self.transport.get_write_buffer_size()
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Note that the visitor does not read as fast as we write."""
        self.stalled_at = self.since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """Note that the visitor has read."""
        self.stalled_at = None
        super().resume_writing()
