"""Which sending account will carry a campaign: `delivery`, which chooses it, answers."""

from collections.abc import Callable
from dataclasses import dataclass

from campaigns.models import Campaign


@dataclass(frozen=True, kw_only=True)
class Carrier:
    """A sending account by id and name; ``is_sandbox``: nothing leaves this machine by it.

    ``others`` names the workspace's accounts that do reach people, though not this campaign's.
    """

    account: int
    name: str
    is_sandbox: bool
    others: tuple[str, ...] = ()


_ask: list[Callable[[Campaign], Carrier | None]] = []


def register(ask: Callable[[Campaign], Carrier | None]) -> None:
    """Name the function that knows; called once, when the apps are ready."""
    _ask[:] = [ask]


def of(campaign: Campaign) -> Carrier | None:
    """Return what would carry the campaign if it began now; None: there is no sending account."""
    return _ask[0](campaign)
