"""Passwords at rest: encrypted with a key made from SECRET_KEY (Fernet: AES-128-CBC and HMAC).

To change SECRET_KEY, put the old one into SECRET_KEY_FALLBACKS: what it encrypted is still read,
and `renew` encrypts it anew.
"""

from base64 import urlsafe_b64encode
from hashlib import blake2b

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

_PERSON = b"warta-passwords"


class UnreadableSecretError(Exception):
    """It was encrypted with a SECRET_KEY that is known neither as such nor as a fallback."""


def encrypt(text: str) -> bytes:
    """Encrypt; nothing stays nothing."""
    return _box().encrypt(text.encode()) if text else b""


def decrypt(stored: bytes | memoryview) -> str:
    """Decrypt what `encrypt` returned.

    Raises:
        UnreadableSecretError: no known key fits.
    """
    if not stored:
        return ""
    try:
        return _box().decrypt(bytes(stored)).decode()
    except InvalidToken as error:
        raise UnreadableSecretError from error


def renew(stored: bytes | memoryview) -> bytes:
    """Encrypt with the present key what an older one encrypted.

    Raises:
        UnreadableSecretError: no known key fits.
    """
    return encrypt(decrypt(stored))


def derive(purpose: str) -> str:
    """Return a password that follows from SECRET_KEY and a purpose: the same at every start."""
    key = blake2b(settings.SECRET_KEY.encode(), digest_size=32, person=_PERSON).digest()
    return urlsafe_b64encode(blake2b(purpose.encode(), key=key, digest_size=24).digest()).decode()


def _box() -> MultiFernet:
    keys = map(str, [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS])
    return MultiFernet([Fernet(_fernet_key(key)) for key in keys])


def _fernet_key(secret: str) -> bytes:
    return urlsafe_b64encode(blake2b(secret.encode(), digest_size=32, person=_PERSON).digest())
