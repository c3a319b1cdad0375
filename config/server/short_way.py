"""Opens, clicks and the mail programs' unsubscribe button, answered on the event loop.

They are most of what an installation is asked, and need neither a thread nor Django: the token is
checked, the link comes from memory (`destinations`), the hit goes with all others of this moment
to Redis or to a file (`writer`), and then the answer goes out. What can't be answered so (a bad
token, a link with a person's values in it) goes the usual way and finds the same answer there.
"""

import asyncio
import re
import time
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from django.conf import settings
from django.utils.translation import gettext

from delivery.mime import tokens
from delivery.mime.tokens import Purpose
from delivery.states import EventKind
from delivery.tracking import collect, hits
from delivery.tracking.destinations import ELSEWHERE, LARGE, Destinations
from delivery.tracking.hits import Hit
from delivery.tracking.writer import Writer
from delivery.views.tracking import HEADERS, PIXEL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from config.server.visitors import GuardedConnection

FOLDER = "tracking"  # in DATA_DIR: hits that wait for Redis
LOAD_SECONDS = 2.0  # for the database to answer before the copy in Redis is asked
THREADS = 2
LARGEST_FORM = 4_096  # bytes of a mail program's POST
OPENED, CLICKED = int(EventKind.OPENED), int(EventKind.CLICKED)
UNSUBSCRIBED = int(EventKind.UNSUBSCRIBED)
_ONE_CLICK_PART = re.compile(
    rb'name="?List-Unsubscribe"?[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\nOne-Click\r\n', re.IGNORECASE
).search
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

    __slots__ = ("body", "connection", "disconnected", "keep_alive", "more_body")
    __slots__ += ("response_complete",)

    def __init__(self, connection: "GuardedConnection", *, keep_alive: bool) -> None:
        self.connection = connection
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

    def start(self) -> None:
        """Begin to take hits in, also those of Django's threads."""
        self.writer.start()
        collect.through = self._from_thread

    async def stop(self) -> None:
        """Write what waits, and end."""
        collect.through = None
        await self.writer.stop()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def take(self, connection: "GuardedConnection") -> bool:
        """Answer the request whose headers a connection has just read; False: it is another's."""
        cycle = connection.cycle
        if cycle is not None and not cycle.response_complete:
            return False
        method = connection.parser.get_method()
        if method not in {b"GET", b"HEAD"}:
            return False
        path = connection.url.partition(b"?")[0]
        headers: Mapping[bytes, bytes] = dict(connection.headers)
        if b"content-length" in headers or b"transfer-encoding" in headers:
            return False
        if opened := _OPEN(path):
            kind, token, ordinal, target = OPENED, opened[1], 0, b""
        elif clicked := _CLICK(path):
            kind, token, ordinal = CLICKED, clicked[1], int(clicked[2])
        else:
            return False
        message_id = tokens.read(token.decode("ascii"), Purpose.TRACK)
        if message_id is None:
            return False
        line = self._line(message_id, kind, ordinal, headers, connection.client, method)
        if kind == CLICKED:
            found = self.destinations.known(message_id, ordinal) if ordinal else ELSEWHERE
            if not ordinal:
                self.writer.add(line, _nothing)  # the hidden link leads nowhere
            if not found:
                return False
            if self.destinations.stale:
                self._refresh()
            target = found
        self._answer_later(connection, line, kind, target, is_head=method == b"HEAD")
        return True

    def _answer_later(
        self,
        connection: "GuardedConnection",
        line: bytes,
        kind: int,
        target: bytes,
        *,
        is_head: bool,
    ) -> None:
        version = connection.parser.get_http_version()
        keep_alive = version != "1.0" and connection.parser.should_keep_alive()
        cycle = Answered(connection, keep_alive=keep_alive)
        connection.cycle = cycle  # type: ignore[assignment]
        head = self._pixel if kind == OPENED else self._found + b"location: " + target + b"\r\n"
        parts = [
            head,
            self._date(connection),
            b"\r\n" if keep_alive else b"connection: close\r\n\r\n",
        ]
        if kind == OPENED and not is_head:
            parts.append(PIXEL)
        answer = b"".join(parts)

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

    def _date(self, connection: "GuardedConnection") -> bytes:
        now = connection.server_state.default_headers
        if self._dates[0] is not now:
            lines = b"".join(name + b": " + value + b"\r\n" for name, value in now)
            self._dates = (now, lines)
        return self._dates[1]

    def _line(  # noqa: PLR0913 - what a hit consists of
        self,
        message_id: int,
        kind: int,
        ordinal: int,
        headers: "Mapping[bytes, bytes]",
        client: tuple[str, int] | None,
        method: bytes,
    ) -> bytes:
        flags = 0 if b"accept-language" not in headers else hits.LANGUAGE
        if method == b"HEAD":
            flags |= hits.HEAD
        if b"accept" not in headers:
            flags |= hits.NO_ACCEPT
        if _is_prefetch(headers):
            flags |= hits.PREFETCH
        address = client[0] if client else ""
        if settings.BEHIND_PROXY and b"x-forwarded-for" in headers:
            address = headers[b"x-forwarded-for"].rpartition(b",")[2].strip().decode("latin-1")
        return b"%d\t%d\t%d\t%d\t%d\t%b\t%b" % (
            message_id,
            kind,
            time.time() * 1000,
            ordinal,
            flags,
            _plain_address(address),
            _plain_agent(headers.get(b"user-agent", b"")),
        )

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
        headers = dict(scope["headers"])
        method = scope["method"].encode()
        await self._safe(self._line(message_id, CLICKED, ordinal, headers, scope["client"], method))
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
        message_id = (
            tokens.read(pressed[1].decode("ascii"), Purpose.UNSUBSCRIBE) if pressed else None
        )
        if message_id is None:
            return False
        form = body.read(LARGEST_FORM + 1)
        body.seek(0)
        headers = dict(scope["headers"])
        if not is_one_click(headers.get(b"content-type", b""), form):
            return False
        line = self._line(message_id, UNSUBSCRIBED, 0, headers, scope["client"], b"POST")
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


def is_one_click(content_type: bytes, form: bytes) -> bool:
    """Say whether a POST is the button of a mail program (RFC 8058 section 3.2)."""
    if len(form) > LARGEST_FORM:
        return False
    if content_type.lower().startswith(b"multipart/form-data"):
        return _ONE_CLICK_PART(form) is not None
    if not content_type.lower().startswith(b"application/x-www-form-urlencoded"):
        return False
    fields = dict(parse_qsl(form.decode("latin-1")))
    return fields.get("List-Unsubscribe") == "One-Click"


def _nothing(_is_safe: object) -> None:
    """Nobody waits."""


def _is_prefetch(headers: "Mapping[bytes, bytes]") -> bool:
    return any(
        b"prefetch" in headers[name].lower() or b"preview" in headers[name].lower()
        for name in (b"purpose", b"sec-purpose", b"x-purpose", b"x-moz")
        if name in headers
    )


async def _send(send: Any, status: int, body: bytes, *more: tuple[bytes, bytes]) -> None:
    head = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
    if settings.SECURE_HSTS_SECONDS:
        age = b"max-age=%d" % settings.SECURE_HSTS_SECONDS
        head.append((b"strict-transport-security", age))
    head += [*more, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})


@lru_cache(maxsize=4096)
def _plain_address(text: str) -> bytes:
    """Return an address as `subscribers.signup.visitors.ip_of` does."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return b""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address).encode()


@lru_cache(maxsize=4096)
def _plain_agent(raw: bytes) -> bytes:
    return hits.printable(raw.decode("latin-1")).encode()


RUNNING: list[ShortWay] = []  # this process's only one, while it serves
