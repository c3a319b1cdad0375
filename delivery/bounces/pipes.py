"""Addresses that take returned mails by HTTP: an unguessable word each, known here by its hash."""

import secrets as chance
from hashlib import sha256
from typing import Final

from accounts.installation import secrets
from delivery.models import BounceMailbox
from delivery.states import MailboxProtocol

BYTES: Final = 24  # 192 bits


def renew(mailbox: BounceMailbox) -> str:
    """Give a mailbox a new address, to be saved by the caller; the one before ends."""
    word = chance.token_urlsafe(BYTES)
    mailbox.encrypted_secret = secrets.encrypt(word)
    mailbox.address_hash = _hash(word)
    return word


def word_of(mailbox: BounceMailbox) -> str:
    """Return the word in a mailbox's address; "" if SECRET_KEY has changed since."""
    try:
        return secrets.decrypt(mailbox.encrypted_secret)
    except secrets.UnreadableSecretError:
        return ""


def find(word: str) -> BounceMailbox | None:
    """Return the mailbox whose address this word opens."""
    found = BounceMailbox.objects.filter(
        protocol=MailboxProtocol.PIPE, address_hash=_hash(word[:200])
    )
    return found.select_related("workspace", "account").first()


def _hash(word: str) -> str:
    return sha256(word.encode("utf-8", "replace")).hexdigest()
