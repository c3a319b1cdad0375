"""The ledger of what went out and is on its way: `delivery`, which keeps it, answers for it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Letters:
    """What this room asks of the ledger.

    ``wants_fewer``: see `audience_rule.wants_fewer`. ``sizes``: to how many people each of a
    workspace's newest finished campaigns went, newest first, for a workspace and a number of them.
    ``wake``: have due campaigns looked for, in so many seconds after the commit.
    """

    wants_fewer: Callable[[str], str]
    sizes: Callable[[int, int], Sequence[int]]
    wake: Callable[[float], None]


_known: list[Letters] = []


def register(**answers: Any) -> None:
    """Name the functions that know (`Letters`); called once, when the apps are ready."""
    _known[:] = [Letters(**answers)]


def wants_fewer(earlier_than: str) -> str:
    """Return the SQL condition."""
    return _known[0].wants_fewer(earlier_than)


def sizes(workspace: int, newest: int) -> Sequence[int]:
    """Return how many people each of the newest finished campaigns went to."""
    return _known[0].sizes(workspace, newest)


def wake(after: float = 0) -> None:
    """Have due campaigns looked for; the worker's clock does it anyway, a second or two later."""
    _known[0].wake(after)
