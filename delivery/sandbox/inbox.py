"""What the sandbox keeps: mails as they came, the newest so many of each workspace.

Mail of the installation itself belongs to no workspace; only superusers may see it.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from typing import Any, Final

import structlog
from django.db import Error as DatabaseTrouble
from django.db import IntegrityError, close_old_connections, connection, transaction
from django.utils import timezone

from delivery.mime import tokens
from delivery.models import SandboxMessage
from delivery.sandbox import addresses
from delivery.sandbox.smtp_record import Received

MOST: Final = 20_000  # mails kept per workspace; the oldest make room
TRIM_EVERY: Final = 1_000  # mails stored between two looks at that
NOBODYS: Final = "550 5.7.1 this workspace is gone"
_USER: Final = re.compile(r"sandbox-([1-9][0-9]{0,17})")
_FIELD: Final = re.compile(
    rb"^(subject|message-id|x-warta-message):[ \t]*([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)",
    re.IGNORECASE | re.MULTILINE,
)
# Numbers that test mails carry instead of one of the ledger's begin here.
_NO_LEDGER: Final = 2**47
_TABLE: Final = "delivery_sandboxmessage"
_COLUMNS: Final = {
    "workspace_id": "int8",
    "received_at": "timestamptz",
    "envelope_from": "text",
    "envelope_to": "text",
    "subject": "text",
    "message_id": "text",
    "size": "int4",
    "raw": "bytea",
    "ledger_id": "int8",
    "answer_due": "int2",
}
log = structlog.get_logger()
_since_trim: dict[int | None, int] = {}


class StoreError(Exception):
    """The database does not take mails just now."""


def workspace_of(user: str) -> int | None:
    """Return whose sandbox account this is; None: no workspace's."""
    found = _USER.fullmatch(user)
    return int(found[1]) if found else None


def keep(mails: Sequence[Received]) -> dict[int, str]:
    """Store mails in one commit, one row per recipient; return refusals by position.

    Raises:
        StoreError: the database is away; nothing was stored.
    """
    now = timezone.now()
    rows = [list(_rows(mail, now)) for mail in mails]
    try:
        try:
            _copy([row for group in rows for row in group])
            refused: dict[int, str] = {}
        except IntegrityError:  # a workspace was deleted while its mails were on their way
            refused = _keep_one_by_one(rows)
        _trim(rows)
    except DatabaseTrouble as error:
        log.warning("sandbox cannot store mail", error=str(error).splitlines()[:1])
        close_old_connections()  # broken ones: the next batch connects anew
        raise StoreError from error
    return refused


def _rows(mail: Received, now: datetime) -> "list[tuple[Any, ...]]":
    head = mail.data.partition(b"\r\n\r\n")[0]
    found = {name.lower(): value for name, value in reversed(_FIELD.findall(head))}
    subject = decoded(found.get(b"subject", b""))[:500]
    message_id = decoded(found.get(b"message-id", b""))[:255]
    workspace = workspace_of(mail.user)
    ledger_id = _ledger_id(found.get(b"x-warta-message", b"")) if workspace else None
    return [
        (
            workspace,
            now,
            _clean(mail.envelope_from)[:320],
            _clean(person)[:320],
            subject,
            message_id,
            len(mail.data),
            mail.data,
            ledger_id,
            addresses.answer_of(person) if workspace else None,
        )
        for person in mail.envelope_to
    ]


def _ledger_id(token: bytes) -> int | None:
    """Return the ledger's number of a mail that carries our token."""
    found = tokens.read(token.strip().decode("ascii", "replace"), tokens.Purpose.MESSAGE)
    return found if found is not None and found < _NO_LEDGER else None


def decoded(value: bytes) -> str:
    """Return a header's value as people read it (RFC 2047, and plain UTF-8 by RFC 6532)."""
    text = " ".join(value.decode("utf-8", "replace").split())
    if "=?" in text:
        try:
            text = str(make_header(decode_header(text)))
        except (HeaderParseError, LookupError, ValueError):
            return _clean(text)
    return _clean(text)


def _clean(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable())


def _copy(rows: "list[tuple[Any, ...]]") -> None:
    command = f"COPY {_TABLE} ({', '.join(_COLUMNS)}) FROM STDIN (FORMAT BINARY)"
    with transaction.atomic(), connection.cursor() as cursor:
        # A few mails at a time come in, and each client waits for its own: waiting for the disk
        # too would make the sandbox twenty times slower. PostgreSQL holds what is committed; only
        # its own crash could cost the last half second of a sandbox.
        cursor.execute("SET LOCAL synchronous_commit = off")
        with cursor.copy(command) as copy:
            copy.set_types(list(_COLUMNS.values()))  # binary: no mail is doubled into hex digits
            for row in rows:
                copy.write_row(row)


def _keep_one_by_one(rows: "list[list[tuple[Any, ...]]]") -> dict[int, str]:
    refused = {}
    for number, group in enumerate(rows):
        try:
            _copy(group)
        except IntegrityError:
            refused[number] = NOBODYS
    return refused


def _trim(rows: "list[list[tuple[Any, ...]]]") -> None:
    """Now and then let go of what is more than `MOST`."""
    for group in rows:
        for row in group:
            _since_trim[row[0]] = _since_trim.get(row[0], TRIM_EVERY) + 1
    for workspace, count in list(_since_trim.items()):
        if count >= TRIM_EVERY:
            _since_trim[workspace] = 0
            trim(workspace)


def trim(workspace: int | None) -> None:
    """Keep a workspace's newest `MOST` mails (None: the installation's)."""
    kept = SandboxMessage.objects.filter(workspace=workspace).order_by("-pk")
    last = next(iter(kept.values_list("pk", flat=True)[MOST : MOST + 1]), None)
    if last is not None:
        SandboxMessage.objects.filter(workspace=workspace, pk__lte=last).delete()
