"""How many events of providers are taken in, and applied: ``python -m benchmarks.webhooks``.

The web server as ``make run`` starts it, one process, on a database and a Redis of its own. A
second process posts over four connections that stay open: batches as SendGrid sends them, and one
event in each request, as Postmark does. Then what came is applied to its mails.
"""

import base64
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from multiprocessing import Pool
from pathlib import Path
from typing import Any

from benchmarks._machine import figure
from benchmarks._web import free_port, port, read, wait

SECONDS = 6.0
CONNECTIONS = 4
BATCH = 500
PEOPLE = 20_000
PASSWORD = "warta:benchmark"  # noqa: S105 - of a database that is thrown away


def main() -> None:
    """Print one JSON line per figure."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="warta-bench-"))
        os.environ["DATA_DIR"] = folder
        os.environ["PORT"] = str(free_port())
        os.environ["WEB_WORKERS"] = "1"
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        for name in ("DATABASE_URL", "REDIS_URL"):
            os.environ.pop(name, None)
        from config.runtime import embedded

        stack.enter_context(embedded.services(Path(folder)))
        batches, singles = _addresses()
        web = subprocess.Popen(
            [sys.executable, "-m", "config.server.web"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        stack.callback(web.wait)
        stack.callback(web.terminate)
        wait()
        for name, path, size in (("in_batches", batches, BATCH), ("one_by_one", singles, 1)):
            before, kept = _cpu(web.pid), _kept()
            figure(f"webhooks_{name}", _load(path, size), "events/s")
            spent = (_cpu(web.pid) - before) / max(1, _kept() - kept)
            # What a busy machine cannot blur: with it, one core takes in so many.
            figure(f"webhooks_{name}_of_one_core", 1 / spent, "events/s")
        figure("webhooks_kept", _kept(), "events")
        figure("webhooks_applied", _applied(), "events/s")


def _addresses() -> tuple[str, str]:
    """Make the schema, a campaign that was sent, and two accounts; return their addresses."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection
    from django.utils import timezone

    from accounts.models import Workspace
    from campaigns.models import Campaign
    from delivery.events.webhooks import credentials
    from delivery.models import Message, SendingAccount
    from delivery.states import MessageState

    call_command("migrate", verbosity=0)
    workspace = Workspace.objects.create(name="Bench", slug="bench")
    campaign = Campaign.objects.create(workspace=workspace, name="Bench")
    Message.objects.bulk_create(
        Message(
            campaign=campaign,
            subscriber_id=number,
            state=MessageState.SENT,
            attempted_at=timezone.now(),
            provider_id=f"mail-{number}",
        )
        for number in range(PEOPLE)
    )
    paths = []
    for provider in ("sendgrid", "postmark"):
        account = SendingAccount.objects.create(
            workspace=workspace, name=provider, kind="anymail", provider=provider
        )
        address = credentials.address_of(account)
        credentials.write(address, credentials.Credentials(passwords=(PASSWORD,)))
        paths.append(f"/hooks/{address.token}/")
    connection.close()
    return paths[0], paths[1]


def _event(number: int, size: int) -> Any:
    if size == 1:
        return {
            "RecordType": "Delivery",
            "MessageID": f"mail-{number % PEOPLE}",
            "Recipient": f"reader{number}@example.org",
            "DeliveredAt": "2026-11-30T10:00:00Z",
            "Details": "smtp;250 2.0.0 OK",
            "ID": number,
            "Metadata": {},
        }
    return {
        "event": "delivered",
        "sg_event_id": f"event-{number}",
        "sg_message_id": f"sg{number}.filter0001.16648.5515E0B88.0",
        "anymail_id": f"mail-{number % PEOPLE}",
        "smtp-id": f"<{number}@bench.example>",
        "email": f"reader{number}@example.org",
        "timestamp": 1_764_000_000,
        "response": "250 2.0.0 OK",
    }


def _load(path: str, size: int) -> float:
    """Post over several connections for some seconds; return events taken in a second."""
    with Pool(1) as pool:
        return float(pool.apply(_post, (path, size, port())))


def _post(path: str, size: int, port: int) -> float:
    credentials = base64.b64encode(PASSWORD.encode()).decode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Authorization: Basic {credentials}\r\nContent-Length: "
    )
    connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(CONNECTIONS)]
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < SECONDS:
        for one in connections:
            events = [_event(count + number, size) for number in range(size)]
            body = json.dumps(events[0] if size == 1 else events)
            one.sendall(f"{head}{len(body)}\r\n\r\n{body}".encode())
            count += size
        for one in connections:
            answer = read(one)
            if not answer.startswith(b"HTTP/1.1 200"):
                sys.exit(f"unexpected answer: {answer[:100]!r}")
    took = time.perf_counter() - start
    for one in connections:
        one.close()
    return count / took


def _cpu(pid: int) -> float:
    """Return the CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _kept() -> int:
    from delivery.models import ProviderEvent

    return ProviderEvent.objects.count()


def _applied() -> float:
    from delivery.events.webhooks import taking

    start, count = time.perf_counter(), 0
    while (taken := taking.next_batch()) and count < PEOPLE:
        count += taken
    return count / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
