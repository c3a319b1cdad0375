"""Servers that send a byte now and then: what waits for them ends all the same."""

import itertools
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from accounts.installation import secrets
from accounts.models import Workspace
from delivery.bounces.mailboxes import fetching, oauth, trial, trouble
from delivery.events.webhooks import sns
from delivery.models import BounceMailbox
from delivery.states import MailboxProtocol, TlsMode

pytestmark = pytest.mark.django_db
MOST = 200  # bytes; far more than a test waits for
PAUSE = 0.1  # between two of them


class Dripping:
    """A server that sends ``first``, and then byte after byte; counts how many were taken."""

    def __init__(self, first: bytes = b"") -> None:
        self.first = first
        self.sent = 0
        self.over = threading.Event()
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _address = self.server.accept()
                with connection, suppress(OSError):
                    connection.sendall(self.first)
                    for _each in itertools.takewhile(lambda _: self.sent < MOST, itertools.count()):
                        if self.over.wait(PAUSE):
                            return
                        connection.sendall(b"*")
                        self.sent += 1

    def close(self) -> None:
        """End, in the middle of whatever it sends."""
        self.over.set()
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        self.thread.join(10)


@pytest.fixture
def dripping() -> Iterator[Callable[..., Dripping]]:
    made: list[Dripping] = []

    def make(first: bytes = b"") -> Dripping:
        made.append(Dripping(first))
        return made[-1]

    yield make
    for one in made:
        one.close()


def mailbox_at(server: Dripping, workspace: Workspace, **fields: Any) -> BounceMailbox:
    values = {"tls": TlsMode.NONE, "username": "u", "encrypted_secret": secrets.encrypt("p")}
    return BounceMailbox.objects.create(
        workspace=workspace, name="Slow", host="127.0.0.1", port=server.port, **values | fields
    )


@pytest.mark.parametrize("tls", [TlsMode.NONE, TlsMode.IMPLICIT])
@pytest.mark.parametrize("protocol", [MailboxProtocol.IMAP, MailboxProtocol.POP3])
def test_a_trial_ends(workspace, dripping, monkeypatch, protocol, tls):
    monkeypatch.setattr(trial, "SECONDS", 0.5)
    # A TLS record that says it is long keeps a handshake waiting.
    server = dripping(b"\x16\x03\x03\x3f\xff" if tls == TlsMode.IMPLICIT else b"")
    found = trial.look(mailbox_at(server, workspace, protocol=protocol, tls=tls))
    assert "does not answer" in found.sentence
    assert server.sent < MOST


@pytest.mark.parametrize("protocol", [MailboxProtocol.IMAP, MailboxProtocol.POP3])
def test_fetching_ends(workspace, dripping, monkeypatch, protocol):
    monkeypatch.setattr(fetching, "SPARE_SECONDS", 0.5)
    server = dripping()
    mailbox = mailbox_at(server, workspace, protocol=protocol)
    assert fetching.fetch(mailbox.pk, owner="test", seconds=0).mails == 0
    mailbox.refresh_from_db()
    assert "does not answer" in mailbox.trouble
    assert (mailbox.held_by, mailbox.is_refused) == ("", False)
    assert server.sent < MOST


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n"


def test_asking_for_a_token_ends(workspace, dripping, settings, monkeypatch):
    settings.OWN_PROVIDERS = ["127.0.0.1"]
    monkeypatch.setattr(oauth, "SECONDS", 0.5)
    server = dripping(HEAD)
    mailbox = mailbox_at(
        server,
        workspace,
        token_url=f"http://127.0.0.1:{server.port}/",
        encrypted_secret=secrets.encrypt(json.dumps({"refresh_token": "again"})),
    )
    with pytest.raises(trouble.MailboxError, match="cannot be reached"):
        oauth.access_token(mailbox)
    assert server.sent < MOST


def test_asking_for_a_certificate_ends(dripping, settings, monkeypatch):
    settings.OWN_PROVIDERS = ["127.0.0.1"]
    monkeypatch.setattr(sns, "SECONDS", 0.5)
    server = dripping(HEAD)
    with pytest.raises(sns.AwayError):
        sns._fetch(f"http://127.0.0.1:{server.port}/x.pem")
    assert server.sent < MOST
