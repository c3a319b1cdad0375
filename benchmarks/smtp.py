"""The SMTP transport alone: ready-made mails of 18 kB into Postfix's smtp-sink, one process.

Beside it, to the same sink, Postfix's C client with ten connections; MESSAGES (default 60,000).
"""

import os
import statistics
import time
from collections.abc import Iterator

from benchmarks import _machine
from benchmarks._machine import figure
from delivery.sandbox.smtp_server import running
from delivery.transports.protocol import Outcome, Outgoing, Verdict
from delivery.transports.smtp.settings import SmtpSettings, Tls
from delivery.transports.smtp.transport import SmtpTransport

MESSAGES = int(os.environ.get("MESSAGES", "60000"))
CONNECTIONS = 10
SIZE = 18_000
ROUNDS = 3
LINE = b"Selamat pagi. A quoted-printable line of a newsletter, as long as they come=3D=\r\n"


class NoJournal:
    """Costs nothing, so that only the transport is measured."""

    def announce(self, message_id: int, *, after: int = 0) -> None:
        """Note nothing."""

    def confirm(self, message_id: int) -> None:
        """Note nothing."""

    def settle(self, outcome: Outcome) -> None:
        """Note nothing."""


def mails(count: int) -> Iterator[Outgoing]:
    """Make mails that differ in their envelope only."""
    data = b"Subject: News\r\n\r\n" + LINE * (SIZE // len(LINE))
    for number in range(1, count + 1):
        yield Outgoing(
            message_id=number,
            envelope_from="bounce@news.example",
            envelope_to=f"reader{number}@example.org",
            data=data,
        )


def rate(port: int, *, count: int) -> tuple[float, float]:
    """Send; return mails per second and microseconds of processor time per mail."""
    sent = 0

    def record(outcome: Outcome) -> None:
        nonlocal sent
        sent += outcome.verdict is Verdict.SENT

    settings = SmtpSettings(
        host="127.0.0.1",
        port=port,
        tls=Tls.NONE,
        max_connections=CONNECTIONS,
        messages_per_connection=count,
    )
    transport = SmtpTransport(settings)
    began, cpu = time.perf_counter(), time.process_time()
    transport.send(mails(count), journal=NoJournal(), record=record, should_stop=lambda: False)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    transport.close()
    if sent != count:
        raise SystemExit(f"only {sent} of {count} were sent")
    return count / seconds, cpu / count * 1e6


def main() -> None:
    """Take turns, so that what else the machine does falls on both alike."""
    ours, theirs, costs = [], [], []
    with _machine.sink() as port:
        for _ in range(ROUNDS):
            per_second, cost = rate(port, count=MESSAGES)
            ours.append(per_second)
            costs.append(cost)
            theirs.append(_machine.smtp_source(port, messages=MESSAGES, size=SIZE))
    best, source = statistics.median(ours), statistics.median(theirs)
    figure("smtp_transport_messages_per_second", best, "1/s")
    figure("smtp_transport_cpu_per_100000", statistics.median(costs) / 10, "s")
    figure("smtp_transport_ratio_to_smtp_source", best / source, "1")
    with running() as server:
        own, _cost = rate(server.port, count=MESSAGES // 3)
    figure("test_server_messages_per_second", own, "1/s")


if __name__ == "__main__":
    main()
