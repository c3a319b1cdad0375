"""How many opens and clicks are answered and ingested: ``python -m benchmarks.tracking``.

The web server as ``make run`` starts it, one process, on a database and a Redis of its own; four
connections kept open by a second process. Then the stream that came of it is ingested.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from datetime import timedelta
from multiprocessing import Pool
from pathlib import Path

SECONDS = 4.0
CONNECTIONS = 4
MESSAGES = 2_000
LINKS = 5
FIRSTS = 20_000
HEADERS = (
    "Host: 127.0.0.1\r\nAccept-Language: en\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0\r\n\r\n"
)


def main() -> None:
    """Print one JSON line per figure."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="warta-bench-"))
        os.environ["DATA_DIR"] = folder
        os.environ["PORT"] = str(_free_port())
        os.environ["WEB_WORKERS"] = "1"
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        for name in ("DATABASE_URL", "REDIS_URL"):
            os.environ.pop(name, None)
        from config.runtime import embedded

        stack.enter_context(embedded.services(Path(folder)))
        opens, clicks = _addresses()
        web = subprocess.Popen(
            [sys.executable, "-m", "config.server.web"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        stack.callback(web.wait)
        stack.callback(web.terminate)
        _wait()
        _print("track_open", _load(opens), "requests/s")
        _print("track_click", _load(clicks), "requests/s")
        _print("ingest_events", _ingest(), "events/s")
        _print("firsts_of_one_statement", _firsts(), "messages/s")


def _firsts() -> float:
    """Open many mails of one minute in one statement; return messages a second."""
    from django.db import connection
    from django.utils import timezone

    from campaigns.models import Campaign
    from delivery.models import Message
    from delivery.states import MessageState

    campaign = Campaign.objects.create(workspace_id=Campaign.objects.get().workspace_id, name="One")
    sent = timezone.now()
    Message.objects.bulk_create(
        Message(campaign=campaign, subscriber_id=number, state=MessageState.SENT, attempted_at=sent)
        for number in range(FIRSTS)
    )
    start = time.perf_counter()
    Message.objects.filter(campaign=campaign).update(opened_at=timezone.now())
    seconds = time.perf_counter() - start
    connection.close()
    return FIRSTS / seconds


def _print(name: str, value: float, unit: str) -> None:
    print(json.dumps({"name": name, "value": round(value), "unit": unit}))  # noqa: T201 - its purpose


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _addresses() -> tuple[list[str], list[str]]:
    """Make the schema and a campaign that was sent; return paths to ask for."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection
    from django.utils import timezone

    from accounts.models import Workspace
    from campaigns.models import Campaign, Link
    from delivery.mime import tokens
    from delivery.models import Message
    from delivery.states import MessageState

    call_command("migrate", verbosity=0)
    workspace = Workspace.objects.create(name="Bench", slug="bench")
    campaign = Campaign.objects.create(workspace=workspace, name="Bench")
    for number in range(1, LINKS + 1):
        Link.objects.create(campaign=campaign, ordinal=number, url=f"https://example.com/{number}")
    sent = timezone.now() - timedelta(hours=1)
    Message.objects.bulk_create(
        Message(campaign=campaign, subscriber_id=number, state=MessageState.SENT, attempted_at=sent)
        for number in range(1, MESSAGES + 1)
    )
    ids = list(Message.objects.values_list("pk", flat=True))
    connection.close()
    marks = [tokens.make(pk, tokens.Purpose.TRACK) for pk in ids]
    return (
        [f"/o/{mark}.gif" for mark in marks],
        [f"/c/{mark}/{number % LINKS + 1}/" for number, mark in enumerate(marks)],
    )


def _wait() -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        with suppress(OSError), socket.create_connection(("127.0.0.1", _port())):
            return
        time.sleep(0.1)
    sys.exit("the web server did not start")


def _port() -> int:
    return int(os.environ["PORT"])


def _load(paths: list[str]) -> float:
    """Ask for paths over several connections for some seconds; return answers a second."""
    with Pool(1) as pool:
        return float(pool.apply(_ask, (paths, _port())))


def _ask(paths: list[str], port: int) -> float:
    connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(CONNECTIONS)]
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < SECONDS:
        for number, one in enumerate(connections):
            path = paths[(count + number) % len(paths)]
            one.sendall(f"GET {path} HTTP/1.1\r\n{HEADERS}".encode())
        for one in connections:
            answer = _read(one)
            if not answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 302")):
                sys.exit(f"unexpected answer: {answer[:100]!r}")
            count += 1
    took = time.perf_counter() - start
    for one in connections:
        one.close()
    return count / took


def _read(connection: socket.socket) -> bytes:
    """Read one whole answer."""
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


def _ingest() -> float:
    from delivery.tracking import ingest

    start, count = time.perf_counter(), 0
    while read := ingest.next_batch():
        count += read
    return count / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
