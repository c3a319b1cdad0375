"""IMAP (RFC 3501, 6851, 4315, 2177) by IMAPClient, over our own bounded connections.

A server may say anything: what one command makes us read is bounded, besides the mails themselves,
of which only the beginning is asked for.
"""

import imaplib
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _
from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import CapabilityError, IMAPClientError, LoginError

from accounts.installation import secrets
from delivery.bounces.mailboxes import dial, oauth, trouble
from delivery.models import BounceMailbox
from delivery.states import AfterReading, MailboxAuth, TlsMode

MOST_OF_A_COMMAND: Final = 64 * 1024 * 1024  # bytes of all answers to one command
MOST_FOLDERS: Final = 500
LARGEST_NUMBER: Final = 2**32 - 1  # of a mail and of a folder's numbering (RFC 3501, section 9)
LARGEST_SIZE: Final = 2**40


class _Connection(imaplib.IMAP4):
    """imaplib's connection on a socket that we opened, reading so much for one command at most."""

    def __init__(self, mailbox: BounceMailbox, deadline: dial.Deadline) -> None:
        self._mailbox = mailbox
        self._deadline = deadline
        self.has_read = 0
        super().__init__(mailbox.host, mailbox.port)

    def _create_socket(self, timeout: float | None = None) -> socket.socket:  # noqa: ARG002
        return dial.connect(self._mailbox, self._deadline)

    def _command(self, name: str, *args: Any) -> Any:
        self.has_read = 0
        return super()._command(name, *args)  # type: ignore[misc]  # imaplib's own

    def read(self, size: int) -> bytes:
        self._count(size)
        return super().read(size)

    def readline(self) -> bytes:
        found = super().readline()
        self._count(len(found))
        return found

    def _count(self, size: int) -> None:
        self.has_read += size
        if self.has_read > MOST_OF_A_COMMAND:
            raise self.abort("the server answers too much")


class _Client(IMAPClient):  # type: ignore[misc]  # it has no type information
    """IMAPClient with our connection in it."""

    def __init__(self, mailbox: BounceMailbox, deadline: dial.Deadline) -> None:
        self._mailbox = mailbox
        self._deadline = deadline
        super().__init__(
            mailbox.host,
            mailbox.port,
            ssl=mailbox.tls == TlsMode.IMPLICIT,
            timeout=SocketTimeout(dial.CONNECT_SECONDS, dial.READ_SECONDS),
        )

    def _create_IMAP4(self) -> imaplib.IMAP4:  # noqa: N802 - IMAPClient's name
        return _Connection(self._mailbox, self._deadline)


@dataclass(frozen=True, kw_only=True, slots=True)
class Folder:
    """The opened folder: how many mails are in it, and by which count they are numbered."""

    uid_validity: int
    mails: int


class ImapMailbox:
    """One connection to one IMAP mailbox, of so many ``seconds`` at most.

    Every method may raise `trouble.MailboxError`.
    """

    def __init__(self, mailbox: BounceMailbox, *, seconds: float = dial.WHOLE_SECONDS) -> None:
        self.mailbox = mailbox
        self.deadline = dial.Deadline(seconds)
        self._is_idle = False
        try:
            with _in_words(self):
                self.client = _Client(mailbox, self.deadline)
        except BaseException:
            self.deadline.lift()
            raise
        try:
            self._protect()
            self._sign_in()
            with _in_words(self):
                # Some servers offer more once we are in.
                self.capabilities = {
                    one.decode("ascii", "replace").upper() for one in self.client.capabilities()
                }
        except BaseException:
            self.close()
            raise

    @property
    def has_idle(self) -> bool:
        """Whether the server tells of new mails by itself."""
        return "IDLE" in self.capabilities

    def close(self) -> None:
        """Hang up."""
        with suppress(Exception):  # whatever the server does now changes nothing
            self.client.socket().settimeout(2.0)
            if not self._is_idle:
                self.client.logout()
        with suppress(Exception):
            self.client.shutdown()
        self.deadline.lift()

    def open(self, name: str) -> Folder:
        """Open a folder."""
        with _in_words(self):
            try:
                found = self.client.select_folder(name)
            except IMAPClientError as error:
                if isinstance(error, imaplib.IMAP4.abort):
                    raise
                raise trouble.MailboxError(
                    _("There is no folder “%(folder)s”: %(words)s")
                    % {"folder": name, "words": trouble.said(error)}
                ) from error
        return Folder(
            uid_validity=min(int(found.get(b"UIDVALIDITY", 0)), LARGEST_NUMBER),
            mails=int(found.get(b"EXISTS", 0)),
        )

    def folders(self) -> list[str]:
        """Return the names of the folders that can be opened."""
        with _in_words(self):
            listed = self.client.list_folders()
        return [
            str(name)
            for flags, _between, name in listed[:MOST_FOLDERS]
            if b"\\noselect" not in {flag.lower() for flag in flags}
        ]

    def make_folder(self, name: str) -> None:
        """Make a folder if it isn't there."""
        with _in_words(self):
            if not self.client.folder_exists(name):
                self.client.create_folder(name)

    def after(self, uid: int) -> list[int]:
        """Return the UIDs greater than this one, ascending."""
        with _in_words(self):
            # “*” is the last mail even if it is older, so what came back is looked at.
            found = self.client.search(["UID", f"{uid + 1}:*"])
        return sorted(one for one in found if uid < one <= LARGEST_NUMBER)

    def sizes(self, uids: Sequence[int]) -> dict[int, int]:
        """Return the sizes of these mails in bytes; those that vanished are missing."""
        with _in_words(self):
            found = self.client.fetch(list(uids), ["RFC822.SIZE"])
        return {
            uid: min(int(data[b"RFC822.SIZE"]), LARGEST_SIZE)
            for uid, data in found.items()
            if b"RFC822.SIZE" in data
        }

    def beginnings(self, uids: Sequence[int], *, most: int) -> dict[int, bytes]:
        """Return the first ``most`` bytes of these mails, unread as they were."""
        with _in_words(self):
            found = self.client.fetch(list(uids), [f"BODY.PEEK[]<0.{most}>"])
        mails = {}
        for uid, data in found.items():
            for name, value in data.items():
                if name.upper().startswith(b"BODY[") and isinstance(value, bytes):
                    mails[uid] = value[:most]
        return mails

    def put_away(self, uids: Sequence[int]) -> None:
        """Do with recorded mails what the mailbox's owner chose; what vanished is gone already."""
        if not uids or self.mailbox.after == AfterReading.LEAVE:
            return
        with _in_words(self):
            if self.mailbox.after == AfterReading.MOVE:
                self._move(list(uids))
            else:
                self._expunge(list(uids))

    def idle(self) -> None:
        """Ask the server to tell of new mails."""
        with _in_words(self):
            self.client.idle()
        self._is_idle = True
        self.deadline.lift()  # from here on nobody waits for it

    def told(self) -> list[Any]:
        """Return what the server told since; does not wait."""
        with _in_words(self):
            told = list(self.client.idle_check(timeout=0))
        if any(one and one[0] in {b"BYE", "BYE"} for one in told):
            raise trouble.MailboxError(_("The server hung up."), is_lost=True)
        return told

    @staticmethod
    def is_news(told: Sequence[Any]) -> bool:
        """Say whether there are new mails by what a server told."""
        return any(isinstance(one, tuple) and len(one) > 1 and one[1] == b"EXISTS" for one in told)

    def fileno(self) -> int:
        """Return the connection's number, for a selector."""
        return int(self.client.socket().fileno())

    def _move(self, uids: list[int]) -> None:
        target = self.mailbox.move_to
        if "MOVE" in self.capabilities:
            try:
                self.client.move(uids, target)
            except IMAPClientError as error:
                if isinstance(error, imaplib.IMAP4.abort):
                    raise
                self.make_folder(target)
                self.client.move(uids, target)
            return
        try:
            self.client.copy(uids, target)
        except IMAPClientError as error:
            if isinstance(error, imaplib.IMAP4.abort):
                raise
            self.make_folder(target)
            self.client.copy(uids, target)
        self._expunge(uids)

    def _expunge(self, uids: list[int]) -> None:
        self.client.delete_messages(uids, silent=True)
        if "UIDPLUS" in self.capabilities:
            self.client.uid_expunge(uids)
        else:
            # Takes along what others marked as deleted: the protocol knows no other way.
            self.client.expunge()

    def _protect(self) -> None:
        if self.mailbox.tls != TlsMode.STARTTLS:
            return
        with _in_words(self):
            if not self.client.has_capability("STARTTLS"):
                raise trouble.MailboxError(
                    _("%(host)s offers no STARTTLS on this port.") % {"host": self.mailbox.host}
                )
            self.client.starttls(dial.context_of(self.mailbox))
            self.client.socket().settimeout(dial.READ_SECONDS)

    def _sign_in(self) -> None:
        if self.mailbox.auth == MailboxAuth.XOAUTH2:
            token = oauth.access_token(self.mailbox, seconds=self.deadline.rest())
            if not self._takes(token):
                # Revoked or expired before its time: once more with a new one.
                token = oauth.access_token(self.mailbox, is_new=True, seconds=self.deadline.rest())
                if not self._takes(token):
                    raise trouble.refused(self.mailbox.host, _("the access token is refused"))
            return
        try:
            password = secrets.decrypt(self.mailbox.encrypted_secret)
        except secrets.UnreadableSecretError as error:
            raise oauth.unreadable() from error
        with _in_words(self):
            if self.client.has_capability("LOGINDISABLED"):
                raise trouble.MailboxError(
                    _("%(host)s takes passwords only over TLS.") % {"host": self.mailbox.host}
                )
            try:
                if self.client.has_capability("AUTH=PLAIN"):
                    self.client.plain_login(self.mailbox.username, password)
                else:
                    self.client.login(self.mailbox.username, password)
            except LoginError as error:
                raise _refused(self.mailbox, error) from error

    def _takes(self, token: str) -> bool:
        """Say whether the server lets us in with a token."""
        with _in_words(self):
            try:
                self.client.oauth2_login(self.mailbox.username, token)
            except LoginError as error:
                if isinstance(error.__context__, imaplib.IMAP4.abort):
                    raise error.__context__ from error
                return False
        return True


def _refused(mailbox: BounceMailbox, error: Exception) -> trouble.MailboxError:
    """Tell a wrong password from a server that has no time (RFC 5530: UNAVAILABLE, INUSE)."""
    cause = error.__context__
    if isinstance(cause, imaplib.IMAP4.abort):  # the connection broke while we signed in
        return trouble.of_connection(mailbox.host, mailbox.port, cause)
    words = trouble.said(error)
    if any(code in words.upper() for code in ("[UNAVAILABLE]", "[INUSE]", "[LIMIT]")):
        return trouble.MailboxError(f"{mailbox.host}: {words}")
    return trouble.refused(mailbox.host, words)


@contextmanager
def _in_words(server: ImapMailbox) -> Iterator[None]:
    """Turn what a connection or a server does wrong into a `MailboxError`."""
    mailbox = server.mailbox
    with server.deadline.explained(mailbox):
        try:
            yield
        except trouble.MailboxError:
            raise
        except CapabilityError as error:
            raise trouble.MailboxError(f"{mailbox.host}: {trouble.said(error)}") from error
        except (OSError, imaplib.IMAP4.abort, EOFError) as error:
            raise trouble.of_connection(mailbox.host, mailbox.port, error) from error
        except (imaplib.IMAP4.error, ValueError, KeyError, TypeError, IndexError) as error:
            raise trouble.MailboxError(
                _("%(host)s sent an answer that we do not understand: %(words)s")
                % {"host": mailbox.host, "words": trouble.said(error)}
            ) from error
