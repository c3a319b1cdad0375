"""Connections that break in the middle: what was recorded stays, and the rest comes later."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from django.utils import timezone

from accounts.models import SetAside
from delivery.bounces.mailboxes import fetching
from delivery.models import BounceMailbox, ReturnedMail
from delivery.states import AfterReading, MailboxProtocol
from tests.delivery.bounces import mails
from tests.delivery.bounces.dovecot import Dovecot

MakeMailbox = Callable[..., BounceMailbox]
BOTH = [MailboxProtocol.IMAP, MailboxProtocol.POP3]


class Cutter:
    """Stands before a server and cuts the line: after so many bytes, or before some words."""

    def __init__(self) -> None:
        self.after: int | None = None
        self.before = b""
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.target = 0
        self._threads: list[threading.Thread] = []
        self._is_over = False
        thread = threading.Thread(target=self._accept)
        thread.start()
        self._threads.append(thread)

    def _accept(self) -> None:
        while not self._is_over:
            with contextlib.suppress(OSError):
                client, _where = self._socket.accept()
                server = socket.create_connection(("127.0.0.1", self.target))
                for work in ((client, server, False), (server, client, True)):
                    thread = threading.Thread(target=self._pass_on, args=work)
                    thread.start()
                    self._threads.append(thread)

    def _pass_on(self, source: socket.socket, sink: socket.socket, is_answer: bool) -> None:  # noqa: FBT001
        passed, tail = 0, b""
        with contextlib.suppress(OSError):
            while data := source.recv(4096):
                passed += len(data)
                tail = (tail + data)[-8192:]
                if is_answer and self.after is not None and passed > self.after:
                    break
                if is_answer and self.before and self.before in tail:
                    break
                sink.sendall(data)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            if is_answer:
                one.close()

    def close(self) -> None:
        """Stop listening, and wait until all is passed on."""
        self._is_over = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in self._threads:
            thread.join(10)


@pytest.fixture
def cutter() -> Iterator[Cutter]:
    found = Cutter()
    yield found
    found.close()


def fetch(mailbox: BounceMailbox) -> fetching.Fetched:
    BounceMailbox.objects.update(held_until=timezone.now())
    found = fetching.fetch(mailbox.pk, owner="test", seconds=60)
    mailbox.refresh_from_db()
    return found


@pytest.mark.parametrize("protocol", BOTH)
def test_a_line_that_breaks_again_and_again_loses_nothing(
    make_mailbox: MakeMailbox, dovecot: Dovecot, cutter: Cutter, protocol: str
) -> None:
    cutter.target = dovecot.imap if protocol == MailboxProtocol.IMAP else dovecot.pop3
    mailbox = make_mailbox(port=cutter.port, protocol=protocol)
    dovecot.lay([mails.bounce(f"p{n}@resep.example", number=n) for n in range(20)])
    counts = []
    for after in (900, 9_000, 5_000):
        cutter.after = after
        fetch(mailbox)
        assert mailbox.trouble
        assert not mailbox.is_refused
        counts.append(ReturnedMail.objects.count())
    assert counts == sorted(counts)
    assert 0 < counts[-1] < 20
    cutter.after = None
    fetch(mailbox)
    assert (ReturnedMail.objects.count(), mailbox.trouble) == (20, "")


@pytest.mark.parametrize("protocol", BOTH)
def test_a_mail_that_breaks_the_line_is_passed_over(
    make_mailbox: MakeMailbox, dovecot: Dovecot, cutter: Cutter, protocol: str
) -> None:
    cutter.target = dovecot.imap if protocol == MailboxProtocol.IMAP else dovecot.pop3
    cutter.before = b"breaks-the-line"
    mailbox = make_mailbox(port=cutter.port, protocol=protocol, after=AfterReading.LEAVE)
    bad = mails.plain("Bad", "breaks-the-line", number=99)
    dovecot.lay([mails.bounce(number=1), bad, mails.bounce("b@b.example", number=2)])
    for _try in range(fetching.STUCK + 2):
        fetch(mailbox)
    assert mailbox.trouble == ""
    assert ReturnedMail.objects.count() == 2
    assert SetAside.objects.filter(kind="returned mail").count() == 1
