"""Test mails reach whom they should: few strangers, nobody who must not be written to."""

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User, Workspace
from campaigns.models import Campaign
from delivery.models import SendingAccount
from delivery.sandbox.smtp_server import RunningServer, running
from delivery.states import TransportKind
from delivery.system_mail import account_trial, test_limits
from subscribers.consent import suppression
from subscribers.states import SuppressionReason
from tests.campaigns.makers import make_campaign, make_list


@pytest.fixture
def server() -> Iterator[RunningServer]:
    with running() as server:
        yield server


@pytest.fixture
def account(workspace: Workspace, server: RunningServer) -> SendingAccount:
    return SendingAccount.objects.create(
        workspace=workspace, name="Mail house", host="127.0.0.1", port=server.port, tls="none"
    )


@pytest.fixture
def campaign(workspace: Workspace, account: SendingAccount) -> Campaign:
    return make_campaign(workspace, make_list(workspace), source="Halo")


def strangers(first: int, count: int) -> str:
    return " ".join(f"orang-{number}@example.org" for number in range(first, first + count))


def test_few_test_mails_an_hour_go_to_strangers(
    editor_client: Client, campaign: Campaign, server: RunningServer
) -> None:
    path = reverse("campaign_test_send", args=[campaign.pk])
    for first in range(0, 125, 5):
        answer = editor_client.post(path, {"to": strangers(first, 5)})
    assert answer.status_code == 422
    assert "At most 10 test emails an hour go to people outside the team" in answer.content.decode()
    assert len(server.accepted) == test_limits.OUTSIDE_OF_A_USER.most


def test_the_team_still_gets_its_tests(
    editor_client: Client, campaign: Campaign, server: RunningServer
) -> None:
    path = reverse("campaign_test_send", args=[campaign.pk])
    for first in range(0, 15, 5):
        editor_client.post(path, {"to": strangers(first, 5)})
    before = len(server.accepted)
    assert editor_client.post(path, {"to": "Sari@kopisenja.example"}).status_code == 200
    assert len(server.accepted) == before + 1


def test_a_workspace_has_a_limit_besides(account: SendingAccount, workspace: Workspace) -> None:
    admitted = 0
    for number in range(8):
        user = User.objects.create_user(f"banyak-{number}@kopisenja.example", "x")
        try:
            test_limits.admit(account, strangers(number * 5, 5).split(), by=user)
        except test_limits.RefusedTestError:
            continue
        admitted += 5
    assert admitted == test_limits.OUTSIDE_OF_A_WORKSPACE.most


def test_who_is_suppressed_gets_no_test(
    editor_client: Client,
    admin_client: Client,
    account: SendingAccount,
    campaign: Campaign,
    server: RunningServer,
) -> None:
    suppression.suppress(
        account.workspace, email="sari@kopisenja.example", reason=SuppressionReason.COMPLAINED
    )
    tested = editor_client.post(
        reverse("campaign_test_send", args=[campaign.pk]),
        {"to": "budi@kopisenja.example, SARI@kopisenja.example"},
    )
    assert "is on the suppression list" in tested.content.decode()
    tried = admin_client.post(
        reverse("account_test", args=[account.pk]), {"address": "sari@kopisenja.example"}
    )
    assert "is on the suppression list" in tried.content.decode()
    assert server.accepted == []


def test_the_test_of_an_account_counts_too(
    account: SendingAccount, admin: User, server: RunningServer
) -> None:
    for number in range(15):
        result = account_trial.send(account, address=f"orang-{number}@example.org", by=admin)
    assert not result.arrived
    assert len(server.accepted) == test_limits.OUTSIDE_OF_A_USER.most


def test_what_stays_in_the_sandbox_is_not_counted(workspace: Workspace, owner: User) -> None:
    sandbox = SendingAccount(workspace=workspace, name="S", kind=TransportKind.SANDBOX)
    for first in range(0, 300, 5):
        test_limits.admit(sandbox, strangers(first, 5).split(), by=owner)
