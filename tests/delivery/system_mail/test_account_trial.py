"""The test mail of a sending account: every failure in a sentence, with the way out."""

import socket

import pytest
from django.urls import reverse

from accounts.installation import secrets
from delivery.models import SendingAccount
from delivery.sandbox.smtp_server import RunningServer, running
from delivery.system_mail import account_trial, direct_send

ADDRESS = "sari@kopisenja.example"


def account_at(workspace, port: int, **fields) -> SendingAccount:
    values = {
        "name": "Provider",
        "host": "127.0.0.1",
        "port": port,
        "tls": "none",
        "default_from": "Kopi Senja <news@kopisenja.example>",
    }
    return SendingAccount.objects.create(workspace=workspace, **(values | fields))


def states(result: account_trial.Result) -> list[str]:
    return [stage.state for stage in result.stages]


def attempt(workspace, server: RunningServer, **fields) -> account_trial.Result:
    return account_trial.send(
        account_at(workspace, server.port, **fields), address=ADDRESS, by=workspace.members.first()
    )


def test_it_goes_through_and_shows_what_the_server_said(workspace):
    with running(tls="starttls", users={"news": "pass"}, keep_body=True) as server:
        result = attempt(
            workspace,
            server,
            tls="starttls",
            verify_certificate=False,
            username="news",
            encrypted_password=secrets.encrypt("pass"),
        )
        assert result.arrived
        assert result.sentence == (
            f"127.0.0.1 accepted the email for {ADDRESS}. Its answer: 250 2.0.0 ok"
        )
        assert states(result) == ["passed"] * 10
        assert [stage.words for stage in result.stages][-2:] == [
            "354 end with a dot",
            "250 2.0.0 ok",
        ]
        [mail] = server.accepted
        assert (mail.envelope_from, mail.envelope_to) == ("news@kopisenja.example", (ADDRESS,))
        assert "Subject: Test email from Warta" in mail.body
        assert mail.secure


@pytest.fixture(autouse=True)
def _hurry(monkeypatch):
    monkeypatch.setattr(direct_send, "TRIAL_SECONDS", 3.0)


@pytest.mark.parametrize(
    ("behaviour", "fields", "stopped_at", "words"),
    [
        (
            {},
            {"tls": "starttls"},
            "Encrypt the connection and check the certificate",
            ("127.0.0.1 offers no STARTTLS on port", "Choose port 465 with TLS from the start."),
        ),
        (
            {},
            {"tls": "implicit"},
            "Encrypt the connection and check the certificate",
            ("TLS cannot begin with 127.0.0.1", "choose port 587 with STARTTLS"),
        ),
        (
            {"tls": "starttls", "certificate": "expired"},
            {"tls": "starttls"},
            "Encrypt the connection and check the certificate",
            ("certificate of 127.0.0.1", "name"),
        ),
        (
            {"tls": "starttls"},
            {"tls": "starttls"},
            "Encrypt the connection and check the certificate",
            ("is signed by nobody this machine trusts", "Check the certificate"),
        ),
        (
            {"tls": "implicit"},
            {},
            "The server greets",
            ("does not answer on port", "choose TLS from the start"),
        ),
        (
            {"junk_at": "banner"},
            {},
            "The server greets",
            ("does not speak SMTP", "check the number"),
        ),
        (
            {"busy": True},
            {},
            "The server greets",
            ("rejects us: 421 4.3.2 too busy", "Try again in a few minutes"),
        ),
        (
            {"users": {"news": "x"}},
            {"username": "news", "encrypted_password": b""},
            "Sign in",
            ("refuses the user name or password: 535", "app password"),
        ),
        ({}, {"username": "news"}, "Sign in", ("offers no way to sign in", "choose port 587")),
        (
            {"users": {"news": "x"}},
            {},
            "Name the sender",
            ("refuses: 530 5.7.0 sign in first", "enter user name and password"),
        ),
        (
            {"replies": {"RCPT": "554 5.7.1 Relay access denied"}},
            {},
            "Name the recipient",
            ("refuses: 554 5.7.1 Relay access denied", "speaks of relaying"),
        ),
        (
            {"replies": {"DOT": "554 5.7.1 looks like spam"}},
            {},
            "Send the email",
            ("refuses: 554 5.7.1 looks like spam", ""),
        ),
        ({"drop_at": "RCPT"}, {}, "Name the recipient", ("disconnected", "")),
    ],
)
def test_it_says_where_it_stops_and_what_to_do(workspace, behaviour, fields, stopped_at, words):
    sentence, way_out = words
    with running(**behaviour) as server:
        result = attempt(workspace, server, **fields)
    assert not result.arrived
    assert sentence in result.sentence
    assert way_out in result.way_out
    assert [stage.label for stage in result.stages if stage.state == "failed"] == [stopped_at]
    where = states(result).index("failed")
    assert states(result) == (
        ["passed"] * where + ["failed"] + ["open"] * (len(result.stages) - where - 1)
    )


def test_nobody_listens(workspace):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    result = account_trial.send(
        account_at(workspace, port), address=ADDRESS, by=workspace.members.first()
    )
    assert result.sentence == f"127.0.0.1 refuses connections on port {port}."
    assert "587" in result.way_out


def test_a_password_of_another_key(workspace, settings):
    account = account_at(workspace, 25, encrypted_password=secrets.encrypt("x"))
    settings.SECRET_KEY = "another"
    assert (
        "SECRET_KEY has changed"
        in account_trial.send(
            account, address=ADDRESS, by=account.workspace.members.first()
        ).sentence
    )


@pytest.mark.parametrize("address", ["", "a", "a@", "@b", "a@b, c@d", "a@b\r\nRCPT TO:<c@d>"])
def test_one_address_only(workspace, address):
    result = account_trial.send(
        account_at(workspace, 25), address=address, by=workspace.members.first()
    )
    assert result.sentence == "Write one address, like name@example.com."


def test_the_page_shows_every_stage(admin_client, workspace):
    with running(replies={"RCPT": "550 5.1.1 <b>nobody</b>"}) as server:
        account = account_at(workspace, server.port)
        page = admin_client.post(reverse("account_test", args=[account.pk]), {"address": ADDRESS})
    text = page.content.decode()
    assert "127.0.0.1 refuses: 550 5.1.1 &lt;b&gt;nobody&lt;/b&gt;" in text
    assert text.count("Done") >= 5
    assert text.count("Stopped here") == 1
