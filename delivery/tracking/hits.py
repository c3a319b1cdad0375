"""What a request for a pixel or a link showed, and how it travels through Redis to the database.

An entry of the stream holds the hits that one process took in at the same moment: its lines, who
wrote it (``origin``) and how many hits that origin had written before (``number``). So an entry
that comes twice is known, and a gap says how many hits were lost (`ingest`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import redis
from django.conf import settings

from delivery.states import EventKind

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
STREAM = "tracking:sightings"
# A bound on memory while nobody reads: beyond so many entries hits go to the spool.
LONGEST_STREAM = 50_000
LONGEST_USER_AGENT = 500
TIMEOUT = 0.5  # seconds; a reader waits for this
SEPARATOR = "\t"
KINDS = frozenset({EventKind.OPENED, EventKind.CLICKED, EventKind.UNSUBSCRIBED})
# Bits of a line's flags.
HEAD, LANGUAGE, PREFETCH, NO_ACCEPT = 1, 2, 4, 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """One request for a pixel or a link of a message, or a press of its unsubscribe button."""

    message_id: int
    kind: EventKind
    at: datetime
    ordinal: int = 0
    user_agent: str = ""
    ip: str = ""
    is_head: bool = False
    names_language: bool = True
    is_prefetch: bool = False
    names_accept: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """What stands under one id of the stream."""

    id: str
    lines: list[bytes]
    origin: str = ""
    number: int = 0

    @property
    def hits(self) -> list[Hit | None]:
        """Read the lines; None for one that can't be read."""
        return [decode(line) for line in self.lines]


@dataclass(slots=True)
class _Connection:
    address: str = ""
    client: redis.Redis | None = None


_connection = _Connection()


def client() -> redis.Redis:
    """Return this process's client, which gives up soon: readers don't wait for Redis."""
    if _connection.client is None or _connection.address != settings.REDIS_URL:
        _connection.address = settings.REDIS_URL
        _connection.client = redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT
        )
    return _connection.client


def push(hit: Hit) -> None:
    """Append a hit to the stream.

    Raises:
        redis.RedisError: Redis can't be reached or has no room.
    """
    client().xadd(STREAM, {"s": encode(hit)}, maxlen=LONGEST_STREAM, approximate=True)


def waiting(*, limit: int) -> list[Entry]:
    """Read the oldest entries of the stream.

    Raises:
        redis.RedisError: Redis can't be reached.
    """
    answer: Any = client().xrange(STREAM, count=limit)
    return [_entry(name.decode(), fields) for name, fields in answer]


def _entry(name: str, fields: dict[bytes, bytes]) -> Entry:
    lines = fields.get(b"h", fields.get(b"s", b"")).split(b"\n")
    number = fields.get(b"n", b"0")
    return Entry(
        id=name,
        lines=lines,
        origin=fields.get(b"o", b"").decode("ascii", "replace")[:40],
        number=int(number) if number.isdigit() else 0,
    )


def after(position: str, *, limit: int) -> list[tuple[str, Hit | None]]:
    """Read hits that follow a position, with their entries; None for one that can't be read.

    Raises:
        redis.RedisError: Redis can't be reached.
    """
    answer: Any = client().xrange(STREAM, min=f"({position}", count=limit)
    entries = [_entry(name.decode(), fields) for name, fields in answer]
    return [(entry.id, hit) for entry in entries for hit in entry.hits]


def forget(position: str) -> None:
    """Drop what stands up to a position, that entry too: it is in the database.

    Raises:
        redis.RedisError: Redis can't be reached.
    """
    moment, _, number = position.partition("-")
    client().xtrim(STREAM, minid=f"{moment}-{int(number) + 1}", approximate=False)


def is_before(one: str, other: str) -> bool:
    """Say whether an entry's id is not after another."""
    return _parts(one) <= _parts(other)


def _parts(name: str) -> tuple[int, int]:
    moment, _, number = name.partition("-")
    return int(moment), int(number or 0)


def encode(hit: Hit) -> str:
    """Write a hit as one line."""
    flags = (
        hit.is_head * HEAD
        | hit.names_language * LANGUAGE
        | hit.is_prefetch * PREFETCH
        | (not hit.names_accept) * NO_ACCEPT
    )
    parts = (
        hit.message_id,
        int(hit.kind),
        round(hit.at.timestamp() * 1000),
        hit.ordinal,
        flags,
        hit.ip,
        printable(hit.user_agent),
    )
    return SEPARATOR.join(map(str, parts))


def printable(user_agent: str) -> str:
    """Return a program's name as it fits into a line and into the database."""
    return "".join(
        letter if letter.isprintable() else " " for letter in user_agent[:LONGEST_USER_AGENT]
    )


def decode(line: bytes) -> Hit | None:
    """Read a line back; None when it is damaged."""
    try:
        message_id, kind, at, ordinal, flags, ip, user_agent = line.decode().split(SEPARATOR)
        bits = int(flags)
        return Hit(
            message_id=int(message_id),
            kind=_KIND_OF[kind],
            at=EPOCH + timedelta(milliseconds=int(at)),
            ordinal=int(ordinal),
            is_head=bool(bits & HEAD),
            names_language=bool(bits & LANGUAGE),
            is_prefetch=bool(bits & PREFETCH),
            names_accept=not bits & NO_ACCEPT,
            ip=ip,
            user_agent=user_agent,
        )
    except (ValueError, KeyError, OverflowError, OSError):
        return None


_KIND_OF = {str(int(kind)): kind for kind in KINDS}


def count(entries: Iterable[Entry]) -> int:
    """Say how many hits some entries hold."""
    return sum(len(entry.lines) for entry in entries)
