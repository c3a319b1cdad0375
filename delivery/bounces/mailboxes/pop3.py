"""POP3 (RFC 1939, 2449, 2595) by the standard library, over our own bounded connections.

`poplib` keeps every line of an answer; here an answer ends up as its beginning. What is deleted is
deleted when we say goodbye: who is killed before has deleted nothing.
"""

import base64
import poplib
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from django.utils.translation import gettext as _

from accounts.installation import secrets
from delivery.bounces.mailboxes import dial, oauth, trouble
from delivery.models import BounceMailbox
from delivery.states import MailboxAuth, TlsMode

LONGEST_LINE: Final = 1024 * 1024
MOST_LINES: Final = 200_000  # of a list: a mailbox with more is read part by part
MOST_READ: Final = 256 * 1024 * 1024  # bytes of one mail that are read past, where TOP is missing
LARGEST_SIZE: Final = 2**40
LINES: Final = 15_000  # asked for of a large mail: about as much as is kept


class _Connection(poplib.POP3):
    """poplib's connection on a socket that we opened."""

    def __init__(self, mailbox: BounceMailbox, deadline: dial.Deadline) -> None:
        self._mailbox = mailbox
        self._deadline = deadline
        self.most = LONGEST_LINE
        try:
            super().__init__(mailbox.host, mailbox.port, timeout=dial.READ_SECONDS)
        except BaseException:
            if hasattr(self, "file"):
                self.close()  # poplib leaves it open where the greeting is wrong
            raise

    def _create_socket(self, timeout: float) -> socket.socket:
        connection = dial.connect(self._mailbox, self._deadline)
        connection.settimeout(timeout)
        return connection

    def _getline(self) -> tuple[bytes, int]:
        # The standard library's limit is 2,048 bytes; mails have longer lines.
        line = self.file.readline(LONGEST_LINE)
        if not line:
            raise poplib.error_proto("-ERR EOF")
        return line.removesuffix(b"\n").removesuffix(b"\r"), len(line)

    def _getlongresp(self) -> tuple[bytes, list[bytes], int]:
        answer = self._getresp()  # type: ignore[attr-defined]  # poplib's own
        lines: list[bytes] = []
        kept = read = 0
        while (found := self._getline())[0] != b".":
            line, size = found
            read += size
            if read > MOST_READ:
                raise poplib.error_proto("-ERR the server answers too much")
            if kept < self.most and len(lines) < MOST_LINES:
                line = line[1:] if line.startswith(b"..") else line
                lines.append(line)
                kept += len(line) + 2
        return answer, lines, read


class Pop3Mailbox:
    """One connection to one POP3 mailbox, of so many ``seconds`` at most.

    Every method may raise `trouble.MailboxError`.
    """

    def __init__(self, mailbox: BounceMailbox, *, seconds: float = dial.WHOLE_SECONDS) -> None:
        self.mailbox = mailbox
        self.deadline = dial.Deadline(seconds)
        try:
            with _in_words(self):
                self.client = _Connection(mailbox, self.deadline)
        except BaseException:
            self.deadline.lift()
            raise
        try:
            with _in_words(self):
                self._protect()
                self._sign_in()
                self.can_top = "TOP" in self._capabilities()
        except BaseException:
            self.drop()
            raise

    def close(self) -> None:
        """Say goodbye: what was marked is deleted now."""
        try:
            with _in_words(self):
                self.client.quit()
        finally:
            self.drop()

    def drop(self) -> None:
        """Hang up; nothing is deleted."""
        with suppress(Exception):
            self.client.close()
        self.deadline.lift()

    def sizes(self) -> dict[int, int]:
        """Return the sizes of all mails in bytes, by their numbers in this session."""
        with _in_words(self):
            listed = self._list(self.client.list)
        found = {}
        for one in listed:
            number, _blank, size = one.partition(b" ")
            found[int(number)] = min(int(size.split()[0]), LARGEST_SIZE)
        return found

    def names(self) -> dict[int, bytes]:
        """Return what tells each mail from all others (UIDL), by their numbers in this session."""
        try:
            with _in_words(self):
                listed = self._list(self.client.uidl)
        except trouble.MailboxError as error:
            raise trouble.MailboxError(
                _(
                    "%(host)s does not tell emails apart (no UIDL). Choose to delete emails "
                    "after reading."
                )
                % {"host": self.mailbox.host}
            ) from error
        found = {}
        for one in listed:
            number, _blank, name = one.partition(b" ")
            found[int(number)] = name.strip()[:200]
        return found

    def beginning(self, number: int, *, size: int, most: int) -> bytes:
        """Return the first ``most`` bytes of a mail."""
        with _in_words(self):
            self.client.most = most
            try:
                if size > most and self.can_top:
                    _answer, lines, _size = self.client.top(number, LINES)
                else:
                    _answer, lines, _size = self.client.retr(number)
            finally:
                self.client.most = LONGEST_LINE
        return b"".join(line + b"\r\n" for line in lines)[:most]

    def delete(self, number: int) -> None:
        """Mark a mail; it is deleted by `close`."""
        with _in_words(self):
            self.client.dele(number)

    def _list(self, ask: Any) -> list[bytes]:
        self.client.most = MOST_LINES * 100
        try:
            return list(ask()[1])
        finally:
            self.client.most = LONGEST_LINE

    def _capabilities(self) -> dict[str, list[str]]:
        try:
            return self.client.capa()
        except poplib.error_proto:
            return {"TOP": []}  # as old as RFC 1939; it says no if it has none

    def _protect(self) -> None:
        if self.mailbox.tls != TlsMode.STARTTLS:
            return
        try:
            self.client.stls(dial.context_of(self.mailbox))
        except poplib.error_proto as error:
            raise trouble.MailboxError(
                _("%(host)s offers no STARTTLS on this port.") % {"host": self.mailbox.host}
            ) from error

    def _sign_in(self) -> None:
        if self.mailbox.auth == MailboxAuth.XOAUTH2:
            if (
                self._takes_token(oauth.access_token(self.mailbox, seconds=self.deadline.rest()))
                is None
            ):
                return
            answer = self._takes_token(
                oauth.access_token(self.mailbox, is_new=True, seconds=self.deadline.rest())
            )
            if answer is not None:
                raise trouble.refused(self.mailbox.host, answer)
            return
        try:
            password = secrets.decrypt(self.mailbox.encrypted_secret)
        except secrets.UnreadableSecretError as error:
            raise oauth.unreadable() from error
        if not (self.mailbox.username + password).isprintable():
            raise trouble.refused(self.mailbox.host, _("it holds a line break or the like"))
        try:
            self.client.user(self.mailbox.username)
            self.client.pass_(password)
        except poplib.error_proto as error:
            raise _refused(self.mailbox, error) from error

    def _takes_token(self, token: str) -> bytes | None:
        """Try a token (RFC 5034, as Google and Microsoft document XOAUTH2); None: we are in."""
        words = f"user={self.mailbox.username}\1auth=Bearer {token}\1\1".encode()
        command = b"AUTH XOAUTH2 " + base64.b64encode(words)
        try:
            answer = self.client._shortcmd(command.decode("ascii"))  # type: ignore[attr-defined]  # noqa: SLF001
            if answer.startswith(b"+OK"):
                return None
            self.client._shortcmd("")  # type: ignore[attr-defined]  # noqa: SLF001 - "go on": why not
        except poplib.error_proto as error:
            return bytes(error.args[0]) if error.args else b""
        return bytes(answer)


def _refused(mailbox: BounceMailbox, error: Exception) -> trouble.MailboxError:
    """Tell a wrong password from a server that has no time (RFC 2449, 3206)."""
    words = trouble.said(error.args[0] if error.args else "")
    if any(code in words.upper() for code in ("[IN-USE]", "[SYS/", "[LOGIN-DELAY]")):
        return trouble.MailboxError(f"{mailbox.host}: {words}")
    return trouble.refused(mailbox.host, words)


@contextmanager
def _in_words(server: Pop3Mailbox) -> Iterator[None]:
    """Turn what a connection or a server does wrong into a `MailboxError`."""
    mailbox = server.mailbox
    with server.deadline.explained(mailbox):
        try:
            yield
        except trouble.MailboxError:
            raise
        except OSError as error:
            raise trouble.of_connection(mailbox.host, mailbox.port, error) from error
        except (poplib.error_proto, ValueError, IndexError) as error:
            words = error.args[0] if error.args else ""
            if b"EOF" in (words if isinstance(words, bytes) else str(words).encode()):
                raise trouble.of_connection(mailbox.host, mailbox.port, EOFError("EOF")) from error
            raise trouble.MailboxError(f"{mailbox.host}: {trouble.said(words)}") from error
