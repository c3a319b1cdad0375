"""The web application as Uvicorn calls it: Django in a few threads, visitors outside of them.

A request gets a thread when its body is here and gives it back when its answer is complete; sending
that is not the thread's business. Answers that are made while they are read (exports) have threads
of their own.
"""

import asyncio
import io
import os
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, copy_context
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

from django.conf import settings
from django.db import close_old_connections

from config.server import bodies, short_way, uploads, visitors
from config.wsgi import application as django

WHOLE_BYTES = 1_000_000  # files up to this size are read at once
PIECE = 65_536
STREAMS = 32

Headers = list[tuple[str, str]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
threads = ThreadPoolExecutor(settings.WEB_THREADS, "web")
streams = ThreadPoolExecutor(STREAMS, "stream")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What Django answers: a whole body, or a response that is still to be iterated."""

    status: int
    headers: Headers
    body: bytes = b""
    response: Any = None
    context: Context | None = None


async def application(scope: dict[str, Any], receive: bodies.Receive, send: Send) -> None:
    """Answer one request (ASGI)."""
    if scope["type"] == "lifespan":
        await _live(receive, send)
        return
    short = short_way.RUNNING[0] if short_way.RUNNING else None
    if short and not short.lead_home(scope):
        await short_way.nothing_here(send)
        return
    if short and await short.answer(scope, send):
        return
    environ = environ_of(scope)
    refused = 0
    if "CONTENT_LENGTH" in environ or "HTTP_TRANSFER_ENCODING" in environ:
        try:
            body = await _body(environ, receive)
        except bodies.Gone:
            return
        except bodies.Refused as why:
            refused = why.status
            environ |= {bodies.REFUSED: refused, "CONTENT_LENGTH": "0"}
        else:
            if short and scope["method"] == "POST" and await short.press(scope, body, send):
                body.close()
                return
            environ |= {"wsgi.input": body, "CONTENT_LENGTH": str(_size(body))}
    await _through_django(environ, receive, send, is_refused=bool(refused))


async def _body(environ: Mapping[str, Any], receive: bodies.Receive) -> Any:
    loop = asyncio.get_running_loop()
    return await bodies.take(
        receive,
        declared=_length(environ),
        larger=lambda: loop.run_in_executor(threads, uploads.most_bytes, dict(environ)),
    )


async def _through_django(
    environ: dict[str, Any], receive: bodies.Receive, send: Send, *, is_refused: bool
) -> None:
    loop = asyncio.get_running_loop()
    answer = await loop.run_in_executor(threads, respond, environ)
    head = [
        (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers
    ]
    if is_refused:
        head.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": answer.status, "headers": head})
    if answer.response is not None:
        await _stream(answer, receive, send)
    elif is_refused:
        await send({"type": "http.response.body", "body": answer.body, "more_body": True})
        await bodies.discard(receive)
    rest = b"" if is_refused or answer.response else answer.body
    await send({"type": "http.response.body", "body": rest})


async def _live(receive: bodies.Receive, send: Send) -> None:
    await receive()
    watching = asyncio.create_task(visitors.OPEN.watch())
    short = short_way.ShortWay()
    short.start()
    short_way.RUNNING.append(short)
    await send({"type": "lifespan.startup.complete"})
    await receive()
    short_way.RUNNING.clear()
    await short.stop()
    watching.cancel()
    await send({"type": "lifespan.shutdown.complete"})


def _length(environ: Mapping[str, Any]) -> int | None:
    # The parser let only digits through.
    return int(environ["CONTENT_LENGTH"]) if "CONTENT_LENGTH" in environ else None


def _size(body: Any) -> int:
    size = body.seek(0, os.SEEK_END)
    body.seek(0)
    return int(size)


def environ_of(scope: Mapping[str, Any]) -> dict[str, Any]:
    """Return what WSGI (PEP 3333) calls a request, without its body."""
    environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": scope["server"][0] if scope["server"] else "localhost",
        "SERVER_PORT": str(scope["server"][1] if scope["server"] else 80),
        "REMOTE_ADDR": scope["client"][0] if scope["client"] else "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": settings.WEB_WORKERS > 1,
        "wsgi.run_once": False,
    }
    for raw, raw_value in scope["headers"]:
        if b"_" in raw:
            continue  # would pass for the same name with hyphens, which a proxy wrote
        value = raw_value.decode("latin-1")
        name = raw.decode("latin-1").upper().replace("-", "_")
        if name not in {"CONTENT_TYPE", "CONTENT_LENGTH"}:
            name = f"HTTP_{name}"
        if name in environ:
            value = environ[name] + ("; " if name == "HTTP_COOKIE" else ",") + value
        environ[name] = value
    return environ


def respond(environ: dict[str, Any]) -> Answer:
    """Have Django answer; in a thread."""
    head: list[Any] = []

    def start(status: str, headers: Headers, _error: object = None, /) -> Callable[[bytes], object]:
        head.extend((status, headers))
        return head.append  # PEP 3333's way to write, which Django never uses

    try:
        response: Any = django(environ, start)
    finally:
        environ["wsgi.input"].close()
    status, headers = int(head[0][:3]), head[1]
    if getattr(response, "streaming", False) and environ["REQUEST_METHOD"] != "HEAD":
        length = response.get("Content-Length")
        if length is None or int(length) > WHOLE_BYTES:
            return Answer(status=status, headers=headers, response=response, context=copy_context())
    try:
        body = b"" if environ["REQUEST_METHOD"] == "HEAD" else b"".join(response)
    finally:
        response.close()
    return Answer(status=status, headers=headers, body=body)


async def _stream(answer: Answer, receive: bodies.Receive, send: Send) -> None:
    loop = asyncio.get_running_loop()
    gone = asyncio.create_task(_until_gone(receive))

    def write(piece: bytes) -> bool:
        message = {"type": "http.response.body", "body": piece, "more_body": True}
        asyncio.run_coroutine_threadsafe(_pass_on(send, message), loop).result()
        return not gone.done()

    assert answer.context is not None  # noqa: S101 - for the type checker
    try:
        await loop.run_in_executor(streams, answer.context.run, _pump, answer.response, write)
    finally:
        gone.cancel()


async def _pass_on(send: Send, message: Mapping[str, Any]) -> None:
    await send(message)


async def _until_gone(receive: bodies.Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _pump(response: Any, write: Callable[[bytes], bool]) -> None:
    """Iterate a response and write it in pieces until the visitor has it or is gone."""
    close_old_connections()
    try:
        for piece in _pieces(response):
            if not write(piece):
                return
    finally:
        response.close()


def _pieces(response: Any) -> Iterator[bytes]:
    """Join small chunks to pieces: each one costs a change of threads."""
    held: list[bytes] = []
    size = 0
    for chunk in response:
        held.append(chunk)
        size += len(chunk)
        if size >= PIECE:
            yield b"".join(held)
            held, size = [], 0
    yield b"".join(held)
