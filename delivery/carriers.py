"""What a campaign's pre-flight check says of the account that will carry it.

The router answers, as it will when the campaign is sent, so that nobody has to guess. Registered
with `campaigns.preflight`.
"""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from campaigns.models import Campaign
from campaigns.preflight import Finding, Level
from delivery import breaker, diagnosis, routing
from delivery.models import SendingAccount
from delivery.states import TransportKind


def findings(campaign: Campaign) -> Iterator[Finding]:
    """Say which account carries the campaign, and what is wrong with it."""
    accounts = list(SendingAccount.objects.filter(workspace=campaign.workspace_id))
    routes = routing.candidates(
        accounts, from_email=campaign.from_email, chosen=campaign.sending_account_id
    )
    if not routes:
        yield Finding(
            level=Level.BLOCKS,
            text=_("There is no sending account."),
            step="accounts",
            note=_("Connect the server that sends."),
        )
        return
    first = routes[0]
    if first.kind == TransportKind.SANDBOX:
        yield _stays_here(campaign, accounts)
    elif first.broken_since is not None and not breaker.is_patient(first):
        yield _in_trouble(first, routes[1:])
    else:
        text = _("“%(account)s” carries it.") % {"account": first.name}
        yield Finding(level=Level.FINE, text=text, step="accounts")


def _stays_here(campaign: Campaign, accounts: list[SendingAccount]) -> Finding:
    real = [account.name for account in accounts if account.kind != TransportKind.SANDBOX]
    if campaign.sending_account_id is None and real:
        note = _("%(accounts)s: meant for other senders. Choose the account, or another sender.")
        note %= {"accounts": ", ".join(f"“{name}”" for name in real)}
    else:
        note = _("Connect a sending account when you want to reach people.")
    return Finding(
        level=Level.WARNS,
        text=_("This goes to the sandbox inbox, not to real people."),
        step="accounts",
        note=note,
    )


def _in_trouble(account: SendingAccount, others: list[SendingAccount]) -> Finding:
    """Name the account, since when and why, and what will happen all the same."""
    assert account.broken_since is not None  # noqa: S101 - the caller looked
    stands_in = next((other for other in others if other.broken_since is None), None)
    note = (
        _("Until it works again, “%(other)s” stands in.") % {"other": stands_in.name}
        if stands_in
        else _("Emails wait until it works again. Test the account and fix it first.")
    )
    return Finding(
        level=Level.WARNS,
        text=_("“%(account)s” has not been working since %(time)s: %(reason)s")
        % {
            "account": account.name,
            "time": diagnosis.clock(account.broken_since),
            "reason": account.broken_reason,
        },
        step="accounts",
        note=note,
    )
