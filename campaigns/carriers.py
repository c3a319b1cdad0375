"""Which sending account will carry a campaign: `delivery`, which chooses it, answers."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from campaigns.models import Campaign


@dataclass(frozen=True, kw_only=True)
class Carrier:
    """A sending account by id and name; ``is_sandbox``: nothing leaves this machine by it.

    ``others`` names the workspace's accounts that do reach people, though not this campaign's.
    ``broken_since``: it has not been working since then, and ``trouble`` says why; ``stands_in``
    names the account that carries its mail meanwhile, if one does.
    """

    account: int
    name: str
    is_sandbox: bool
    others: tuple[str, ...] = ()
    broken_since: datetime | None = None
    trouble: str = ""
    stands_in: str = ""


_ask: list[Callable[[Campaign], Carrier | None]] = []


def register(ask: Callable[[Campaign], Carrier | None]) -> None:
    """Name the function that knows; called once, when the apps are ready."""
    _ask[:] = [ask]


def of(campaign: Campaign) -> Carrier | None:
    """Return what would carry the campaign if it began now; None: there is no sending account."""
    return _ask[0](campaign)
