"""A provider's API on loopback that answers like several of them, and misbehaves on request.

In a process of its own: ``python -m delivery.sandbox.provider_server --delay 0.08`` prints one JSON
object with its port and serves until its standard input ends.
"""

import argparse
import asyncio
import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.parser import BytesParser
from itertools import count
from typing import Any, Final


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One request as it came in; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body read as JSON."""
        return json.loads(self.body)

    def form(self) -> dict[str, bytes]:
        """Return the parts of a multipart body, by name."""
        head = f"Content-Type: {self.headers['content-type']}\r\n\r\n".encode()
        parsed = BytesParser().parsebytes(head + self.body)
        parts: Any = parsed.get_payload()
        return {
            str(part.get_param("name", header="content-disposition")): part.get_payload(decode=True)
            for part in parts
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What to answer; ``drop`` hangs up instead: "reading" in the midst of the request, "read"."""

    status: int = 200
    body: Any = ""
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    drop: str = ""

    @property
    def data(self) -> bytes:
        """The whole answer on the wire."""
        text = self.body if isinstance(self.body, str) else json.dumps(self.body)
        content = text.encode()
        kind = "application/json" if not isinstance(self.body, str) else "text/plain"
        fields = {"Content-Type": kind, "Content-Length": str(len(content))} | self.headers
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return f"HTTP/1.1 {self.status} Said\r\n{head}\r\n".encode() + content


Answerer = Callable[[Request], Reply]


class ProviderServer:
    """Listens and keeps every request. All of it runs in one event loop."""

    def __init__(self, answer: Answerer) -> None:
        self.answer = answer
        self.requests: list[Request] = []
        self.open = 0
        self.most_open = 0
        self.connections = 0
        self.port = 0
        self.keeps = True

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/"

    async def start(self) -> asyncio.Server:
        """Begin to listen."""
        server = await asyncio.start_server(self._client, "127.0.0.1", self.port, backlog=512)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while await self._request(reader, writer):
                    pass
        finally:
            writer.transport.abort()

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines if line)
        }
        method, path, _version = first.split(" ", 2)
        if headers.get("expect"):  # boto3 asks before it sends a body
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        request = Request(method=method, path=path, headers=headers, body=body)
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            reply = self.answer(request)
            if self.keeps:
                self.requests.append(request)
            if reply.delay:
                await asyncio.sleep(reply.delay)
        finally:
            self.open -= 1
        if reply.drop:
            writer.transport.abort()
            return False
        writer.write(reply.data)
        await writer.drain()
        return True


def usual(delay: float = 0.0) -> Answerer:
    """Return an answerer that accepts, in the words of the provider whose path is asked."""
    numbers = count(1)

    def answer(request: Request) -> Reply:
        number = f"id-{next(numbers)}"
        name = next((name for name, mark in PATHS.items() if mark in request.path), "postmark")
        if name in {"sendgrid", "mailersend"}:  # they say it in a header
            return Reply(status=202, headers={"X-Message-Id": number}, delay=delay)
        return Reply(body=_words(name, number, request), delay=delay)

    return answer


PATHS: Final = {
    "amazon": "/outbound-emails",
    "brevo": "/smtp/email",
    "mailgun": "/messages.mime",
    "mandrill": "/messages/send.json",
    "postal": "/send/raw",
    "sendgrid": "/mail/send",
    "sparkpost": "/transmissions",
    "unisender": "/email/send.json",
    "resend": "/emails",
    "mailtrap": "/api/send",
    "mailjet": "/v3.1/send",
    "mailersend": "/v1/email",
}


def _words(name: str, number: str, request: Request) -> Any:
    """Return what a provider says when it takes a mail."""
    person = request.json["rcpt_to"][0] if name == "postal" else "reader1@example.org"
    said: dict[str, Any] = {
        "amazon": {"MessageId": number},
        "brevo": {"messageId": number},
        "mailgun": {"id": f"<{number}>", "message": "Queued. Thank you."},
        "mandrill": [{"email": person, "status": "sent", "_id": number}],
        "postal": {"status": "success", "data": {"messages": {person: {"id": number}}}},
        "sparkpost": {
            "results": {
                "total_accepted_recipients": 1,
                "total_rejected_recipients": 0,
                "id": number,
            }
        },
        "unisender": {"status": "success", "job_id": number, "emails": [person]},
        # and Scaleway, which says more
        "resend": {
            "id": number,
            "emails": [{"id": number, "mail_rcpt": person, "status": "new"}],
        },
        "mailtrap": {"success": True, "message_ids": [number]},
        "mailjet": {
            "Messages": [
                {"Status": "success", "To": [{"Email": person, "MessageID": number}]},
            ]
        },
    }
    if name in said:
        return said[name]
    return {"ErrorCode": 0, "Message": "OK", "MessageID": number, "To": request.json["To"]}


@contextmanager
def running(answer: Answerer | None = None) -> Iterator[ProviderServer]:
    """Run one in a thread of this process."""
    server = ProviderServer(answer or usual())
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    listening = asyncio.run_coroutine_threadsafe(server.start(), loop).result(10)

    async def stop() -> None:
        listening.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # aborted transports close their sockets in the next round

    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _serve(delay: float) -> None:
    server = ProviderServer(usual(delay))
    server.keeps = False
    listening = await server.start()
    sys.stdout.write(json.dumps({"port": server.port}) + "\n")
    sys.stdout.flush()
    async with listening:
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


def main() -> None:
    """Serve until nobody needs it any more."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds until an answer")
    asyncio.run(_serve(parser.parse_args().delay))


if __name__ == "__main__":
    main()
