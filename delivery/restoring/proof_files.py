"""Reads who got mail out of a mail server's log, a provider's events, or a list of addresses.

Understood, plain or gzipped: logs of Postfix and Exim, JSON objects one a line (Mailgun), and CSV
with a column of addresses or Message-IDs (SendGrid, Mailgun, Postmark, SES, one's own). What a line
proves is that the server has taken the mail from us: also one that it deferred or returned later,
since it is the server that tries again.
"""

import csv
import gzip
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Any, Final

from django.utils.dateparse import parse_datetime

LONGEST_LINE: Final = 20_000
MOST_QUEUED: Final = 2_000_000  # mails of a log whose Message-ID is remembered
SNIFFED: Final = 200
SECONDS_OF_NOW: Final = 1_000_000_000  # smaller numbers are no moments

_POSTFIX: Final = re.compile(r"postfix\S*/\w+\[\d+\]: (?:\w+: )??([0-9A-Za-z]{6,20}): (.*)")
_POSTFIX_ID: Final = re.compile(r"message-id=<?([^>\s]+)")
_POSTFIX_TO: Final = re.compile(r"to=<([^>]*)>.*?\bstatus=(\w+)")
_POSTFIX_ORIGINAL: Final = re.compile(r"orig_to=<([^>]+)>")
_EXIM: Final = re.compile(
    r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\S*)(?: [+-]\d{4})?(?: \[\d+\])? "
    r"(\w{6}-\w{6,11}-\w{2,4}) (<=|=>|->|==|\*\*) (.*)"
)
_EXIM_ID: Final = re.compile(r"\bid=(\S+)")
_ADDRESS: Final = re.compile(r"[^\s<>,;\"']+@[^\s<>,;\"']+")
_ISO: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*")
_SYSLOG: Final = re.compile(r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d")

ADDRESS_COLUMNS: Final = (
    *("email", "e-mail", "recipient", "to", "rcpt", "address", "emailaddress", "recipients"),
    *("message.headers.to", "destination", "alamat", "surel"),
)
ID_COLUMNS: Final = (
    *("message-id", "messageid", "message_id", "smtp-id", "smtp_id", "smtpmessageid"),
    *("message.headers.message-id", "internetmessageid"),
)
EVENT_COLUMNS: Final = ("event", "type", "status", "recordtype", "eventtype")
TIME_COLUMNS: Final = ("timestamp", "time", "date", "processed", "receivedat", "deliveredat")
# The provider did not take, or threw away before trying, what has one of these.
NOT_TAKEN: Final = frozenset({"dropped", "rejected", "reject", "suppressed", "renderingfailure"})


class UnreadableProofError(Exception):
    """Nothing in the file is understood; the words say what would be."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProofLine:
    """One mail of one person: its Message-ID and address as far as they are known, and when."""

    line: int
    message_id: str = ""
    address: str = ""
    at: datetime | None = None
    is_log: bool = False  # of a server that may carry other people's mail, too


def read(file: IO[bytes]) -> Iterator[ProofLine]:
    """Yield what a file says.

    Raises:
        UnreadableProofError: it is of no kind that is understood.
    """
    beginning = file.read(2)
    file.seek(0)
    raw: IO[bytes] = gzip.open(file) if beginning == b"\x1f\x8b" else file  # type: ignore[assignment]  # noqa: SIM115 - the caller's file
    text = io.TextIOWrapper(raw, encoding="utf-8-sig", errors="replace", newline=None)
    first: list[str] = []
    for line in text:
        first.append(line[:LONGEST_LINE])
        if len(first) >= SNIFFED:
            break

    def lines() -> Iterator[str]:
        yield from first
        yield from (line[:LONGEST_LINE] for line in text)

    if any(_POSTFIX.search(line) for line in first):
        yield from _postfix(lines())
    elif any(_EXIM.match(line) for line in first):
        yield from _exim(lines())
    elif first and first[0].lstrip().startswith("{"):
        yield from _objects(lines())
    else:
        yield from _table(first, lines())


def _postfix(lines: Iterator[str]) -> Iterator[ProofLine]:
    ids: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        found = _POSTFIX.search(line)
        if found is None:
            continue
        queued, words = found.groups()
        if (named := _POSTFIX_ID.search(words)) and len(ids) < MOST_QUEUED:
            ids[queued] = named[1]
        if to := _POSTFIX_TO.search(words):
            original = _POSTFIX_ORIGINAL.search(words)
            address = original[1] if original else to[1]
            yield ProofLine(
                line=number,
                message_id=ids.get(queued, ""),
                address=address,
                at=_moment(line),
                is_log=True,
            )


def _exim(lines: Iterator[str]) -> Iterator[ProofLine]:
    ids: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        found = _EXIM.match(line)
        if found is None:
            continue
        _at, queued, sign, words = found.groups()
        if sign == "<=":
            if (named := _EXIM_ID.search(words)) and len(ids) < MOST_QUEUED:
                ids[queued] = named[1]
            continue
        to = _ADDRESS.search(words)
        yield ProofLine(
            line=number,
            message_id=ids.get(queued, ""),
            address=to[0] if to else "",
            at=_moment(line),
            is_log=True,
        )


def _objects(lines: Iterator[str]) -> Iterator[ProofLine]:
    for number, line in enumerate(lines, start=1):
        try:
            given = json.loads(line)
        except ValueError:
            continue
        if isinstance(given, dict):
            flat = dict(_flat(given))
            if found := _row(number, flat):
                yield found


def _flat(given: dict[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for key, value in given.items():
        name = f"{before}{str(key).lower()}"
        if isinstance(value, dict):
            yield from _flat(value, f"{name}.")
        elif isinstance(value, str | int | float):
            yield name, str(value)


def _table(first: list[str], lines: Iterator[str]) -> Iterator[ProofLine]:
    """Read CSV with a head, or lines that have an address each."""
    sample = "".join(first)
    try:
        dialect: Any = csv.Sniffer().sniff(sample, delimiters=",;\t|")
    except csv.Error:
        dialect = csv.excel
    head = [name.strip().lower() for name in next(csv.reader(first[:1], dialect), [])]
    if {*ADDRESS_COLUMNS, *ID_COLUMNS}.intersection(head):
        for number, row in enumerate(csv.reader(lines, dialect), start=1):
            if number > 1 and (found := _row(number, dict(zip(head, row, strict=False)))):
                yield found
        return
    if not any(_ADDRESS.search(line) for line in first):
        raise UnreadableProofError(
            "No line is of a Postfix or Exim log, a JSON event, or has an address. Give the mail "
            "server's log as it is, or a CSV file with a column “email” or “message-id”."
        )
    for number, line in enumerate(lines, start=1):
        if to := _ADDRESS.search(line):
            yield ProofLine(line=number, address=to[0])


def _row(number: int, row: dict[str, str]) -> ProofLine | None:
    def of(columns: tuple[str, ...]) -> str:
        return next((row[name].strip() for name in columns if row.get(name)), "")

    if of(EVENT_COLUMNS).lower().replace("_", "").replace(" ", "") in NOT_TAKEN:
        return None
    named, to = of(ID_COLUMNS).strip("<>"), _ADDRESS.search(of(ADDRESS_COLUMNS))
    if not named and not to:
        return None
    return ProofLine(
        line=number,
        message_id=named,
        address=to[0] if to else "",
        at=_moment(of(TIME_COLUMNS)),
    )


def _moment(words: str) -> datetime | None:
    """Read of when a line is: ISO, seconds since 1970, or syslog's, without year and zone."""
    if found := _ISO.search(words):
        try:
            at = parse_datetime(found[0].rstrip(",;:").replace(" ", "T"))
        except ValueError:
            return None
        return at.astimezone(UTC) if at else None
    if found := _SYSLOG.match(words):
        now = datetime.now().astimezone()
        try:
            at = datetime.strptime(f"{now.year} {found[0]}", "%Y %b %d %H:%M:%S").astimezone()
        except ValueError:
            return None
        return at if at <= now else at.replace(year=at.year - 1)
    try:
        seconds = float(words)
        return datetime.fromtimestamp(seconds, tz=UTC) if seconds > SECONDS_OF_NOW else None
    except (ValueError, OverflowError, OSError):
        return None
