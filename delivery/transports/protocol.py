"""What the pipeline and its transports say to each other."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class Outgoing:
    """One finished mail to one person.

    ``not_before`` (time.monotonic()): its last byte may not leave earlier; mails come in about
    that order, so that none waits long behind another.
    ``data`` is the whole RFC 5322 message with CRLF line ends, not dot-stuffed and without the
    final dot; ``needs_smtputf8``: an envelope address has non-ASCII letters before its @;
    ``has_no_dots``: it is known that no line begins with a dot, so nobody need search for one.
    """

    message_id: int  # the ledger's key (delivery.Message.id), not the Message-ID header
    envelope_from: str
    envelope_to: str
    data: bytes
    needs_smtputf8: bool = False
    has_no_dots: bool = False
    not_before: float = 0.0


def nothing() -> None:
    """Keep nothing alive: for who sends without a lease."""


class Verdict(Enum):
    """What became of one mail."""

    SENT = "sent"  # accepted: 2xx after the final dot
    DEFERRED = "deferred"  # 4xx, or the connection broke before the final dot: try again later
    FAILED = "failed"  # 5xx for this mail
    UNKNOWN = "unknown"  # the connection broke after the final dot, before a reply
    NOT_SENT = "not_sent"  # pulled but not handed over (shutdown, pause): stays planned


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What the server said about one mail (RFC 5321 reply code, RFC 3463 enhanced status)."""

    message_id: int
    verdict: Verdict
    code: int = 0
    enhanced: str = ""
    text: str = ""
    provider_id: str = ""


class ServerTroubleError(Exception):
    """The server itself is in trouble: nobody's mail failed, the account's breaker opens.

    ``sentence`` says it for people ("smtp.example.com refuses the password"); ``retry_after`` is
    in seconds where the server named a time, else None; ``permanent``: only a human can mend it;
    ``is_patience``: it works, and only asks for fewer mails a second (HTTP 429).
    """

    def __init__(
        self,
        sentence: str,
        *,
        retry_after: float | None = None,
        permanent: bool = False,
        is_patience: bool = False,
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.retry_after = retry_after
        self.permanent = permanent
        self.is_patience = is_patience


class JournalClosedError(Exception):
    """The journal is lost, or somebody else took the claim over: no further final dot may go out.

    A transport lets the mails whose dot is out get their answers, hands over nothing else (those
    pulled are NOT_SENT), and raises this once every pulled mail has its outcome.
    """


class HandOverJournal(Protocol):
    """Survives the process: which mails had their final dot on the wire, and what was answered."""

    def announce(self, message_id: int, *, after: int = 0) -> None:
        """Note that this mail's final dot may go out soon; returns at once.

        ``after``: the mail before it on the same connection, whose answer is still to come (0:
        none). This mail's final dot goes out only once that one is settled, so of the two only one
        can be in doubt after a crash. A mail may be announced again, when it moves to another
        connection: the last announcement counts.
        """

    def confirm(self, message_id: int) -> None:
        """Return only when the note is safe outside this process (call before the final dot).

        Raises:
            JournalClosedError: this mail's final dot must not go out.
        """

    def settle(self, outcome: Outcome) -> None:
        """Note the server's answer; returns at once."""


class Transport(Protocol):
    """Sends mails over as many connections as it was given."""

    @property
    def opened(self) -> int:
        """How many connections (of a provider: requests) are open at this moment."""

    def limit(self, connections: int) -> None:
        """Use so many connections at most from now on, also within `send`; 0: none for now.

        Those beyond close as soon as their mails are through.
        """

    def send(
        self,
        mails: Iterator[Outgoing],
        *,
        journal: HandOverJournal,
        record: Callable[[Outcome], None],
        should_stop: Callable[[], bool],
        keep_alive: Callable[[], object] = nothing,
    ) -> None:
        """Pull mails one by one as connections fall free; call ``record`` once for each pulled.

        Pulling stops when ``should_stop()`` turns true; what is on the wire is finished first.
        ``keep_alive`` is called several times a second until the last answer has come, also after
        the last mail was pulled and after a stop.

        Raises:
            ServerTroubleError: after every pulled mail got its outcome.
            JournalClosedError: likewise; ``journal.confirm`` raised it.
        """

    def close(self) -> None:
        """Say goodbye and close idle connections."""
