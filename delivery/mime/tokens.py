"""Signed tokens, each good for one message and one purpose.

One keyed BLAKE2b per message gives a long digest; every purpose owns its own slice of it, so a
tracking link that was forwarded can't be turned into an unsubscribe link. A token is the message's
id (6 bytes) and its slice (10 bytes: 80 bits to guess), in URL-safe base64 without padding or, for
return paths, in lower-case base32 (mail systems fold the case of local parts).

Tokens are made with SECRET_KEY; those made with a key of SECRET_KEY_FALLBACKS are still read, since
links in mails that have arrived must work for years.
"""

from base64 import b32decode, b32encode, urlsafe_b64decode, urlsafe_b64encode
from enum import IntEnum
from functools import cache
from hashlib import blake2b
from hmac import compare_digest

from django.conf import settings

ID_BYTES = 6
MAC_BYTES = 10


class Purpose(IntEnum):
    """What a token allows; the number is its slice of the digest. Never renumber."""

    TRACK = 0  # open pixel and clicks
    UNSUBSCRIBE = 1
    PREFERENCES = 2
    VIEW = 3  # the web version
    BOUNCE = 4  # VERP return path
    MESSAGE = 5  # Message-ID and X-Warta-Message: says which mail it is, opens nothing


@cache
def _key(secret: str) -> bytes:
    return blake2b(secret.encode(), person=b"warta-messages").digest()


def digest(message_id: int, *, secret: str = "") -> bytes:
    """Return the 64 bytes that all of a message's tokens are cut from."""
    key = _key(secret or settings.SECRET_KEY)
    return blake2b(message_id.to_bytes(ID_BYTES, "big"), key=key).digest()


def cut(message_id: int, message_digest: bytes, purpose: Purpose) -> bytes:
    """Return a token's raw 16 bytes."""
    start = purpose * MAC_BYTES
    return message_id.to_bytes(ID_BYTES, "big") + message_digest[start : start + MAC_BYTES]


def make(message_id: int, purpose: Purpose) -> str:
    """Make a token for a URL (22 letters), or for a return path (BOUNCE, 26 letters)."""
    raw = cut(message_id, digest(message_id), purpose)
    if purpose is Purpose.BOUNCE:
        return b32encode(raw).decode().rstrip("=").lower()
    return urlsafe_b64encode(raw).decode().rstrip("=")


def read(token: str, purpose: Purpose) -> int | None:
    """Return the message's id, or None when the token is damaged or made for another purpose."""
    try:
        if purpose is Purpose.BOUNCE:
            raw = b32decode(token.upper() + "=" * (-len(token) % 8))
        else:
            raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        return None
    if len(raw) != ID_BYTES + MAC_BYTES:
        return None
    message_id = int.from_bytes(raw[:ID_BYTES], "big")
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        if compare_digest(raw, cut(message_id, digest(message_id, secret=secret), purpose)):
            return message_id
    return None
