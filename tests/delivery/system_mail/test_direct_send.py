"""A few mails at once: they end in time, whatever the server does, and never many at a time."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
import redis
from django.core.mail import EmailMessage
from django.urls import reverse

from accounts.mails.system_mail import NotDeliveredError
from delivery.models import SendingAccount
from delivery.processes import coordination
from delivery.sandbox.smtp_server import running
from delivery.system_mail import account_trial, direct_send
from delivery.system_mail.campaign_test import TestSendError, send_test
from delivery.transports.protocol import Verdict
from tests.campaigns.makers import make_campaign, make_list
from tests.delivery.transports.sending import mails

ADDRESS = "sari@kopisenja.example"


def account_at(workspace, port: int) -> SendingAccount:
    return SendingAccount.objects.create(
        workspace=workspace, name="Provider", host="127.0.0.1", port=port, tls="none"
    )


@contextmanager
def silent_listener() -> Iterator[int]:
    """Take connections and never say a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@contextmanager
def chatty_server() -> Iterator[int]:
    """Answer every command, each a while after it came: no stage ever takes too long."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_chat, args=(listener,), daemon=True).start()
        yield listener.getsockname()[1]


def _chat(listener: socket.socket) -> None:
    with suppress(OSError):
        connection, _peer = listener.accept()
        with connection:
            connection.sendall(b"220 hello\r\n")
            while command := connection.recv(4096):
                time.sleep(0.4)
                connection.sendall(b"354 go\r\n" if command == b"DATA\r\n" else b"250 yes\r\n")


# Long before a server's own time to answer (RFC 5321 allows minutes) would be over.
ALL_THE_TIME = 60.0


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < seconds


def test_a_silent_server_ends_it_in_time(workspace):
    with silent_listener() as port, at_most(ALL_THE_TIME):
        handed = direct_send.hand_over(account_at(workspace, port), mails(2), seconds=2)
    assert handed.trouble is not None
    assert handed.trouble.sentence == f"127.0.0.1 does not answer on port {port}."
    assert {outcome.verdict for outcome in handed.outcomes.values()} <= {Verdict.NOT_SENT}


def test_prompt_answers_win_no_time_beyond_the_whole(workspace):
    with chatty_server() as port, at_most(ALL_THE_TIME):
        handed = direct_send.hand_over(account_at(workspace, port), mails(50), seconds=3)
    assert handed.trouble is not None
    assert handed.trouble.sentence == "127.0.0.1 stopped responding."
    assert len(handed.outcomes) < 50


def test_what_was_taken_is_told(workspace):
    with running() as server:
        handed = direct_send.hand_over(account_at(workspace, server.port), mails(3))
        assert [outcome.verdict for outcome in handed.outcomes.values()] == [Verdict.SENT] * 3
        assert handed.trouble is None


def test_every_way_to_send_one_is_bounded(workspace, settings, monkeypatch):
    settings.EMAIL_BACKEND = "delivery.system_mail.email_backend.EmailBackend"
    seen = []
    hand_over = direct_send.hand_over

    def note(account, mails, *, seconds=direct_send.TASK_SECONDS, **more):
        seen.append(seconds)
        return hand_over(account, mails, seconds=1, **more)

    monkeypatch.setattr(direct_send, "hand_over", note)
    monkeypatch.setattr(direct_send, "TRIAL_SECONDS", 1.0)
    with silent_listener() as port, at_most(ALL_THE_TIME):
        account = account_at(workspace, port)
        assert not account_trial.send(
            account, address=ADDRESS, by=account.workspace.members.first()
        ).arrived
        campaign = make_campaign(workspace, make_list(workspace), source="Halo")
        with pytest.raises(TestSendError, match="does not answer"):
            send_test(campaign, [ADDRESS], by=campaign.workspace.members.first())
        message = EmailMessage("s", "b", "a@x.example", [ADDRESS])
        message.workspace_id = workspace.pk  # type: ignore[attr-defined]  # our word, not Django's
        with pytest.raises(NotDeliveredError, match="does not answer"):
            message.send()
    assert seen == [1.0, 60.0]


def test_only_two_tests_run_at_a_time(admin_client, workspace):
    with running() as server:
        account = account_at(workspace, server.port)
        path = reverse("account_test", args=[account.pk])
        with direct_send.trial_place():
            assert account_trial.send(
                account, address=ADDRESS, by=account.workspace.members.first()
            ).arrived
            with direct_send.trial_place():
                page = admin_client.post(path, {"address": ADDRESS}).content.decode()
                assert "Other test emails are on their way just now." in page
                campaign = make_campaign(workspace, make_list(workspace), source="Halo")
                with pytest.raises(TestSendError, match="Other test emails are on their way"):
                    send_test(campaign, [ADDRESS], by=campaign.workspace.members.first())
                assert len(server.accepted) == 1
        assert account_trial.send(
            account, address=ADDRESS, by=account.workspace.members.first()
        ).arrived


def test_without_valkey_it_says_so(workspace, monkeypatch):
    away = redis.Redis(host="127.0.0.1", port=1)
    monkeypatch.setattr(coordination, "client", lambda: away)
    result = account_trial.send(
        account_at(workspace, 25), address=ADDRESS, by=workspace.members.first()
    )
    assert result.sentence.startswith("Valkey does not answer")
