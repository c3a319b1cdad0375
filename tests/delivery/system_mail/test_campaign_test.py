"""A test of a campaign's mail, over a real SMTP server, with the server's own words."""

from collections.abc import Iterator
from email import message_from_string, policy
from email.message import EmailMessage
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User, Workspace
from campaigns.models import Campaign
from delivery.models import Message, SendingAccount
from delivery.sandbox.smtp_server import RunningServer, running
from delivery.system_mail.campaign_test import TestSendError, read_addresses, send_test
from delivery.transports.choose import sandbox_password, sandbox_user
from tests.campaigns.makers import make_campaign, make_list, make_reader

SOURCE = "# Halo {{ first_name }}\n\n[Gayo](https://kopisenja.example/{{ first_name }})"


@pytest.fixture
def server() -> Iterator[RunningServer]:
    with running(keep_body=True) as server:
        yield server


@pytest.fixture
def campaign(workspace: Workspace, server: RunningServer) -> Campaign:
    SendingAccount.objects.create(
        workspace=workspace, name="Mail house", host="127.0.0.1", port=server.port, tls="none"
    )
    news = make_list(workspace)
    make_reader(workspace, news, "dewi@example.org", first_name="Dewi", last_name="Anggraini")
    return make_campaign(workspace, news, source=SOURCE, from_name="Kopi Senja")


def sari(campaign: Campaign) -> User:
    """Return somebody of the team."""
    return User.objects.get(email="sari@kopisenja.example", workspaces=campaign.workspace)


def mails(server: RunningServer) -> list[EmailMessage]:
    return [
        message_from_string(mail.body, _class=EmailMessage, policy=policy.default)
        for mail in server.accepted
    ]


def test_every_address_gets_its_own_mail_made_for_a_real_person(
    campaign: Campaign, server: RunningServer
) -> None:
    answers = send_test(
        campaign, ["sari@kopisenja.example", "budi@kopisenja.example"], by=sari(campaign)
    )
    assert [(answer.address, answer.arrived) for answer in answers] == [
        ("sari@kopisenja.example", True),
        ("budi@kopisenja.example", True),
    ]
    assert answers[0].sentence.startswith("Mail house accepted it: 250")
    first, second = mails(server)
    assert first["Subject"] == "[Test] Panen raya"
    assert first["From"] == "Kopi Senja <kabar@kopisenja.example>"
    assert "sari@kopisenja.example" in first["To"]
    html = first.get_body(("html",))
    assert html is not None
    assert "Halo Dewi" in html.get_content()
    assert 'href="https://kopisenja.example/Dewi"' in html.get_content()
    assert "/c/" not in html.get_content()
    assert first["Message-ID"] != second["Message-ID"]
    assert Message.objects.count() == 0


def test_each_refusal_is_told_with_the_servers_words(
    campaign: Campaign, server: RunningServer
) -> None:
    server.behave(
        refuse={
            "nobody@kopisenja.example": "550 5.1.1 No such user",
            "@slow.example": "451 4.7.1 Later",
        }
    )
    answers = send_test(
        campaign,
        ["nobody@kopisenja.example", "sari@kopisenja.example", "a@slow.example"],
        by=sari(campaign),
    )
    assert [(answer.arrived, answer.sentence) for answer in answers][::2] == [
        (False, "Mail house refuses it: 550 5.1.1 No such user"),
        (False, "Mail house asks to try again later: 451 4.7.1 Later"),
    ]
    assert answers[1].arrived


def test_a_server_in_trouble_is_one_sentence(campaign: Campaign, server: RunningServer) -> None:
    server.go_down()
    with pytest.raises(TestSendError) as caught:
        send_test(campaign, ["sari@kopisenja.example"], by=sari(campaign))
    assert "127.0.0.1" in caught.value.sentence


@pytest.mark.parametrize(
    ("source", "said"),
    [("{{ ''.__class__ }}", "line 1"), ("{{ frist_name }}", "frist_name"), ("<mj", "")],
)
def test_what_can_not_be_a_mail_is_not_sent(
    campaign: Campaign, server: RunningServer, source: str, said: str
) -> None:
    assert campaign.content is not None
    campaign.content.source = source
    if source == "<mj":
        campaign.content.kind = "mjml"
    with pytest.raises(TestSendError) as caught:
        send_test(campaign, ["sari@kopisenja.example"], by=sari(campaign))
    assert said in caught.value.sentence
    assert server.accepted == []


def test_without_sender_or_account_it_says_so(campaign: Campaign) -> None:
    campaign.from_email = ""
    with pytest.raises(TestSendError, match="sender's address"):
        send_test(campaign, ["sari@kopisenja.example"], by=sari(campaign))
    SendingAccount.objects.all().delete()
    with pytest.raises(TestSendError, match="no sending account"):
        send_test(campaign, ["sari@kopisenja.example"], by=sari(campaign))


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("a@b.example", ["a@b.example"]),
        ("a@b.example, c@d.example;a@b.example\n", ["a@b.example", "c@d.example"]),
    ],
)
def test_addresses_are_read(text: str, addresses: list[str]) -> None:
    assert read_addresses(text) == addresses


@pytest.mark.parametrize(
    "text",
    [
        "",
        " , ",
        "nobody",
        "a@b.example <x>",
        " ".join(f"p{number}@b.example" for number in range(6)),
    ],
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(TestSendError):
        read_addresses(text)


def test_the_button_shows_what_the_server_said(
    editor_client: Client, campaign: Campaign, server: RunningServer
) -> None:
    path = reverse("campaign_test_send", args=[campaign.pk])
    data = {"to": "sari@kopisenja.example"}
    partial = editor_client.post(path, data, headers={"HX-Request": "true"}).content.decode()
    assert "Mail house accepted it: 250" in partial
    assert "<html" not in partial
    assert "<html" in editor_client.post(path, data).content.decode()
    refused = editor_client.post(path, {"to": "x"})
    assert refused.status_code == 422
    assert "“x” is not an email address." in refused.content.decode()
    assert len(server.accepted) == 2


def test_a_test_over_the_sandbox_says_that_the_campaign_would_stay_there_too(
    editor_client: Client, campaign: Campaign, settings: Any
) -> None:
    SendingAccount.objects.update(from_domains=["tehpagi.example"])
    SendingAccount.objects.create(
        workspace=campaign.workspace, name="Sandbox", kind="sandbox", position=9
    )
    path = reverse("campaign_test_send", args=[campaign.pk])
    own = campaign.workspace_id
    with running(users={sandbox_user(own): sandbox_password(own)}) as inbox:
        settings.SANDBOX_PORT = inbox.port
        page = editor_client.post(path, {"to": "sari@kopisenja.example"}).content.decode()
    assert "Sandbox accepted it: 250" in page
    assert "This goes to the sandbox inbox, not to real people." in page
    assert "Choose “Mail house” as its sending account" in page


def test_an_analyst_can_not_send_a_test(
    analyst_client: Client, campaign: Campaign, server: RunningServer
) -> None:
    path = reverse("campaign_test_send", args=[campaign.pk])
    assert analyst_client.post(path, {"to": "sari@kopisenja.example"}).status_code == 403
    assert server.accepted == []
