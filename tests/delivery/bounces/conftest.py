"""A Dovecot for all tests of a process, emptied before each of them."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from accounts.installation import secrets
from accounts.models import Workspace
from delivery.models import BounceMailbox, Message
from delivery.states import MailboxProtocol, TlsMode
from tests.delivery import makers
from tests.delivery.bounces import dovecot as dovecots


@pytest.fixture(scope="session")
def _dovecot() -> Iterator[dovecots.Dovecot]:
    with dovecots.running() as found:
        yield found


@pytest.fixture
def dovecot(_dovecot: dovecots.Dovecot) -> dovecots.Dovecot:
    _dovecot.empty()
    return _dovecot


@pytest.fixture
def make_mailbox(workspace: Workspace, dovecot: dovecots.Dovecot) -> Callable[..., BounceMailbox]:
    """Return a function that makes a mailbox row for the test's Dovecot."""

    def make(**fields: Any) -> BounceMailbox:
        values = {
            "workspace": workspace,
            "name": "Bounces",
            "host": "127.0.0.1",
            "port": dovecot.imap,
            "tls": TlsMode.NONE,
            "username": dovecots.USER,
            "encrypted_secret": secrets.encrypt(dovecots.PASSWORD),
            **fields,
        }
        if values.get("protocol") == MailboxProtocol.POP3 and "port" not in fields:
            values["port"] = dovecot.pop3
        return BounceMailbox.objects.create(**values)

    return make


@pytest.fixture
def message(workspace: Workspace) -> Message:
    """A message to Nina that was sent."""
    person = makers.make_subscriber(workspace, "nina@resep.example")
    return makers.make_message(makers.make_sent_campaign(workspace), person)
