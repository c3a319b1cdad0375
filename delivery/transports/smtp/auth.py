"""Signing in: PLAIN (RFC 4616), LOGIN, CRAM-MD5 (RFC 2195), XOAUTH2, inside AUTH (RFC 4954).

Each mechanism is a generator: it yields what to say and is sent the server's decoded challenges.
"""

import hmac
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Generator, Iterable
from typing import Final

Saying = Generator[bytes, bytes, None]


class ChallengeError(Exception):
    """The server's challenge is not base64."""


def plain(user: str, password: str) -> Saying:
    """Say everything at once (RFC 4616)."""
    yield f"\0{user}\0{password}".encode()


def login(user: str, password: str) -> Saying:
    """Answer two questions; which is asked first is always the name."""
    yield b""  # no initial response: many servers do not take one
    yield user.encode()
    yield password.encode()


def cram_md5(user: str, password: str) -> Saying:
    """Prove the password without saying it (RFC 2195)."""
    challenge = yield b""
    digest = hmac.new(password.encode(), challenge, "md5").hexdigest()
    yield f"{user} {digest}".encode()


def xoauth2(user: str, password: str) -> Saying:
    """Show an access token (the password); a refusal comes as a challenge, answered by nothing."""
    yield f"user={user}\x01auth=Bearer {password}\x01\x01".encode()
    yield b""


MECHANISMS: Final[dict[str, Callable[[str, str], Saying]]] = {
    "PLAIN": plain,
    "LOGIN": login,
    "CRAM-MD5": cram_md5,
    "XOAUTH2": xoauth2,
}


def shared(wanted: Iterable[str], offered: Iterable[str]) -> list[str]:
    """Return the mechanisms that both sides can, in the order wanted."""
    there = {name.upper() for name in offered}
    return [name for name in wanted if name in there and name in MECHANISMS]


def first_line(mechanism: str, said: bytes) -> bytes:
    """Return the AUTH command, with an initial response if there is one (RFC 4954 §4)."""
    command = b"AUTH " + mechanism.encode("ascii")
    return command + (b" " + b64encode(said) if said else b"") + b"\r\n"


def answer_line(said: bytes) -> bytes:
    """Return the answer to a challenge."""
    return b64encode(said) + b"\r\n"


def challenge(text: str) -> bytes:
    """Decode a challenge.

    Raises:
        ChallengeError: it is not base64.
    """
    try:
        return b64decode(text, validate=True)
    except (Base64Error, ValueError) as error:
        raise ChallengeError from error
