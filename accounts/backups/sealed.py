"""Encrypted files that need nothing of Warta: AES-256-GCM in chunks, the key from a password.

The format: the line ``WARTA-SEALED-1``, a line of JSON (``salt`` and ``nonce`` in hexadecimal;
``n``, ``r``, ``p`` of scrypt), then chunks. Each begins with four bytes, its length; the rest is
AES-256-GCM (key: scrypt of the password, 32 bytes) of up to a megabyte. A chunk's nonce is the
file's eight bytes and four bytes that count chunks from 0; its associated data is the byte 1 for
the last chunk and 0 for all others, so that a file that was cut short is noticed.

This module alone decrypts, with the package ``cryptography``: ``python sealed.py FILE > OUT``.
"""

import getpass
import json
import os
import struct
import sys
from typing import IO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

MAGIC: Final = b"WARTA-SEALED-1\n"
CHUNK: Final = 1 << 20
COST: Final = {"n": 2**16, "r": 8, "p": 1}
MOST_COST: Final = 2**20
LONGEST_HEAD: Final = 1_000


class SealError(Exception):
    """The file is damaged or cut short, or the password is another."""


def seal(source: IO[bytes], target: IO[bytes], password: str) -> None:
    """Encrypt all of ``source`` into ``target``."""
    salt, nonce = os.urandom(16), os.urandom(8)
    head = {"salt": salt.hex(), "nonce": nonce.hex(), **COST}
    target.write(MAGIC + json.dumps(head).encode() + b"\n")
    box = AESGCM(_key(password, salt, **COST))
    number, chunk = 0, source.read(CHUNK)
    while True:
        following = source.read(CHUNK)
        last = b"\0" if following else b"\1"
        data = box.encrypt(nonce + struct.pack(">I", number), chunk, last)
        target.write(struct.pack(">I", len(data)) + data)
        if not following:
            return
        number, chunk = number + 1, following


def is_sealed(source: IO[bytes]) -> bool:
    """Say whether a file is one of these; leaves it at its beginning."""
    beginning = source.read(len(MAGIC))
    source.seek(0)
    return beginning == MAGIC


def unseal(source: IO[bytes], target: IO[bytes], password: str) -> None:
    """Decrypt all of ``source`` into ``target``; what was written before an error is worthless.

    Raises:
        SealError: it is damaged or cut short, or the password is another.
    """
    if source.readline(LONGEST_HEAD) != MAGIC:
        raise SealError("This is not an encrypted backup.")
    try:
        head = json.loads(source.readline(LONGEST_HEAD))
        salt, nonce = bytes.fromhex(head["salt"]), bytes.fromhex(head["nonce"])
        cost = {name: int(head[name]) for name in COST}
        if max(cost.values()) > MOST_COST:
            raise SealError("The encrypted backup asks for more memory than it should.")
        box = AESGCM(_key(password, salt, **cost))
    except (ValueError, KeyError, TypeError) as error:
        raise SealError("The beginning of the encrypted backup is damaged.") from error
    number, is_last = 0, False
    while not is_last:
        size = source.read(4)
        if len(size) < 4:  # noqa: PLR2004 - bytes of the length
            raise SealError("The encrypted backup was cut short.")
        data = source.read(min(struct.unpack(">I", size)[0], 2 * CHUNK))
        is_last = not source.peek(1) if hasattr(source, "peek") else False
        try:
            where = nonce + struct.pack(">I", number)
            target.write(box.decrypt(where, data, b"\1" if is_last else b"\0"))
        except InvalidTag as error:
            words = "The password is another, or the encrypted backup is damaged or cut short."
            raise SealError(words) from error
        number += 1


def _key(password: str, salt: bytes, *, n: int, r: int, p: int) -> bytes:
    return Scrypt(salt=salt, length=32, n=n, r=r, p=p).derive(password.encode())


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as file:  # noqa: PTH123 - buffered, so that it can be peeked into
        unseal(file, sys.stdout.buffer, getpass.getpass("Password: "))
