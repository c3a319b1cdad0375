"""A server tells of new mails by itself, and we hear it at once."""

import shutil
import subprocess
from collections.abc import Callable, Iterator

import pytest
from django.db import connections

from delivery.bounces.mailboxes import fetching, listening
from delivery.models import BounceMailbox
from tests.delivery.bounces import mails
from tests.delivery.bounces.dovecot import Dovecot

pytestmark = pytest.mark.django_db(transaction=True)
MakeMailbox = Callable[..., BounceMailbox]


@pytest.fixture
def woken() -> list[int]:
    return []


@pytest.fixture
def listener(woken: list[int]) -> Iterator[listening.Listener]:
    found = listening.Listener(woken.append)
    yield found
    found.close()
    connections.close_all()


def until(listener: listening.Listener, is_there: Callable[[], bool]) -> bool:
    """Let the listener work until something is there; at most so many turns."""
    for _turn in range(40):
        if is_there():
            return True
        listener.tick(0.5)
    return is_there()


def test_the_server_is_asked_whether_it_tells(make_mailbox: MakeMailbox) -> None:
    mailbox = make_mailbox()
    fetching.fetch(mailbox.pk, owner="test", seconds=60)
    mailbox.refresh_from_db()
    assert mailbox.has_idle


def test_news_wakes_at_once(
    make_mailbox: MakeMailbox,
    dovecot: Dovecot,
    listener: listening.Listener,
    woken: list[int],
) -> None:
    mailbox = make_mailbox(has_idle=True)
    assert until(listener, lambda: mailbox.pk in listener.listening)
    assert until(listener, lambda: woken == [mailbox.pk])  # for what came before
    woken.clear()
    dovecot.put(mails.bounce())
    assert until(listener, lambda: woken[:1] == [mailbox.pk])


def test_paused_and_broken_ones_are_left_alone(
    make_mailbox: MakeMailbox, listener: listening.Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "LOOK_SECONDS", 0.0)
    mailbox = make_mailbox(has_idle=True)
    make_mailbox(name="other", has_idle=True, port=1)
    assert until(listener, lambda: listener.listening == {mailbox.pk})
    BounceMailbox.objects.update(is_paused=True)
    assert until(listener, lambda: listener.listening == set())


def test_a_connection_that_broke_is_opened_again(
    make_mailbox: MakeMailbox,
    dovecot: Dovecot,
    listener: listening.Listener,
    woken: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listening, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(listening, "AGAIN_SECONDS", 0.0)
    mailbox = make_mailbox(has_idle=True)
    assert until(listener, lambda: mailbox.pk in listener.listening)
    woken.clear()
    doveadm = shutil.which("doveadm")
    assert doveadm
    subprocess.run(
        [str(doveadm), "-c", str(dovecot.home / "dovecot.conf"), "kick", mailbox.username],
        check=True,
        capture_output=True,
    )
    assert until(listener, lambda: bool(woken))  # opened anew
    assert mailbox.pk in listener.listening
