"""Which sending account carries a campaign, and which may stand in when it is in trouble."""

from collections.abc import Iterable

from campaigns.carriers import Carrier
from campaigns.models import Campaign
from delivery.accounts import breaker
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


def carrier(campaign: Campaign) -> Carrier | None:
    """Say which account carries a campaign; registered with `campaigns.carriers`."""
    accounts = list(SendingAccount.objects.filter(workspace=campaign.workspace_id))
    found = candidates(accounts, from_email=campaign.from_email, chosen=campaign.sending_account_id)
    if not found:
        return None
    first, *rest = found
    real = [account for account in accounts if account.kind != TransportKind.SANDBOX]
    is_broken = first.broken_since is not None and not breaker.is_patient(first)
    return Carrier(
        account=first.pk,
        name=first.name,
        is_sandbox=first.kind == TransportKind.SANDBOX,
        others=tuple(account.name for account in real if account.pk != first.pk),
        broken_since=first.broken_since if is_broken else None,
        trouble=first.broken_reason if is_broken else "",
        stands_in=next((one.name for one in rest if one.broken_since is None), ""),
    )
