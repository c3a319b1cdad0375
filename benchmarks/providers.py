"""The transport of providers' APIs: so many requests at once to a server that needs 80 ms for each.

The ideal is the number of open requests divided by the answer's time. An 18 kB two-part mail to
everybody; the server on loopback runs in a process of its own. MESSAGES (default 2,000 for each
number of connections) and DELAY (default 0.08 s) choose the size.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import django

from benchmarks._machine import figure
from benchmarks.smtp import LINE, SIZE, NoJournal

MESSAGES = int(os.environ.get("MESSAGES", "2000"))
DELAY = float(os.environ.get("DELAY", "0.08"))
CONNECTIONS = (8, 20)
HEAD = (
    b"From: Kopi Senja <news@kopisenja.example>\r\nTo: reader@example.org\r\nSubject: News\r\n"
    b"Message-ID: <token%d@kopisenja.example>\r\nX-Warta-Message: token%d\r\n"
    b"List-Unsubscribe: <https://warta.example/u/abc/>\r\n"
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/alternative; boundary="=_x"\r\n\r\n'
)
PART = (
    b"--=_x\r\nContent-Type: text/%s; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\n%s\r\n"
)


@contextmanager
def server() -> Iterator[str]:
    """Run the provider in another process and return its address."""
    process = subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, "-m", "delivery.sandbox.provider_server", "--delay", str(DELAY)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    assert process.stdin is not None  # noqa: S101
    try:
        yield f"http://127.0.0.1:{json.loads(process.stdout.readline())['port']}/"
    finally:
        process.stdin.close()
        process.wait(10)


def mails(count: int) -> Iterator["object"]:
    """Make mails that differ in their mark only."""
    from delivery.transports.protocol import Outgoing

    text = LINE * (SIZE // len(LINE) // 3)
    body = PART % (b"plain", text) + PART % (b"html", text * 2) + b"--=_x--\r\n"
    for number in range(1, count + 1):
        yield Outgoing(
            message_id=number,
            envelope_from="news@kopisenja.example",
            envelope_to=f"reader{number}@example.org",
            data=HEAD % (number, number) + body,
        )


def measure(address: str, provider: str, keys: dict[str, str], connections: int) -> None:
    """Send, and print the rate, its share of the ideal, and what it cost."""
    from delivery.transports.protocol import Verdict
    from delivery.transports.providers.backend import AnymailTransport
    from delivery.transports.providers.request import ProviderSettings

    settings = ProviderSettings(
        provider=provider, arguments=keys | {"api_url": address}, max_connections=connections
    )
    transport = AnymailTransport(settings)
    counts = dict.fromkeys(Verdict, 0)

    def record(outcome: "object") -> None:
        counts[outcome.verdict] += 1  # type: ignore[attr-defined]  # an Outcome

    options = {"journal": NoJournal(), "record": record, "should_stop": lambda: False}
    transport.send(mails(connections), **options)  # connections are open, libraries loaded
    began, cpu = time.perf_counter(), time.process_time()
    transport.send(mails(MESSAGES), **options)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    transport.close()
    if counts[Verdict.SENT] != MESSAGES + connections:
        raise SystemExit(f"not everything was sent: {counts}")
    rate, ideal = MESSAGES / seconds, connections / DELAY
    name = f"provider_{provider}_{connections}_requests"
    figure(f"{name}_messages_per_second", rate, "1/s")
    figure(f"{name}_share_of_ideal", rate / ideal, "1")
    figure(f"{name}_cpu_per_100000", cpu / MESSAGES * 100_000, "s")


def main() -> None:
    """Measure a provider that takes parts, and one that takes the whole mail through boto3."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.conf import settings

    settings.OWN_PROVIDERS = ["127.0.0.1"]
    amazon = {"access_key_id": "AKID", "secret_access_key": "secret", "region": "eu-central-1"}
    with server() as address:
        for connections in CONNECTIONS:
            measure(address, "sendgrid", {"api_key": "key"}, connections)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        figure("provider_peak_memory", memory, "MB")
        measure(address, "amazon_ses", amazon, CONNECTIONS[0])
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        figure("provider_peak_memory_with_boto3", memory, "MB")


if __name__ == "__main__":
    main()
