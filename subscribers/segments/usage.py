"""Where a segment is used: rooms above this one say so, each for what it keeps.

A room registers a function in its `AppConfig.ready`; this room asks them all and imports none.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from subscribers.models import Segment


@dataclass(frozen=True, kw_only=True)
class Place:
    """One thing that uses a segment.

    ``kind`` is the word for such things ("Campaign"), ``url`` leads there. ``holds``: the segment
    can't be deleted as long as this uses it; else it is named for information only.
    """

    kind: str
    name: str
    url: str
    holds: bool


Teller = Callable[[Segment], Iterable[Place]]

_tellers: list[Teller] = []


def register(teller: Teller) -> None:
    """Have ``teller`` asked for the places that use a segment, newest first. Once is enough."""
    if teller not in _tellers:
        _tellers.append(teller)


def places(segment: Segment) -> list[Place]:
    """Return everything that uses a segment; what keeps it from being deleted comes first."""
    found = [place for teller in _tellers for place in teller(segment)]
    return sorted(found, key=lambda place: not place.holds)
