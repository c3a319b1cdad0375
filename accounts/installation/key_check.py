"""Whether SECRET_KEY is the one that this database was used with.

The row keeps a value that follows from the key and from which the key cannot be found. With another
key, links in mail that was sent do not work, and passwords that are kept cannot be read: nobody
would hear of it but those who want to unsubscribe.
"""

from enum import Enum
from hashlib import blake2b

from django.conf import settings

from accounts.models import Installation


class KeyState(Enum):
    """What became of the key."""

    SAME = "same"
    ROTATED = "rotated"  # the earlier one is among SECRET_KEY_FALLBACKS
    CHANGED = "changed"


def look() -> KeyState:
    """Compare; a database that keeps no value yet takes the present key for the right one."""
    row = Installation.objects.only("secret_check").first()
    if row is None:
        return KeyState.SAME
    if not row.secret_check:
        accept()
        return KeyState.SAME
    if row.secret_check == _value(settings.SECRET_KEY):
        return KeyState.SAME
    if row.secret_check in map(_value, settings.SECRET_KEY_FALLBACKS):
        return KeyState.ROTATED
    return KeyState.CHANGED


def accept() -> None:
    """Take the present key for the right one from now on."""
    Installation.objects.update(secret_check=_value(settings.SECRET_KEY))


def _value(key: str) -> str:
    secret = blake2b(key.encode()).digest()
    return blake2b(b"is this the key", key=secret, digest_size=16).hexdigest()
