"""The journal of hand-overs: what a killed worker leaves behind so that nobody has to guess.

One Redis list per claim. Its first entry is a header, written before the claim is taken. ``12``
says that message 12's final dot may go out, ``12<11`` that it does so only once 11 is answered on
the same connection, ``12=sent|250|2.0.0||…`` is the server's answer; ``v3`` is the content version.

Entries are pushed with RPUSHX, which does nothing when the list is gone: whoever takes a claim over
renames its list first, and from then on the former owner can't hand over anything more, however
late it wakes up. An answer reaches Redis no later than the confirmation of the next hand-over on
its connection, so at most one message per connection is ever in doubt.
"""

import contextlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import redis
from django.conf import settings

from delivery.processes import coordination
from delivery.transports.protocol import JournalClosedError, Outcome, Verdict

KEEP_SECONDS = 14 * 24 * 3600  # a journal nobody asked for is dropped then
TIMEOUT_SECONDS = 5.0
HEADER = b"warta-journal-1"
_KEY = "warta:journal:"
_TAKEN = "warta:journal-taken:"


@dataclass(frozen=True, kw_only=True, slots=True)
class JournalFindings:
    """What a journal says about a claim: answers, and the messages whose dot may be out."""

    answers: dict[int, Outcome] = field(default_factory=dict)
    doubtful: frozenset[int] = frozenset()
    version: int | None = None  # of the content


class JournalConnection:
    """One sending process's own connection to Redis, for one claim's journal at a time.

    redis-py connects (unix socket, TCP, TLS, passwords); the two commands of the hot path are
    written to the socket directly, which costs a fifth of going through the client.
    """

    def __init__(self) -> None:
        self._connection: Any = None
        self._socket: Any = None
        self.epoch = ""
        self._spare = ""

    def open(self) -> str:
        """Write the header of a new journal and return its token.

        Raises:
            JournalClosedError: Redis does not answer.
        """
        if self._spare:
            return self._spare
        token = secrets.token_hex(12)
        try:
            if self._connection is None:
                self._connect()
            self._command("RPUSH", _KEY + token, HEADER)
            self._command("EXPIRE", _KEY + token, KEEP_SECONDS)
        except (redis.RedisError, OSError) as error:
            self.close()
            raise JournalClosedError from error
        self._spare = token
        return token

    def use(self, token: str, *, version: int) -> "Journal":
        """Return the journal of a claim that was taken with ``token``, for this content version."""
        self._spare = ""
        return Journal(self, token, version=version)

    def exchange(self, data: bytes) -> bytes:
        """Send one command and return its answer line without the line end."""
        if self._socket is None:
            raise JournalClosedError
        try:
            self._socket.sendall(data)
            answer = self._socket.recv(4096)
            while answer and not answer.endswith(b"\r\n"):
                answer += self._socket.recv(4096)
        except OSError as error:
            self.close()
            raise JournalClosedError from error
        if not answer:
            self.close()
            raise JournalClosedError
        return bytes(answer[:-2])

    def close(self) -> None:
        """Hang up; the next journal connects anew."""
        if self._connection is not None:
            with contextlib.suppress(redis.RedisError, OSError):
                self._connection.disconnect()
        self._connection = self._socket = None
        self._spare = ""

    def _connect(self) -> None:
        pool = redis.ConnectionPool.from_url(
            settings.REDIS_URL,
            protocol=2,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
        )
        self._connection = pool.make_connection()
        self._connection.connect()
        self._socket = self._connection._sock  # noqa: SLF001 - see the class
        self.epoch = epoch()

    def _command(self, *words: Any) -> Any:
        self._connection.send_command(*words)
        return self._connection.read_response()


class Journal:
    """One claim's journal, as its owner writes it (a `HandOverJournal`)."""

    def __init__(self, line: JournalConnection, token: str, *, version: int) -> None:
        self._line = line
        key = (_KEY + token).encode()
        self._push = b"\r\n$6\r\nRPUSHX\r\n$%d\r\n%b\r\n" % (len(key), key)
        self._waiting = [b"v%d" % version]
        self.is_closed = False

    def announce(self, message_id: int, *, after: int = 0) -> None:
        """Note that this mail's final dot may go out soon; see `HandOverJournal`."""
        self._waiting.append(b"%d<%d" % (message_id, after) if after else b"%d" % message_id)

    def confirm(self, message_id: int) -> None:  # noqa: ARG002 - everything noted so far is made safe
        """Return once all that was noted has reached Redis and its append-only file.

        Raises:
            JournalClosedError: Redis is away, lost the journal, or the claim was taken over.
        """
        if self._waiting or self.is_closed:
            self.flush()

    def settle(self, outcome: Outcome) -> None:
        """Note the server's answer; it is on its way with the next confirmation."""
        text = outcome.text if outcome.verdict is not Verdict.SENT else ""
        self._waiting.append(
            f"{outcome.message_id}={outcome.verdict.value}|{outcome.code}|{outcome.enhanced}|"
            f"{outcome.provider_id.replace('|', ' ')}|{text}".encode("utf-8", "replace")
        )

    def flush(self) -> None:
        """Push what waits.

        Raises:
            JournalClosedError: Redis is away, lost the journal, or the claim was taken over.
        """
        if self.is_closed:
            raise JournalClosedError
        waiting = self._waiting
        if not waiting:
            return
        self._waiting = []
        values = b"".join([b"$%d\r\n%b\r\n" % (len(value), value) for value in waiting])
        try:
            answer = self._line.exchange(b"*%d" % (len(waiting) + 2) + self._push + values)
        except JournalClosedError:
            self.is_closed = True
            raise
        if answer == b":0" or not answer.startswith(b":"):
            self.is_closed = True
            raise JournalClosedError


def epoch() -> str:
    """Name the run of Redis and whether it keeps an append-only file: ``run:1`` or ``run:0``."""
    info = coordination.client()
    run = info.info("server")["run_id"]
    keeps = info.info("persistence").get("aof_enabled", 0)
    return f"{run}:{keeps}"


def take_over(token: str, written_in: str) -> JournalFindings | None:
    """Close a journal to its owner for good and read it; None: it is lost. Can be repeated.

    ``written_in`` is the `epoch` of its beginning: a Redis that has restarted without an
    append-only file may have brought back an old state of the list, which is as bad as none.
    """
    server = coordination.client()
    with contextlib.suppress(redis.ResponseError):  # no such key: taken before, or lost
        server.rename(_KEY + token, _TAKEN + token)
    entries: list[Any] = server.lrange(_TAKEN + token, 0, -1)
    run, _, keeps = written_in.partition(":")
    if not entries or entries[0] != HEADER:
        return None
    if keeps != "1" and epoch().partition(":")[0] != run:
        return None
    return read(entries[1:])


def read(entries: Iterable[bytes]) -> JournalFindings:
    """Work out what a journal's entries say."""
    dots: dict[int, int] = {}
    answers: dict[int, Outcome] = {}
    version: int | None = None
    for entry in entries:
        words = entry.decode("utf-8", "replace")
        if words.startswith("v"):
            version = int(words[1:])
        elif "=" in words:
            outcome = _outcome(words)
            answers[outcome.message_id] = outcome
        else:
            message, _, after = words.partition("<")
            dots[int(message)] = int(after or 0)
    return JournalFindings(
        answers=answers,
        doubtful=frozenset(
            message
            for message, after in dots.items()
            # Waiting behind a mail that was announced and never answered: it never went out.
            if message not in answers and not (after in dots and after not in answers)
        ),
        version=version,
    )


def _outcome(words: str) -> Outcome:
    message, _, rest = words.partition("=")
    verdict, code, enhanced, provider_id, text = rest.split("|", 4)
    return Outcome(
        message_id=int(message),
        verdict=Verdict(verdict),
        code=int(code),
        enhanced=enhanced,
        provider_id=provider_id,
        text=text,
    )


def drop(token: str) -> None:
    """Forget a journal whose every entry is recorded and committed."""
    with contextlib.suppress(redis.RedisError):  # it expires by itself
        coordination.client().unlink(_KEY + token, _TAKEN + token)


def handed_over(tokens: Iterable[str]) -> int:
    """Count the messages of held claims whose dot may be out and whose answer is not in yet."""
    count = 0
    with coordination.client().pipeline(transaction=False) as pipe:
        for token in tokens:
            pipe.lrange(_KEY + token, -64, -1)  # the open ones are the last: one per connection
        for entries in pipe.execute():
            count += len(read(entry for entry in entries if entry != HEADER).doubtful)
    return count
