"""The sandbox as it runs: a process, signed in to by workspaces, storing what it acknowledges."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.db import connection

from delivery.accounts import setup
from delivery.models import SandboxMessage
from delivery.sandbox import inbox
from delivery.sandbox.server import SandboxServer, Store
from delivery.sandbox.smtp_behaviour import Behaviour
from delivery.sandbox.smtp_record import Received
from delivery.transports import choose
from delivery.transports.protocol import Verdict
from tests.delivery.transports.sending import mail, mails, send

if TYPE_CHECKING:
    from collections.abc import Iterator

BASE = Path(__file__).parent.parent.parent.parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def sandbox_process(port: int) -> "Iterator[subprocess.Popen[bytes]]":
    database = connection.settings_dict
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": f"postgresql://{database['USER']}:{database['PASSWORD']}@/"
        f"{database['NAME']}?host={database['HOST']}&port={database['PORT'] or 5432}",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "SECRET_KEY": settings.SECRET_KEY,
        "SANDBOX_PORT": str(port),
        "SANDBOX_HOST": "127.0.0.1",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "delivery.sandbox.server"], cwd=BASE, env=environment
    )
    try:
        while process.poll() is None:
            with socket.socket() as probe:
                if not probe.connect_ex(("127.0.0.1", port)):
                    break
            time.sleep(0.1)
        assert process.poll() is None
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


@pytest.mark.django_db(transaction=True)
def test_it_keeps_what_it_acknowledges_also_when_it_is_told_to_stop(
    workspace, other_workspace, settings
):
    port = free_port()
    settings.SANDBOX_PORT = port
    used = choose.smtp_settings(setup.ensure_sandbox(workspace))
    signed = {"username": used.username, "password": used.password}
    with sandbox_process(port) as process:
        done = send(port, mails(300), max_connections=6, **signed)
        assert done.verdicts == [Verdict.SENT] * 300
        assert SandboxMessage.objects.filter(workspace=workspace).count() == 300
        kept = SandboxMessage.objects.get(envelope_to="reader7@example.org")
        assert bytes(kept.raw) == mail(7).data
        assert (kept.subject, kept.message_id) == ("News", "<7@news.example>")
        assert (kept.envelope_from, kept.size) == ("bounce+7@news.example", len(kept.raw))

        wrong = send(port, mails(2), username=used.username, password="wrong")
        assert wrong.trouble is not None
        nobody = send(port, mails(2))
        assert nobody.trouble is not None
        assert SandboxMessage.objects.filter(workspace=other_workspace).count() == 0

        threading.Timer(0.3, process.send_signal, [signal.SIGTERM]).start()
        many = [mail(number) for number in range(1001, 9001)]
        stopped = send(port, many, max_connections=6, **signed)
        assert process.wait(timeout=300) == 0
        assert Verdict.FAILED not in stopped.verdicts
        arrived = SandboxMessage.objects.filter(envelope_to__startswith="reader").count() - 300
        assert arrived - 6 <= stopped.count(Verdict.SENT) <= arrived


def test_the_installation_signs_in_too_and_its_mail_is_no_workspaces(workspace):
    user = choose.sandbox_user(None)
    server = SandboxServer(behaviour=Behaviour(), keeper=Store(), host="127.0.0.1", port=0)
    assert server.password_of(user) == choose.sandbox_password(None)
    assert server.password_of("sandbox-nobody") is None
    assert inbox.keep([received(user)]) == {}
    assert {row.workspace_id for row in SandboxMessage.objects.all()} == {None}


def received(user: str, data: bytes = b"Subject: A\r\n\r\nB") -> Received:
    return Received(
        envelope_from="a@example.org",
        envelope_to=("b@example.org", "c@example.org"),
        data=data,
        user=user,
        session=1,
        secure=False,
    )


def test_each_recipient_gets_a_row_and_headers_are_read(workspace):
    data = (
        b"X: 1\r\nSubject: =?utf-8?q?Kopi_=C3=A9?=\r\n =?utf-8?q?nak?=\r\n"
        b"message-id:  <1@x>\r\n\r\nSubject: not this\r\n"
    )
    assert inbox.keep([received(choose.sandbox_user(workspace.pk), data)]) == {}
    rows = list(SandboxMessage.objects.order_by("envelope_to"))
    assert [row.envelope_to for row in rows] == ["b@example.org", "c@example.org"]
    assert {row.subject for row in rows} == {"Kopi énak"}
    assert {row.message_id for row in rows} == {"<1@x>"}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"plain", "plain"),
        ("Größe ☕".encode(), "Größe ☕"),
        (b"=?nonsense?q?x?=", "=?nonsense?q?x?="),
        (b"=?utf-8?b?w?=", "=?utf-8?b?w?="),
        (b"a\x00b\x1b[31m", "ab[31m"),
        (b"\xff", "\ufffd"),
    ],
)
def test_any_subject_can_be_read(value, text):
    assert inbox.decoded(value) == text


def test_the_oldest_make_room(workspace, other_workspace, monkeypatch):
    monkeypatch.setattr(inbox, "MOST", 4)
    user = choose.sandbox_user(workspace.pk)
    for number in range(5):
        inbox.keep([received(user, b"Subject: %d\r\n\r\n" % number)])
    inbox.keep([received(choose.sandbox_user(other_workspace.pk))])
    inbox.trim(workspace.pk)
    kept = SandboxMessage.objects.filter(workspace=workspace).order_by("pk")
    assert [row.subject for row in kept] == ["3", "3", "4", "4"]
    assert SandboxMessage.objects.filter(workspace=other_workspace).count() == 2


@pytest.mark.parametrize("user", ["", "sandbox-", "sandbox-0", "sandbox-1x", "news", "sandbox-1\n"])
def test_other_names_are_nobodys(user):
    assert inbox.workspace_of(user) is None


@pytest.mark.django_db(transaction=True)
def test_a_workspace_that_is_gone_harms_no_other(workspace):
    gone = choose.sandbox_user(workspace.pk + 1000)
    there = choose.sandbox_user(workspace.pk)
    assert inbox.keep([received(gone), received(there)]) == {0: inbox.NOBODYS}
    assert SandboxMessage.objects.filter(workspace=workspace).count() == 2
