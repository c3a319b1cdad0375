"""What a view saw, and how it travels through a Redis stream to the database."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import redis
from django.conf import settings

from delivery.states import EventKind

STREAM = "tracking:sightings"
# A bound on memory while nobody reads: about 150 bytes each.
LONGEST_STREAM = 2_000_000
LONGEST_USER_AGENT = 500
TIMEOUT = 0.5  # seconds; a reader waits for this
SEPARATOR = "\t"


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """One request for a pixel or a link of a message."""

    message_id: int
    kind: EventKind
    at: datetime
    ordinal: int = 0
    user_agent: str = ""
    ip: str = ""
    is_head: bool = False
    names_language: bool = True


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


def after(position: str, *, limit: int) -> list[tuple[str, Hit | None]]:
    """Read entries that follow a position, with their own; None for one that can't be read.

    Raises:
        redis.RedisError: Redis can't be reached.
    """
    answer: Any = client().xread({STREAM: position}, count=limit)
    entries = answer[0][1] if answer else []
    return [(entry.decode(), decode(fields.get(b"s", b""))) for entry, fields in entries]


def forget(position: str) -> None:
    """Drop what stands up to a position, that entry too: it is in the database.

    Raises:
        redis.RedisError: Redis can't be reached.
    """
    moment, _, number = position.partition("-")
    client().xtrim(STREAM, minid=f"{moment}-{int(number) + 1}", approximate=False)


def encode(hit: Hit) -> str:
    """Write a hit as one line."""
    flags = hit.is_head | hit.names_language << 1
    user_agent = "".join(
        letter if letter.isprintable() else " " for letter in hit.user_agent[:LONGEST_USER_AGENT]
    )
    parts = (
        hit.message_id,
        int(hit.kind),
        round(hit.at.timestamp() * 1000),
        hit.ordinal,
        flags,
        hit.ip,
        user_agent,
    )
    return SEPARATOR.join(map(str, parts))


def decode(line: bytes) -> Hit | None:
    """Read a line back; None when it is damaged."""
    try:
        message_id, kind, at, ordinal, flags, ip, user_agent = line.decode().split(SEPARATOR)
        return Hit(
            message_id=int(message_id),
            kind=EventKind(int(kind)),
            at=datetime.fromtimestamp(int(at) / 1000, tz=UTC),
            ordinal=int(ordinal),
            is_head=bool(int(flags) & 1),
            names_language=bool(int(flags) & 2),
            ip=ip,
            user_agent=user_agent,
        )
    except ValueError:
        return None
