"""Is this mailbox set up right? Looked into while a person waits, and nothing is changed."""

import time
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from delivery.bounces.mailboxes import trouble
from delivery.bounces.mailboxes.imap import ImapMailbox
from delivery.bounces.mailboxes.pop3 import Pop3Mailbox
from delivery.models import BounceMailbox
from delivery.states import AfterReading, MailboxProtocol

MOST_SHOWN: Final = 30  # folders
SECONDS: Final = 20.0  # somebody waits, and keeps a thread of the web server


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What was found in a mailbox, or ``sentence``: why it cannot be read."""

    sentence: str = ""
    note: str = ""
    folders: tuple[str, ...] = ()
    mails: int = 0
    has_idle: bool = False
    milliseconds: int = 0

    @property
    def works(self) -> bool:
        """Whether the mailbox can be read."""
        return not self.sentence


def look(mailbox: BounceMailbox) -> Found:
    """Sign in and look around, for `SECONDS` at most."""
    began = time.monotonic()
    try:
        found = _imap(mailbox) if mailbox.protocol == MailboxProtocol.IMAP else _pop3(mailbox)
    except trouble.MailboxError as error:
        return Found(sentence=error.sentence)
    return Found(
        note=found.note,
        folders=found.folders,
        mails=found.mails,
        has_idle=found.has_idle,
        milliseconds=int((time.monotonic() - began) * 1000),
    )


def _imap(mailbox: BounceMailbox) -> Found:
    server = ImapMailbox(mailbox, seconds=SECONDS)
    try:
        folders = server.folders()
        mails = server.open(mailbox.folder or "INBOX").mails
        is_missing = mailbox.after == AfterReading.MOVE and mailbox.move_to not in folders
        return Found(
            note=_("The folder “%(folder)s” is made when the first mail is moved.")
            % {"folder": mailbox.move_to}
            if is_missing
            else "",
            folders=tuple(folders[:MOST_SHOWN]),
            mails=mails,
            has_idle=server.has_idle,
        )
    finally:
        server.close()


def _pop3(mailbox: BounceMailbox) -> Found:
    server = Pop3Mailbox(mailbox, seconds=SECONDS)
    try:
        mails = len(server.sizes())
        if mailbox.after != AfterReading.DELETE:
            server.names()
        return Found(mails=mails)
    finally:
        server.drop()
