"""The server's side of AUTH: PLAIN, LOGIN, CRAM-MD5, XOAUTH2."""

import hmac
import secrets
import time
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Generator

# Yields challenges, is sent answers, returns the name of who has proved to be who they say.
Proving = Generator[bytes, bytes, str]
Users = Callable[[str], str | None]  # name → password; None: no such user


def begin(mechanism: str, users: Users) -> Proving | None:
    """Return the conversation of a mechanism, or None if there is no such thing."""
    kinds = {"PLAIN": _plain, "LOGIN": _login, "CRAM-MD5": _cram_md5, "XOAUTH2": _xoauth2}
    kind = kinds.get(mechanism)
    return kind(users) if kind else None


def decoded(line: bytes) -> bytes | None:
    """Decode an answer; None: it is not base64."""
    try:
        return b64decode(line, validate=True)
    except (Base64Error, ValueError):
        return None


def challenge_line(challenge: bytes) -> str:
    """Return the 334 line of a challenge."""
    return f"334 {b64encode(challenge).decode('ascii')}"


def _check(users: Users, name: str, password: str) -> str:
    right = users(name)
    fits = right is not None and hmac.compare_digest(right.encode(), password.encode())
    return name if fits else ""


def _plain(users: Users) -> Proving:
    answer = yield b""
    parts = answer.decode("utf-8", "replace").split("\0")
    return _check(users, parts[-2], parts[-1]) if len(parts) > 1 else ""


def _login(users: Users) -> Proving:
    name = yield b"Username:"
    password = yield b"Password:"
    return _check(users, name.decode("utf-8", "replace"), password.decode("utf-8", "replace"))


def _cram_md5(users: Users) -> Proving:
    challenge = f"<{secrets.token_hex(8)}.{int(time.time())}@localhost>".encode()
    answer = yield challenge
    name, _, digest = answer.decode("utf-8", "replace").rpartition(" ")
    right = hmac.new((users(name) or "").encode(), challenge, "md5").hexdigest()
    fits = users(name) is not None and hmac.compare_digest(right, digest)
    return name if fits else ""


def _xoauth2(users: Users) -> Proving:
    answer = yield b""
    parts = dict(
        part.partition("=")[::2] for part in answer.decode("utf-8", "replace").split("\x01") if part
    )
    token = parts.get("auth", "").removeprefix("Bearer ")
    name = _check(users, parts.get("user", ""), token)
    if not name:
        yield b'{"status":"401"}'
    return name
