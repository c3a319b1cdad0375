"""Marks outside of the database: in Redis and in DATA_DIR, how far it was when it was seen last.

Both are written after the database has committed, so neither is ever ahead of it, unless it went
back in time. A mark vouches for a database by its key; losing one of them means nothing.
"""

import hashlib
import json
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import redis
from django.conf import settings

FILE: Final = "installation"  # in DATA_DIR: which machine and folder it was made for, never renewed
PULSE: Final = "installation.pulse"
_REDIS: Final = "warta:installation:"
_MACHINE: Final = Path("/etc/machine-id")


@dataclass(frozen=True, kw_only=True, slots=True)
class Outside:
    """What is known outside: the highest pulse of a key (None: nothing vouches for it).

    ``is_copied``: DATA_DIR was made by copying that of the same key. ``is_complete``: False when
    Redis does not answer, so that a missing mark says nothing. ``other``: DATA_DIR belongs to
    another key.
    """

    pulse: int | None = None
    is_copied: bool = False
    is_complete: bool = True
    other: str = ""


@cache
def _client(_process: int) -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)


def _redis() -> redis.Redis:
    return _client(os.getpid())


def read(key: str) -> Outside:
    """Read what is known of a key. Must be read before the database is."""
    pulses = []
    is_complete = True
    try:
        found = _redis().get(_REDIS + key)
        if found is not None:
            pulses.append(int(found))
    except (redis.RedisError, ValueError):
        is_complete = False
    folder = Path(settings.MARKS_DIR)
    place, seen = _json(folder / FILE), _json(folder / PULSE)
    is_ours = bool(key) and place.get("key") == key
    is_elsewhere = is_ours and _is_elsewhere(folder / FILE, place)
    if is_ours and not is_elsewhere and seen.get("key") == key:
        with suppress(TypeError, ValueError):
            pulses.append(int(seen["pulse"]))
    return Outside(
        pulse=max(pulses, default=None),
        # Elsewhere than in DATA_DIR, the database is none the older for a copy of it.
        is_copied=is_elsewhere and settings.DATABASE_IS_EMBEDDED,
        is_complete=is_complete,
        other="" if is_ours else str(place.get("key", "")),
    )


def write(key: str, pulse: int) -> None:
    """Note how far the database is, after it has committed that. Whoever cannot write, does not."""
    with suppress(redis.RedisError):
        _redis().set(_REDIS + key, pulse)
    folder = Path(settings.MARKS_DIR)
    with suppress(OSError):
        place = _json(folder / FILE)
        if place.get("key") != key or _is_elsewhere(folder / FILE, place):
            settle(key)
        _replace(folder / PULSE, {"key": key, "pulse": pulse})


def settle(key: str) -> None:
    """Write down that this folder, as it is now, belongs to the database with this key."""
    path = Path(settings.MARKS_DIR) / FILE
    with suppress(OSError):
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            # The number of the file itself: a copy of the folder has another one.
            place = {"key": key, "file": os.fstat(descriptor).st_ino, "machine": _machine()}
            json.dump(place, file)


def _is_elsewhere(path: Path, place: dict[str, Any]) -> bool:
    try:
        number = path.stat().st_ino
    except OSError:
        return False
    known, here = str(place.get("machine", "")), _machine()
    return place.get("file") != number or bool(known and here and known != here)


@cache
def _machine() -> str:
    try:
        name = _MACHINE.read_bytes().strip()
    except OSError:
        return ""
    return hashlib.blake2b(name, digest_size=8, person=b"warta-machine").hexdigest() if name else ""


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _replace(path: Path, content: dict[str, Any]) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".pulse.")
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        json.dump(content, file)
    Path(name).replace(path)
