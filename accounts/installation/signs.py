"""Signs that a database is not simply the one that worked here a moment ago.

`judge` decides, from what the database says of itself, what the server says of it, and what is
known outside. docs/decisions/0080-detect-restored-databases.md has the whole table.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from accounts.installation.marks import Outside
from accounts.models import Installation

AWAY_FOR: Final = timedelta(hours=1)
Because = Installation.Because


@dataclass(frozen=True, kw_only=True, slots=True)
class Inside:
    """What the database's row says: where it was when it was written, and how far."""

    cluster: str
    home: str
    timeline: int
    pulse: int
    pulse_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """Where the row is now; an empty ``cluster`` or a timeline of 0 could not be found out.

    ``is_synchronous``: a replica that takes over has all that was committed.
    """

    cluster: str
    home: str
    timeline: int
    now: datetime
    is_synchronous: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class UnderWay:
    """Whether anything would be sent by itself: now, or now or later."""

    now: bool
    at_all: bool


def judge(
    inside: Inside, server: Server, outside: Outside, under_way: Callable[[], UnderWay]
) -> Installation.Because | None:
    """Say why nothing may be sent before a person has looked; None: all is as it was.

    ``under_way`` is asked only where it matters.
    """
    signs: dict[Installation.Because, Callable[[], bool]] = {
        Because.RESTORED: lambda: (
            inside.home != server.home or _differ(inside.cluster, server.cluster)
        ),
        Because.WENT_BACK: lambda: outside.pulse is not None and outside.pulse > inside.pulse,
        Because.COPIED: lambda: outside.is_copied and under_way().at_all,
        Because.UNKNOWN_HERE: lambda: (
            outside.pulse is None and not outside.is_copied and outside.is_complete
        ),
        Because.PROMOTED: lambda: (
            _differ(inside.timeline, server.timeline)
            and not server.is_synchronous
            and under_way().now
        ),
        Because.AWAY: lambda: server.now - inside.pulse_at > AWAY_FOR and under_way().now,
    }
    return next((because for because, is_there in signs.items() if is_there()), None)


def _differ(one: str | int, other: str | int) -> bool:
    return bool(one and other and one != other)
