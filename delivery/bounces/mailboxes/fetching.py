"""A mailbox is walked: each new mail is handed to `intake`, and only then put away.

The order is what makes it safe to be killed anywhere: a mail is fetched, its row committed, the
mail moved or deleted, and only then noted how far the folder is read. Whatever is missing of that
happens again, and a mail that is known changes nothing.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from django.utils.translation import gettext as _

from accounts.background import set_aside
from delivery.bounces import intake, keeping, showing
from delivery.bounces.keeping import LARGEST
from delivery.bounces.mailboxes import holding, trouble
from delivery.bounces.mailboxes.imap import ImapMailbox
from delivery.bounces.mailboxes.pop3 import Pop3Mailbox
from delivery.models import BounceMailbox
from delivery.states import AfterReading, FeedbackSource, MailboxProtocol

MOST_AT_ONCE: Final = 50  # mails that are fetched by one command
BYTES_AT_ONCE: Final = 8 * 1024 * 1024
MOST_OF_A_SESSION: Final = 500  # POP3: what is deleted is deleted at the end of a session
MOST_SEEN: Final = 100_000  # POP3 mails that are left in their mailbox
SPARE_SECONDS: Final = 30.0  # for the command under way; with them the lease does not end
STUCK: Final = 3  # times that a mail may break the connection
log = logging.getLogger(__name__)


class _LostError(Exception):
    """Somebody else reads this mailbox now, or it was changed or paused."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetched:
    """What one look into a mailbox brought; ``more``: time was up before its end."""

    mails: int = 0
    more: bool = False


def fetch(
    mailbox_id: int, *, owner: str, seconds: float, is_over: Callable[[], bool] = lambda: False
) -> Fetched:
    """Fetch a mailbox's new mails for some seconds; never raises what one mailbox does wrong.

    Raises:
        accounts.background.set_aside.AWAY: the database is away.
    """
    mailbox = holding.hold(mailbox_id, owner)
    if mailbox is None:
        return Fetched()
    until = time.monotonic() + seconds
    walk = _Walk(mailbox, until=until, is_over=is_over)
    try:
        more = walk.imap() if mailbox.protocol == MailboxProtocol.IMAP else walk.pop3()
    except trouble.MailboxError as error:
        log.warning("mailbox.trouble", extra={"mailbox": mailbox_id, "lost": error.is_lost})
        holding.give_up(mailbox, error)
        return Fetched(mails=walk.mails)
    except _LostError:
        return Fetched(mails=walk.mails)
    except Exception as error:
        if set_aside.is_away(error):
            raise  # the lease ends by itself
        set_aside.note("mailbox", subject=str(mailbox_id), error=error)
        holding.give_up(mailbox, trouble.unexpected())
        return Fetched(mails=walk.mails)
    if not more:
        holding.release(mailbox, warning=walk.warning)
    return Fetched(mails=walk.mails, more=more)


class _Walk:
    """One look into one mailbox."""

    def __init__(
        self, mailbox: BounceMailbox, *, until: float, is_over: Callable[[], bool]
    ) -> None:
        self.mailbox = mailbox
        self.until = until
        self._is_stopped = is_over
        self.mails = 0
        self.warning = ""
        # Where a connection broke we go mail by mail, to find the one that breaks it.
        self.at_once = 1 if mailbox.failures else MOST_AT_ONCE

    def is_over(self) -> bool:
        """Say whether it is time to end."""
        return self._is_stopped() or time.monotonic() > self.until

    def _seconds(self) -> float:
        """Return how long a connection may last that is opened now."""
        return max(self.until - time.monotonic(), 0.0) + SPARE_SECONDS

    def imap(self) -> bool:
        """Walk an IMAP folder; returns whether time was up before its end."""
        server = ImapMailbox(self.mailbox, seconds=self._seconds())
        try:
            folder = server.open(self.mailbox.folder or "INBOX")
            if folder.uid_validity != self.mailbox.uid_validity:
                # The server counts anew: everything is looked at, nothing counts twice.
                self._note(uid_validity=folder.uid_validity, last_uid=0)
            if server.has_idle != self.mailbox.has_idle:
                self._note(has_idle=server.has_idle)
            waiting = server.after(self.mailbox.last_uid)
            while waiting:
                if self.is_over():
                    return True
                part, waiting = waiting[: self.at_once], waiting[self.at_once :]
                sizes = server.sizes(part)
                for batch in _by_size(part, sizes):
                    if self.is_over():
                        return True
                    self._imap_batch(server, batch, sizes)
                # What came meanwhile woke nobody, because we hold the mailbox.
                waiting = waiting or server.after(self.mailbox.last_uid)
            return False
        finally:
            server.close()

    def _imap_batch(self, server: ImapMailbox, batch: Sequence[int], sizes: dict[int, int]) -> None:
        if self._is_stuck(batch[0]):
            self._note(last_uid=batch[0], stuck_at=0, stuck_count=0)
            batch = batch[1:]
            if not batch:
                return
        try:
            found = self._beginnings(server, batch)
        except trouble.MailboxError as error:
            if error.is_lost and len(batch) == 1:
                self._stick(batch[0])
            raise
        recorded = [
            uid
            for uid in batch
            if uid in found and self._take(found[uid], size=sizes.get(uid, 0), name=str(uid))
        ]
        try:
            server.put_away(recorded)
        except trouble.MailboxError as error:
            if error.is_lost:
                raise
            self.warning = error.sentence  # they are read and counted, and stay where they are
        self._note(last_uid=batch[-1], stuck_at=0, stuck_count=0)

    def _beginnings(self, server: ImapMailbox, batch: Sequence[int]) -> dict[int, bytes]:
        """Fetch mails, one by one where the server does not like one of them."""
        try:
            return server.beginnings(batch, most=LARGEST)
        except trouble.MailboxError as error:
            if error.is_lost:
                raise
        found: dict[int, bytes] = {}
        for uid in batch:
            try:
                found |= server.beginnings([uid], most=LARGEST)
            except trouble.MailboxError as error:
                if error.is_lost:
                    raise
                set_aside.put("returned mail", subject=self._subject(str(uid)), error=error)
        return found

    def pop3(self) -> bool:
        """Walk a POP3 mailbox, session after session; returns whether time was up before."""
        while self._pop3_session():
            if self.is_over():
                return True
        return False

    def _pop3_session(self) -> bool:
        """Read so many mails at most; returns whether there are more."""
        server = Pop3Mailbox(self.mailbox, seconds=self._seconds())
        try:
            more = self._pop3_mails(server)
        except BaseException:
            server.drop()
            raise
        server.close()
        return more

    def _pop3_mails(self, server: Pop3Mailbox) -> bool:
        sizes = server.sizes()
        leaves = self.mailbox.after != AfterReading.DELETE
        names = {number: _short(name) for number, name in server.names().items()} if leaves else {}
        # What is in the mailbox no more is forgotten here.
        seen = _pieces(bytes(self.mailbox.seen)) & set(names.values())
        done, ends_early = 0, False
        for number, size in sizes.items():
            name = names.get(number, b"")
            if leaves and name in seen:
                continue
            if done >= MOST_OF_A_SESSION or (done and self.is_over()):
                ends_early = True
                break
            done += 1
            is_taken = self._pop3_mail(server, number, size, name)
            if leaves:
                seen.add(name)
                if done % self.at_once == 0:
                    self._note(seen=_joined(seen))
            elif is_taken:
                server.delete(number)
        self._note(seen=_joined(seen), stuck_at=0, stuck_count=0)
        return ends_early

    def _pop3_mail(self, server: Pop3Mailbox, number: int, size: int, name: bytes) -> bool:
        mark = int.from_bytes(name or _short(str(size).encode()), "big", signed=True)
        if self._is_stuck(mark):
            return False
        try:
            raw = server.beginning(number, size=size, most=LARGEST)
        except trouble.MailboxError as error:
            if error.is_lost:
                self._stick(mark)
                raise
            set_aside.put("returned mail", subject=self._subject(str(number)), error=error)
            return False
        return self._take(raw, size=size, name=str(number))

    def _take(self, raw: bytes, *, size: int, name: str) -> bool:
        """Take one mail in; returns whether it is recorded."""
        try:
            intake.take(
                raw,
                workspace=self.mailbox.workspace,
                source=FeedbackSource.BOUNCE_MAIL,
                mailbox=self.mailbox,
                account=self.mailbox.account,
                size=size,
            )
        except Exception as error:
            if set_aside.is_away(error):
                raise
            set_aside.note("returned mail", subject=self._subject(name), error=error)
            if not self._keep_failed(raw, size=size, name=name, error=error):
                return False
        self.mails += 1
        return True

    def _keep_failed(self, raw: bytes, *, size: int, name: str, error: Exception) -> bool:
        """Record a mail that could not be taken in, to be looked at and read once more later."""
        words = set_aside.without_values(f"{type(error).__name__}: {error}")
        try:
            keeping.keep(
                raw,
                workspace=self.mailbox.workspace,
                source=FeedbackSource.BOUNCE_MAIL,
                mailbox=self.mailbox,
                size=size,
                trouble=showing.line(words, 300),
            )
        except Exception as again:
            if set_aside.is_away(again):
                raise
            set_aside.note("returned mail", subject=self._subject(name), error=again)
            self.warning = _("An email could not be recorded. It is still in the mailbox.")
            return False
        return True

    def _subject(self, name: str) -> str:
        return f"mailbox {self.mailbox.pk}, mail {name}"

    def _note(self, **values: object) -> None:
        if not holding.progress(self.mailbox, **values):
            raise _LostError

    def _stick(self, mark: int) -> None:
        """Note that this mail broke the connection."""
        again = self.mailbox.stuck_at == mark
        self._note(stuck_at=mark, stuck_count=self.mailbox.stuck_count + 1 if again else 1)

    def _is_stuck(self, mark: int) -> bool:
        """Say whether a mail broke the connection too often: it is passed over from now on."""
        if self.mailbox.stuck_at != mark or self.mailbox.stuck_count < STUCK:
            return False
        words = "the connection broke each time that it was fetched"
        set_aside.put("returned mail", subject=self._subject(str(mark)), error=words)
        return True


def _by_size(uids: Sequence[int], sizes: dict[int, int]) -> Iterator[list[int]]:
    """Cut a batch so that each part brings so many bytes at most; those that vanished go along."""
    batch: list[int] = []
    bytes_of_batch = 0
    for uid in uids:
        size = min(sizes.get(uid, 0), LARGEST)
        if batch and bytes_of_batch + size > BYTES_AT_ONCE:
            yield batch
            batch, bytes_of_batch = [], 0
        batch.append(uid)
        bytes_of_batch += size
    if batch:
        yield batch


def _short(name: bytes) -> bytes:
    return blake2b(name, digest_size=8).digest()


def _pieces(stored: bytes) -> set[bytes]:
    return {stored[at : at + 8] for at in range(0, len(stored), 8)}


def _joined(seen: set[bytes]) -> bytes:
    return b"".join(list(seen)[:MOST_SEEN])
