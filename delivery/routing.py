"""Which sending account carries a campaign, and which may stand in when it is in trouble."""

from collections.abc import Iterable

from delivery.models import SendingAccount
from delivery.states import TransportKind


def candidates(
    accounts: Iterable[SendingAccount], *, from_email: str, chosen: int | None
) -> list[SendingAccount]:
    """Return the accounts that may carry mail from ``from_email``, best first.

    The chosen account leads; else those that name the sender's domain, else those that name none.
    Others that fit follow in their order. The sandbox never stands in for a real account, nor the
    other way round: mail that people wait for must not end in a drawer, and tests not in inboxes.
    """
    domain = from_email.rpartition("@")[2].strip("> ").lower()
    ordered = sorted(accounts, key=lambda account: (account.position, account.pk))
    named = [a for a in ordered if domain and domain in map(str.lower, a.from_domains)]
    fitting = named or [a for a in ordered if not a.from_domains]
    first = next((a for a in ordered if a.pk == chosen), None)
    if first is None:
        first = next(iter(fitting or ordered), None)
    if first is None:
        return []
    kind = first.kind == TransportKind.SANDBOX
    rest = [a for a in fitting if a.pk != first.pk and (a.kind == TransportKind.SANDBOX) == kind]
    return [first, *rest]
