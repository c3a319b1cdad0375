"""What a test server accepted: one line per mail, in memory or in a file, before it says 250."""

import json
import os
import re
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    import asyncio

_HEADER: Final = re.compile(
    rb"^(message-id|x-id):[ \t]*([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """One whole mail as a session got it; ``data`` without the dots of RFC 5321 §4.5.2."""

    envelope_from: str
    envelope_to: tuple[str, ...]
    data: bytes
    user: str  # who signed in; "" for nobody
    session: int
    secure: bool


class Keeper(Protocol):
    """Takes the mails a server accepts."""

    def keep(self, mail: Received) -> "str | asyncio.Future[str]":
        """Keep a mail; return words of refusal ("452 4.3.1 full"), or "" when it is kept.

        A keeper that needs time returns a future of them: the client waits for it.
        """


@dataclass(frozen=True, kw_only=True, slots=True)
class Accepted:
    """One line of the record. ``x_id``: the header X-Id, for tests that number their mails."""

    at: float
    envelope_from: str
    envelope_to: tuple[str, ...]
    message_id: str
    x_id: str
    size: int
    session: int
    user: str = ""
    secure: bool = False
    body: str = ""  # the whole mail, where it was asked for


@dataclass
class Recorder:
    """Keeps what was accepted in memory, and in a file of JSON lines if there is a path."""

    path: Path | None = None
    with_body: bool = False
    accepted: list[Accepted] = field(default_factory=list)
    _file: int = -1

    def keep(self, mail: Received) -> str:
        """Write the mail's line; it is in the kernel's hands before this returns."""
        head = mail.data.partition(b"\r\n\r\n")[0]
        found = {match[1].lower(): b" ".join(match[2].split()) for match in _HEADER.finditer(head)}
        line = Accepted(
            at=time.time(),
            envelope_from=mail.envelope_from,
            envelope_to=mail.envelope_to,
            message_id=found.get(b"message-id", b"").decode("utf-8", "replace"),
            x_id=found.get(b"x-id", b"").decode("utf-8", "replace"),
            size=len(mail.data),
            session=mail.session,
            user=mail.user,
            secure=mail.secure,
            body=mail.data.decode("utf-8", "surrogateescape") if self.with_body else "",
        )
        if self.path is None:
            self.accepted.append(line)
            return ""
        if self._file < 0:
            self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(self._file, json.dumps(asdict(line)).encode("ascii") + b"\n")
        return ""

    def close(self) -> None:
        """Close the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def read(path: Path) -> list[Accepted]:
    """Read a file of JSON lines back."""
    return [
        Accepted(**{**line, "envelope_to": tuple(line["envelope_to"])})
        for line in map(json.loads, path.read_text(encoding="ascii").splitlines())
    ]
