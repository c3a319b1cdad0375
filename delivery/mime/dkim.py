"""DKIM signatures (RFC 6376, RFC 8301, RFC 8463), relaxed/relaxed, made while sending.

A body arrives already canonical: its constants were made so once, which leaves the hash and the
key's own arithmetic. Where keys are kept is not this module's matter.
"""

import re
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

# What a receiver shows or acts on. From stands twice so that none can be added (RFC 6376 §8.15);
# the unsubscribe fields must be covered for one-click to count (RFC 8058 §4).
SIGNED = (
    b"from from reply-to to subject date message-id mime-version content-type list-id "
    b"list-unsubscribe list-unsubscribe-post feedback-id"
).split()
MIN_RSA_BITS = 1024  # RFC 8301 §3.2

_FIELD_END = re.compile(rb"\r\n(?![ \t])")
_SPACES = re.compile(rb"[ \t]+")
_SPACE_AT_END = re.compile(rb"[ \t]+(?=\r\n|\Z)")
_FOLD = re.compile(rb"\r\n(?=[ \t])")
_MANY_SPACES = re.compile(rb"[ \t]{2,}|\t")


@dataclass(frozen=True, kw_only=True, slots=True)
class SigningKey:
    """A domain's private key under a selector."""

    domain: str
    selector: str
    key: RSAPrivateKey | Ed25519PrivateKey


def load_key(*, domain: str, selector: str, pem: bytes) -> SigningKey:
    """Read a private key.

    Raises:
        ValueError: not an RSA key of at least 1024 bits nor an Ed25519 key.
    """
    key = load_pem_private_key(pem, password=None)
    if isinstance(key, RSAPrivateKey) and key.key_size >= MIN_RSA_BITS:
        return SigningKey(domain=domain, selector=selector, key=key)
    if isinstance(key, Ed25519PrivateKey):
        return SigningKey(domain=domain, selector=selector, key=key)
    raise ValueError("DKIM needs an RSA key of at least 1024 bits or an Ed25519 key.")


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs with every key given: RSA for all receivers, Ed25519 beside it for those who can."""

    keys: tuple[SigningKey, ...]

    def sign(self, head: bytes, body: Iterable[bytes], *, timestamp: int) -> bytes:
        """Return the DKIM-Signature fields to put on top of a message.

        ``head`` is all fields, each ended by CRLF (an empty line at its end does no harm); ``body``
        is in relaxed form but for empty lines at its end; ``timestamp`` is Unix time.
        """
        canonical = b"".join(body).rstrip(b"\r\n")
        body_hash = b64encode(sha256(canonical + b"\r\n" if canonical else b"").digest())
        names, fields = _signed_fields(head)
        return b"".join(_signature(key, names, fields, body_hash, timestamp) for key in self.keys)


def _signed_fields(head: bytes) -> tuple[bytes, bytes]:
    """Return the h= list and the canonical fields in its order (RFC 6376 §3.4.2, §5.4.2)."""
    found: dict[bytes, list[bytes]] = {}
    for field in _FIELD_END.split(head):
        name, _colon, value = field.partition(b":")
        name = name.strip().lower()
        if name in SIGNED:
            found.setdefault(name, []).append(name + b":" + _relaxed_value(value) + b"\r\n")
    names: list[bytes] = []
    fields: list[bytes] = []
    for name in SIGNED:
        # From's second mention finds nothing left, which is its purpose.
        if name in found:
            names.append(name)
            if found[name]:
                fields.append(found[name].pop())
    return b":".join(names), b"".join(fields)


def _relaxed_value(value: bytes) -> bytes:
    return _SPACES.sub(b" ", _FOLD.sub(b"", value)).strip()


def _signature(
    signing: SigningKey, names: bytes, fields: bytes, body_hash: bytes, timestamp: int
) -> bytes:
    algorithm = b"rsa-sha256" if isinstance(signing.key, RSAPrivateKey) else b"ed25519-sha256"
    value = (b"v=1; a=%b; c=relaxed/relaxed; d=%b; s=%b; t=%d;\r\n h=%b;\r\n bh=%b;\r\n b=") % (
        algorithm,
        signing.domain.encode("idna"),
        signing.selector.encode("idna"),
        timestamp,
        names.replace(b":list-id", b":\r\n list-id"),
        body_hash,
    )
    data = fields + b"dkim-signature:" + _relaxed_value(value)
    if isinstance(signing.key, RSAPrivateKey):
        raw = signing.key.sign(data, PKCS1v15(), hashes.SHA256())
    else:
        raw = signing.key.sign(sha256(data).digest())  # RFC 8463 §3: the hash is what is signed
    encoded = b64encode(raw)
    lines = [encoded[start : start + 72] for start in range(0, len(encoded), 72)]
    return b"DKIM-Signature: " + value + b"\r\n ".join(lines) + b"\r\n"


def relaxed_body(piece: bytes) -> bytes:
    """Bring a piece of a body into relaxed form (RFC 6376 §3.4.4) but for empty lines at its end.

    Pieces may be joined afterwards when none but the last ends in a space or tab.
    """
    if not _MANY_SPACES.search(piece) and b" \r\n" not in piece:
        return piece
    return _SPACES.sub(b" ", _SPACE_AT_END.sub(b"", piece))


def sign_message(data: bytes, signer: Signer, *, timestamp: int) -> bytes:
    """Sign a whole message (CRLF line ends) that was not compiled; return it with signatures."""
    head, _empty, body = data.partition(b"\r\n\r\n")
    return signer.sign(head + b"\r\n", [relaxed_body(body)], timestamp=timestamp) + data
