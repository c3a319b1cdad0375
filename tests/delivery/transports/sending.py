"""What the transport's tests share: a journal that checks the contract, and one `send`."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from delivery.sandbox import certificates
from delivery.sandbox.smtp_server import RunningServer
from delivery.transports.protocol import (
    JournalClosedError,
    Outcome,
    Outgoing,
    ServerTroubleError,
    Transport,
    Verdict,
    nothing,
)
from delivery.transports.smtp.settings import SmtpSettings, Timeouts, Tls
from delivery.transports.smtp.transport import SmtpTransport

BODY = b"Subject: News\r\nMessage-ID: <%d@news.example>\r\nX-Id: %d\r\n\r\nHello.\r\n"
# Nothing that a busy machine does on loopback takes so long; who tries out timeouts has their own.
PATIENT = Timeouts(
    connect=60, handshake=60, banner=60, command=60, data=60, block=60, final_dot=60, quit=0.5
)


@dataclass
class Journal:
    """Notes the order of what happens; fails where the contract is broken."""

    notes: list[tuple[str, int]] = field(default_factory=list)
    after: dict[int, int] = field(default_factory=dict)
    announced: set[int] = field(default_factory=set)
    confirmed: set[int] = field(default_factory=set)
    settled: dict[int, Outcome] = field(default_factory=dict)
    closes_at: int = 0  # after so many confirmations

    def announce(self, message_id: int, *, after: int = 0) -> None:
        """Note it."""
        assert after == 0 or after in self.announced
        self.announced.add(message_id)
        self.after[message_id] = after
        self.notes.append(("announce", message_id))

    def confirm(self, message_id: int) -> None:
        """Check that no other dot of this connection is in doubt."""
        assert message_id in self.announced
        if self.closes_at and len(self.confirmed) >= self.closes_at:
            raise JournalClosedError
        before = self.after[message_id]
        assert not before or before in self.settled, "two dots of one connection in doubt"
        self.confirmed.add(message_id)
        self.notes.append(("confirm", message_id))

    def settle(self, outcome: Outcome) -> None:
        """Check that what is said to be out was confirmed."""
        assert outcome.message_id in self.announced
        assert outcome.message_id not in self.settled
        if outcome.verdict in {Verdict.SENT, Verdict.UNKNOWN}:
            assert outcome.message_id in self.confirmed
        self.settled[outcome.message_id] = outcome
        self.notes.append(("settle", outcome.message_id))


@dataclass
class TimedJournal(Journal):
    """Notes when last bytes leave."""

    left_at: dict[int, float] = field(default_factory=dict)

    def confirm(self, message_id: int) -> None:
        """Note it."""
        super().confirm(message_id)
        self.left_at[message_id] = time.monotonic()


@dataclass
class Sent:
    """What one `send` did."""

    outcomes: dict[int, Outcome]
    pulled: list[int]
    journal: Journal
    trouble: ServerTroubleError | None
    seconds: float

    @property
    def verdicts(self) -> list[Verdict]:
        """What became of each mail, in the order they were pulled."""
        return [self.outcomes[number].verdict for number in self.pulled]

    def count(self, verdict: Verdict) -> int:
        """How many ended so."""
        return self.verdicts.count(verdict)


def mail(number: int, **changes: Any) -> Outgoing:
    plain = Outgoing(
        message_id=number,
        envelope_from=f"bounce+{number}@news.example",
        envelope_to=f"reader{number}@example.org",
        data=BODY % (number, number),
    )
    return replace(plain, **changes)


def mails(count: int) -> list[Outgoing]:
    return [mail(number) for number in range(1, count + 1)]


def transport(port: int, **changes: Any) -> SmtpTransport:
    settings = SmtpSettings(
        host="127.0.0.1",
        port=port,
        **{"tls": Tls.NONE, "timeouts": PATIENT, "max_connections": 4} | changes,
    )
    return SmtpTransport(settings)


def trusting(**changes: Any) -> dict[str, Any]:
    """Settings that trust the tests' authority."""
    return {"trusted": certificates.authority_pem(), "host": "localhost"} | changes


def send(
    server: RunningServer | int | SmtpTransport,
    letters: Iterable[Outgoing],
    *,
    journal: Journal | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    **changes: Any,
) -> Sent:
    """Send; every pulled mail must have exactly one outcome, whatever happens."""
    if isinstance(server, SmtpTransport):
        used, ours = server, False
    else:
        port = server if isinstance(server, int) else server.port
        host = changes.pop("host", "127.0.0.1")
        used, ours = transport(port, **changes), True
        if host != "127.0.0.1":
            used = SmtpTransport(replace(used.settings, host=host))
    try:
        return send_over(used, letters, journal=journal, should_stop=should_stop)
    finally:
        if ours:
            used.close()


def send_over(
    used: Transport,
    letters: Iterable[Outgoing],
    *,
    journal: Journal | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    keep_alive: Callable[[], object] = nothing,
) -> Sent:
    """Send over a transport; every pulled mail must have exactly one outcome."""
    notes = journal or Journal()
    outcomes: dict[int, Outcome] = {}
    pulled: list[int] = []
    trouble = None

    def record(outcome: Outcome) -> None:
        assert outcome.message_id not in outcomes
        outcomes[outcome.message_id] = outcome

    def pull() -> Iterable[Outgoing]:
        for letter in letters:
            pulled.append(letter.message_id)
            yield letter

    began = time.monotonic()
    try:
        used.send(
            iter(pull()),
            journal=notes,
            record=record,
            should_stop=should_stop,
            keep_alive=keep_alive,
        )
    except ServerTroubleError as error:
        trouble = error
    finally:
        assert set(outcomes) == set(pulled)
        assert notes.announced == set(notes.settled)
    return Sent(
        outcomes=outcomes,
        pulled=pulled,
        journal=notes,
        trouble=trouble,
        seconds=time.monotonic() - began,
    )
