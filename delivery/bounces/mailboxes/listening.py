"""Waiting for news by IDLE (RFC 2177): one thread holds a connection to every mailbox that can.

It runs beside beat, of which there is exactly one, so no worker is held up by waiting and no
mailbox is listened to twice. It changes nothing but when a mailbox is looked into: whatever it
misses, beat's own round finds.
"""

import logging
import selectors
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from django.db import close_old_connections

from delivery.bounces.mailboxes import holding, trouble
from delivery.bounces.mailboxes.imap import ImapMailbox
from delivery.models import BounceMailbox
from delivery.states import MailboxProtocol

MOST: Final = 100  # mailboxes; the others are looked into every few minutes
LOOK_SECONDS: Final = 10.0  # between two looks at which mailboxes there are
# Servers and routers forget a silent connection after 10 to 30 minutes.
RENEW_SECONDS: Final = 9 * 60.0
AGAIN_SECONDS: Final = 120.0  # after a connection broke
MOST_SILENT: Final = 3  # readable and yet nothing to read: the other side is gone
log = logging.getLogger(__name__)


@dataclass
class _Line:
    """One mailbox, and the connection to it once that is open."""

    settings: Hashable
    opening: "Future[ImapMailbox] | None" = None
    server: ImapMailbox | None = None
    since: float = 0.0
    again_at: float = 0.0
    silent: int = field(default=0)


class Listener:
    """Calls ``wake`` with a mailbox's number when its server tells of new mails."""

    def __init__(self, wake: Callable[[int], None]) -> None:
        self._wake = wake
        self._lines: dict[int, _Line] = {}
        self._selector = selectors.DefaultSelector()
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="mailbox")
        self._looked_at = float("-inf")

    def run(self, is_over: Callable[[], bool]) -> None:
        """Listen until it is over; nothing that happens ends it before."""
        while not is_over():
            try:
                self.tick(1.0)
            except Exception:
                log.exception("mailbox.listening")
                time.sleep(LOOK_SECONDS)
        self.close()

    def tick(self, seconds: float) -> None:
        """Wait for news, so long at most, and look after the connections."""
        if time.monotonic() - self._looked_at > LOOK_SECONDS:
            self._look()
        self._open()
        for key, _events in self._selector.select(seconds):
            self._hear(key.data)

    @property
    def listening(self) -> set[int]:
        """The mailboxes that are listened to at this moment."""
        return {pk for pk, line in self._lines.items() if line.server is not None}

    def close(self) -> None:
        """Hang up everywhere."""
        for pk in list(self._lines):
            self._drop(pk)
        self._lines.clear()
        self._threads.shutdown(wait=True)
        self._selector.close()

    def _look(self) -> None:
        """See which mailboxes are to be listened to."""
        close_old_connections()
        self._looked_at = time.monotonic()
        wanted = {mailbox.pk: mailbox for mailbox in _wanted()}
        for pk in set(self._lines) - set(wanted):
            self._drop(pk)
            del self._lines[pk]
        now = time.monotonic()
        for pk, mailbox in wanted.items():
            settings = _settings(mailbox)
            line = self._lines.setdefault(pk, _Line(settings=settings))
            if line.settings != settings or (line.server and now - line.since > RENEW_SECONDS):
                self._drop(pk)
                line.settings = settings
            if line.server is None and line.opening is None and now >= line.again_at:
                line.opening = self._threads.submit(_open, mailbox)

    def _open(self) -> None:
        """Take over the connections that are open by now."""
        for pk, line in self._lines.items():
            if line.opening is None or not line.opening.done():
                continue
            opening, line.opening = line.opening, None
            try:
                line.server = opening.result()
            except trouble.MailboxError:
                # The next round says it in words, and knows when to try again.
                line.again_at = time.monotonic() + AGAIN_SECONDS
                continue
            line.since, line.silent = time.monotonic(), 0
            self._selector.register(line.server, selectors.EVENT_READ, pk)
            self._wake(pk)  # what came before we listened

    def _hear(self, pk: int) -> None:
        line = self._lines[pk]
        assert line.server is not None  # noqa: S101 - it is registered
        try:
            told = line.server.told()
        except trouble.MailboxError:
            self._drop(pk)
            line.again_at = time.monotonic() + AGAIN_SECONDS
            return
        line.silent = 0 if told else line.silent + 1
        if line.silent >= MOST_SILENT:
            self._drop(pk)
            line.again_at = time.monotonic() + AGAIN_SECONDS
        elif line.server.is_news(told):
            self._wake(pk)

    def _drop(self, pk: int) -> None:
        line = self._lines[pk]
        server, line.server = line.server, None
        if line.opening is not None:
            line.opening.add_done_callback(_close)
            line.opening = None
        if server is not None:
            with suppress(KeyError, ValueError):
                self._selector.unregister(server)
            # Saying goodbye may take a moment: not here.
            self._threads.submit(server.close)


def _wanted() -> list[BounceMailbox]:
    found = BounceMailbox.objects.filter(
        protocol=MailboxProtocol.IMAP, has_idle=True, is_paused=False, failures=0
    )
    return list(found.order_by("pk")[:MOST])


def _settings(mailbox: BounceMailbox) -> Hashable:
    return (
        *(mailbox.host, mailbox.port, mailbox.tls, mailbox.verify_certificate, mailbox.folder),
        *(mailbox.auth, mailbox.username, bytes(mailbox.encrypted_secret), mailbox.client_id),
    )


def _open(mailbox: BounceMailbox) -> ImapMailbox:
    try:
        server = ImapMailbox(mailbox)
    finally:
        close_old_connections()  # an access token may have been stored
    try:
        server.open(mailbox.folder or "INBOX")
        server.idle()
    except BaseException:
        server.close()
        raise
    return server


def _close(opening: "Future[ImapMailbox]") -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()


def woken(fetch: Callable[[int], object]) -> Callable[[int], None]:
    """Return what a listener calls: it makes a mailbox due, and has it fetched."""

    def wake(mailbox_id: int) -> None:
        holding.wake(mailbox_id)
        fetch(mailbox_id)

    return wake
