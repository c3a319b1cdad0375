"""What pre-flight says of the account that will carry a campaign."""

from django.urls import reverse

from campaigns.checks import preflight
from campaigns.findings import Level
from delivery.accounts import breaker
from delivery.models import SendingAccount
from delivery.transports.protocol import ServerTroubleError
from tests.campaigns.makers import make_campaign, make_list


def account(workspace, name, **values):
    values = {"kind": "smtp", "host": "127.0.0.1", "port": 9, "tls": "none", **values}
    return SendingAccount.objects.create(workspace=workspace, name=name, **values)


def said(workspace, **values):
    news = workspace.lists.first() or make_list(workspace)
    campaign = make_campaign(workspace, news, **values)
    return [
        (finding.level, finding.text, finding.note)
        for finding in preflight.findings(campaign)
        if finding.step == "accounts" or finding.field == "id_sending_account"
    ]


def test_no_account_blocks(workspace):
    assert said(workspace) == [
        (Level.BLOCKS, "There is no sending account.", "Connect the server that sends your email.")
    ]


def test_the_account_that_carries_it_is_named(workspace):
    account(workspace, "Provider")
    assert said(workspace) == [(Level.FINE, "Sent through “Provider”.", "")]


def test_an_account_for_other_senders_leaves_it_to_the_sandbox_and_that_is_said(workspace):
    account(workspace, "Sandbox", kind="sandbox", position=9)
    account(workspace, "Provider", from_domains=["tehpagi.example"])
    assert said(workspace, from_email="news@kopisenja.example") == [
        (
            Level.WARNS,
            "This goes to the sandbox inbox, not to real people.",
            "Choose “Provider” as its sending account, or let it send for kopisenja.example.",
        )
    ]


def test_trouble_is_told_with_its_reason_and_who_stands_in(workspace):
    first = account(workspace, "Provider")
    breaker.trip(first, ServerTroubleError("The password is refused.", permanent=True))
    [(level, text, note)] = said(workspace)
    assert level is Level.WARNS
    assert text.startswith("“Provider” has not been working since ")
    assert text.endswith(": The password is refused.")
    assert note == "Emails wait until it works again. Test the account and fix it first."
    account(workspace, "Second", position=1)
    [(_level, _text, note)] = said(workspace)
    assert note == "Until it works again, “Second” takes over."


def test_a_test_that_fails_is_known_to_the_next_campaign(workspace, admin_client):
    provider = account(workspace, "Provider", default_from="news@kopisenja.example")
    admin_client.post(reverse("account_test", args=[provider.pk]))
    [(level, text, _note)] = said(workspace)
    assert level is Level.WARNS
    assert "“Provider” has not been working since" in text
    provider.refresh_from_db()
    assert breaker.may_try(provider)  # the next mail may find out that it works again
