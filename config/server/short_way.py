"""Opens, clicks and the mail programs' unsubscribe button, answered on the event loop.

They are most of what an installation is asked, and need neither a thread nor Django: the token is
checked, the link comes from memory (`destinations`), the hit goes with all others of this moment
to Redis or to a file (`writer`), and then the answer goes out. What can't be answered so (a bad
token, a link with a person's values in it) goes the usual way and finds the same answer there.
"""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections
from django.utils.translation import gettext

from config.server import seen
from delivery.mime import tokens
from delivery.mime.tokens import Purpose
from delivery.states import EventKind
from delivery.tracking import collect, domain, hits
from delivery.tracking.destinations import LARGE, Destinations
from delivery.tracking.hits import Hit
from delivery.tracking.writer import Writer
from delivery.views.tracking import HEADERS, PIXEL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

FOLDER = "tracking"  # in DATA_DIR: hits that wait for Redis
LOAD_SECONDS = 2.0  # for the database to answer before the copy in Redis is asked
THREADS = 2
HOSTS_SECONDS = 5.0  # between two looks for workspaces' own domains
PUBLIC = (b"/o/", b"/c/", b"/u/", b"/p/", b"/v/", b"/static/")
OPENED, CLICKED = int(EventKind.OPENED), int(EventKind.CLICKED)
UNSUBSCRIBED = int(EventKind.UNSUBSCRIBED)
_CLICK = re.compile(rb"/c/([\w=-]{20,30})/([0-9]{1,5})/").fullmatch
_OPEN = re.compile(rb"/o/([\w=-]{20,30})\.gif").fullmatch
_BUTTON = re.compile(rb"/u/([\w=-]{20,30})/").fullmatch


def _head(status: bytes, *more: bytes) -> bytes:
    lines = [f"{name.lower()}: {value}".encode() for name, value in HEADERS.items()]
    if settings.SECURE_HSTS_SECONDS:
        lines.append(b"strict-transport-security: max-age=%d" % settings.SECURE_HSTS_SECONDS)
    return b"\r\n".join([b"HTTP/1.1 " + status, *lines, *more, b""])


class Answered:
    """A request on the short way, as Uvicorn's connection knows a request."""

    __slots__ = ("body", "disconnected", "keep_alive", "more_body", "response_complete")

    def __init__(self, *, keep_alive: bool) -> None:
        self.keep_alive = keep_alive
        self.response_complete = False
        self.disconnected = False
        self.more_body = False
        self.body = bytearray()

    @property
    def message_event(self) -> "Answered":
        """Nobody waits for a body."""
        return self

    def set(self) -> None:
        """See `message_event`."""


class ShortWay:
    """What a web process needs for it; `start` on the loop."""

    def __init__(self) -> None:
        self.writer = Writer(url=settings.REDIS_URL, folder=settings.DATA_DIR / FOLDER)
        self.destinations = Destinations()
        self._loop = asyncio.get_running_loop()
        self._threads = ThreadPoolExecutor(THREADS, "links")
        self._loading: dict[int, asyncio.Future[bool]] = {}
        self._dates: tuple[object, bytes] = (None, b"")
        self._pixel = _head(b"200 OK", b"content-type: image/gif", b"content-length: 43")
        self._found = _head(b"302 Found", b"content-length: 0")
        self._hosts: frozenset[bytes] = frozenset()
        self._looking: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to take hits in, also those of Django's threads."""
        self.writer.start()
        collect.through = self._from_thread
        self._looking = asyncio.create_task(self._look())

    async def stop(self) -> None:
        """Write what waits, and end."""
        collect.through = None
        if self._looking:
            self._looking.cancel()
        await self.writer.stop()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _look(self) -> None:
        """Know the workspaces' own domains; what was known holds while the database is away."""
        while True:
            with suppress(DatabaseError, InterfaceError):
                found = await self._loop.run_in_executor(self._threads, _hosts)
                self._hosts = frozenset(name.encode("ascii", "ignore") for name in found)
            await asyncio.sleep(HOSTS_SECONDS)

    def lead_home(self, scope: dict[str, Any]) -> bool:
        """Let a request for a workspace's own domain be one for ours; False: it may not be.

        Such a domain has links and public pages, and nothing that people sign in to.
        """
        for number, (name, value) in enumerate(scope["headers"]):
            if name != b"host" or value.lower().partition(b":")[0] not in self._hosts:
                continue
            if not scope["raw_path"].startswith(PUBLIC):
                return False
            home = urlsplit(settings.SITE_URL).netloc.encode()
            scope["headers"] = [*scope["headers"]]
            scope["headers"][number] = (b"host", home)
        return True

    def take(self, connection: "HttpToolsProtocol") -> bool:
        """Answer the request whose headers a connection has just read; False: it is another's."""
        asked = self._asked(connection)
        if asked is None:
            return False
        message_id, kind, ordinal, headers = asked
        is_head = connection.parser.get_method() == b"HEAD"
        line = seen.line(
            message_id=message_id,
            kind=kind,
            ordinal=ordinal,
            headers=headers,
            client=connection.client[0] if connection.client else "",
            is_head=is_head,
        )
        target = b""
        if kind == CLICKED:
            if not ordinal:  # the hidden link leads nowhere
                self.writer.add(line, _nothing)
                return False
            target = self.destinations.known(message_id, ordinal) or b""
            if not target:
                return False
            if self.destinations.stale:
                self._refresh()
        self._answer_later(connection, line, self._answer(connection, target, is_head=is_head))
        return True

    def _asked(
        self, connection: "HttpToolsProtocol"
    ) -> "tuple[int, int, int, Mapping[bytes, bytes]] | None":
        """Return message, kind, link and headers of an open or a click with a good token."""
        cycle = connection.cycle
        if cycle is not None and not cycle.response_complete:
            return None  # it queues behind another
        path = connection.url.partition(b"?")[0]
        opened = _OPEN(path)
        found = opened or _CLICK(path)
        if found is None or connection.parser.get_method() not in {b"GET", b"HEAD"}:
            return None
        headers = dict(connection.headers)
        if b"content-length" in headers or b"transfer-encoding" in headers:
            return None
        message_id = tokens.read(found[1].decode("ascii"), Purpose.TRACK)
        if message_id is None:
            return None
        return (
            message_id,
            OPENED if opened else CLICKED,
            0 if opened else int(found[2]),
            headers,
        )

    def _answer(self, connection: "HttpToolsProtocol", target: bytes, *, is_head: bool) -> bytes:
        """Return the redirect to a target, or the pixel where there is none."""
        head = self._found + b"location: " + target + b"\r\n" if target else self._pixel
        body = b"" if target or is_head else PIXEL
        return b"".join((head, self._date(connection), _end(connection), body))

    def _answer_later(self, connection: "HttpToolsProtocol", line: bytes, answer: bytes) -> None:
        """Note a hit, and answer once it is safe."""
        cycle = Answered(keep_alive=_keeps_alive(connection))
        connection.cycle = cycle  # type: ignore[assignment]

        def send(_is_safe: object) -> None:
            cycle.response_complete = True
            transport = connection.transport
            if cycle.disconnected or transport.is_closing():
                return
            transport.write(answer)
            if not cycle.keep_alive:
                transport.close()
            connection.on_response_complete()

        self.writer.add(line, send)

    def _date(self, connection: "HttpToolsProtocol") -> bytes:
        now = connection.server_state.default_headers
        if self._dates[0] is not now:
            lines = b"".join(name + b": " + value + b"\r\n" for name, value in now)
            self._dates = (now, lines)
        return self._dates[1]

    async def answer(self, scope: "Mapping[str, Any]", send: Any) -> bool:
        """Answer a click whose link has to be read first, or one that queued; False: not ours."""
        path = scope["raw_path"]
        clicked = _CLICK(path)
        if clicked is None or scope["method"] not in {"GET", "HEAD"}:
            return False
        message_id = tokens.read(clicked[1].decode("ascii"), Purpose.TRACK)
        ordinal = int(clicked[2])
        if message_id is None or not ordinal:
            return False
        target = self.destinations.known(message_id, ordinal)
        if target is None and await self._load(message_id):
            target = self.destinations.known(message_id, ordinal)
        if not target:
            return False
        await self._safe(_line_of(scope, message_id, CLICKED, ordinal))
        await _send(send, 302, b"", (b"location", target))
        return True

    async def _load(self, message_id: int) -> bool:
        """Read a message's links, once for all who wait for them."""
        number = message_id >> LARGE
        waiting = self._loading.get(number)
        if waiting is None:
            waiting = self._loading[number] = asyncio.ensure_future(self._read(message_id))
            waiting.add_done_callback(lambda _: self._loading.pop(number, None))
        found = await asyncio.shield(waiting)
        if found and self.destinations.known(message_id, 1) is None:
            return await self._read(message_id)  # its own stretch of a block that campaigns share
        return found

    async def _read(self, message_id: int) -> bool:
        run = self._loop.run_in_executor
        try:
            async with asyncio.timeout(LOAD_SECONDS):
                await run(self._threads, self.destinations.load, message_id)
        except TimeoutError:
            try:
                await run(None, self.destinations.load_copy, message_id)
            except LookupError:
                return False
        except LookupError:
            return False
        return True

    def _refresh(self) -> None:
        stale, self.destinations.stale = self.destinations.stale, set()
        for message_id in list(stale)[:1]:  # its whole campaign is then fresh
            if message_id >> LARGE not in self._loading:
                self._loop.create_task(self._load(message_id))

    async def press(self, scope: "Mapping[str, Any]", body: Any, send: Any) -> bool:
        """Answer a mail program's unsubscribe button (RFC 8058); False: it is something else.

        It is answered when it is safe; `ingest` does it within a second or so.
        """
        pressed = _BUTTON(scope["raw_path"])
        if pressed is None:
            return False
        message_id = tokens.read(pressed[1].decode("ascii"), Purpose.UNSUBSCRIBE)
        form = body.read(seen.LARGEST_FORM + 1)
        body.seek(0)
        kind = dict(scope["headers"]).get(b"content-type", b"")
        if message_id is None or not seen.is_one_click(kind, form):
            return False
        line = _line_of(scope, message_id, UNSUBSCRIBED, 0)
        if not await self._safe(line, is_durable=True):
            return False
        text = gettext("You are unsubscribed.").encode()
        await _send(send, 200, text, (b"content-type", b"text/plain; charset=utf-8"))
        return True

    async def _safe(self, line: bytes, *, is_durable: bool = False) -> bool:
        done: asyncio.Future[bool] = self._loop.create_future()

        def tell(is_safe: bool) -> None:  # noqa: FBT001 - a callback
            if not done.done():
                done.set_result(is_safe)

        self.writer.add(line, tell, is_durable=is_durable)
        return await done

    def _from_thread(self, hit: Hit) -> bool:
        line = hits.encode(hit).encode()
        done = asyncio.run_coroutine_threadsafe(self._safe(line), self._loop)
        try:
            return done.result(timeout=hits.TIMEOUT * 4)
        except TimeoutError:
            return False


def _hosts() -> frozenset[str]:
    close_old_connections()
    try:
        return domain.hosts()
    finally:
        close_old_connections()


def _line_of(scope: "Mapping[str, Any]", message_id: int, kind: int, ordinal: int) -> bytes:
    return seen.line(
        message_id=message_id,
        kind=kind,
        ordinal=ordinal,
        headers=dict(scope["headers"]),
        client=scope["client"][0] if scope["client"] else "",
        is_head=scope["method"] == "HEAD",
    )


def _keeps_alive(connection: "HttpToolsProtocol") -> bool:
    is_old = connection.parser.get_http_version() == "1.0"
    return not is_old and bool(connection.parser.should_keep_alive())


def _end(connection: "HttpToolsProtocol") -> bytes:
    return b"\r\n" if _keeps_alive(connection) else b"connection: close\r\n\r\n"


async def nothing_here(send: Any) -> None:
    """Answer what a workspace's own domain does not have."""
    await _send(send, 404, b"Not found\n", (b"content-type", b"text/plain; charset=utf-8"))


def _nothing(_is_safe: object) -> None:
    """Nobody waits."""


async def _send(send: Any, status: int, body: bytes, *more: tuple[bytes, bytes]) -> None:
    head = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
    if settings.SECURE_HSTS_SECONDS:
        age = b"max-age=%d" % settings.SECURE_HSTS_SECONDS
        head.append((b"strict-transport-security", age))
    head += [*more, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})


RUNNING: list[ShortWay] = []  # this process's only one, while it serves
