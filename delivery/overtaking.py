"""Mail that people wait for goes first: it never waits for a limit, but counts against it.

A confirmation or a reset is handed over at once, whatever campaigns have used up. Its permits are
taken all the same, so the account's rates hold over everything it sends: the campaigns behind wait
a little longer.
"""

from dataclasses import asdict, dataclass
from typing import Any, Final

from delivery import throttle
from delivery.models import SendingAccount

_ENDLESS: Final = 1_000_000_000  # permits: more than anybody asks for at once


@dataclass(frozen=True, kw_only=True)
class _Overtaken(throttle.Limit):
    """A limit that is counted by and never in the way."""

    @property
    def words(self) -> tuple[Any, ...]:
        """The limit as the script reads it: a rate with an endless burst, a count without end."""
        name, kind, permits, period, extra = super().words
        if kind == "rate":
            return name, kind, permits, period, _ENDLESS
        return name, kind, _ENDLESS, period, extra


def count(account: SendingAccount, mails: int) -> None:
    """Count mails that go now, limits or not. Without Redis they go uncounted."""
    limits = [_Overtaken(**asdict(limit)) for limit in throttle.limits_of(account)]
    if limits and mails:
        throttle.permits(account.pk, limits, mails)
