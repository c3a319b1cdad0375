"""A file of addresses that must not be written to: one a line, or CSV with reason and date.

Read as SendGrid (bounces, blocks, spam reports, invalid, unsubscribes), Mailgun (bounces,
complaints, unsubscribes), Postmark, Amazon SES and Brevo write them, and as we do. A domain
(``@example.com``, ``*@example.com``) stands for everybody here who has an address there.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from django.utils.translation import gettext as _

from accounts.models import Workspace
from subscribers.imports import layout, moments
from subscribers.imports.error_file import unsafe
from subscribers.imports.normalizing import fold
from subscribers.imports.reader import BrokenRow, Rows
from subscribers.migrate_from import arrivals
from subscribers.migrate_from.arrivals import Arrival, ExportPart, NotBroughtOver, SourceRefused
from subscribers.models import Subscriber
from subscribers.states import SuppressionReason

EXPORT_COLUMNS = ("email", "reason", "since", "detail")  # of our own list, cells made `safe`
REASON = (
    "suppressionreason", "reason", "type", "event", "category", "blockreason", "alasan", "grund",
    "motif", "motivo", "status",
)  # fmt: skip
SINCE = (
    "since", "date", "created", "createdat", "timestamp", "time", "addedat", "suppressedat",
    "lastupdatetime", "blockedat", "addedon", "dateadded", "createdon", "updatedat", "tanggal",
)  # fmt: skip
DETAIL = (
    "detail", "details", "error", "errormessage", "bouncereason", "note", "notes", "comment",
    "comments", "description", "message",
)  # fmt: skip
CODE = ("code", "errorcode", "smtpcode", "status")
ORIGIN = ("origin",)
EMAIL = (
    "email", "emailaddress", "address", "recipient", "mail", "subscriber", "contact",
    "contactemail", "recipientemail", "surel",
)  # fmt: skip
# What the suppression lists of providers and tools call their reasons.
WORDS = {
    SuppressionReason.BOUNCED: (
        "bounce", "cleaned", "undeliver", "invalid", "does not exist", "unknown user", "no such",
    ),
    SuppressionReason.COMPLAINED: ("complain", "spam", "abuse", "fbl"),
    SuppressionReason.UNSUBSCRIBED: (
        "unsub", "optout", "opt-out", "opted out", "opt out", "left", "abgemeldet", "désabonn",
        "desinscri", "désinscri", "baja", "berhenti",
    ),
    SuppressionReason.MANUAL: ("manual", "added by", "blocked", "blocklist", "admin"),
}  # fmt: skip
# What providers call their files, where nothing inside says why: the first piece that fits.
FILES = (
    ("unsub", SuppressionReason.UNSUBSCRIBED),
    ("complain", SuppressionReason.COMPLAINED),
    ("spam", SuppressionReason.COMPLAINED),
    ("invalid", SuppressionReason.BOUNCED),
    ("bounce", SuppressionReason.BOUNCED),
)
# A mail server's own words: 550, 5.1.1, "smtp; 550 …". 4xx was a passing trouble.
SERVER = re.compile(r"\s*(?:smtp\s*;\s*)?([45])(?:\d\d\b|\.\d{1,3}\.\d{1,3})")
POLICY = re.compile(r"\b5\.7\.\d+\b")  # refused for what was sent, not for the address
DOMAIN = re.compile(r"\s*\*?@([^@\s]+)\s*").fullmatch
POSTMARK_MANUAL = "manualsuppression"
RECIPIENT = "recipient"


def part(
    path: Path,
    *,
    name: str,
    reason: SuppressionReason,
    workspace: Workspace | None = None,
    noticed: NotBroughtOver | None = None,
) -> ExportPart:
    """Make a part of one file; ``reason`` is for addresses without one.

    Raises:
        SourceRefused: it has no row.
    """
    found = layout.detect(path)
    first = next(iter(Rows(path, found)), None)
    if first is None or isinstance(first, BrokenRow):
        raise SourceRefused(_("There is no row that can be read in this file."))
    columns = [cell.strip() for cell in first[1]]
    email = arrivals.column(columns, *EMAIL) if found.has_header else _with_at(columns)
    has_header = found.has_header and (email is not None or len(columns) > 1)
    reader = _Reader(
        columns if has_header else [],
        email=email or 0,
        default=_of_file(name) or reason if reason == SuppressionReason.IMPORTED else reason,
        is_ours=tuple(columns) == EXPORT_COLUMNS,
    )

    def rows() -> Iterator[Arrival | BrokenRow]:
        source = iter(Rows(path, found, width=len(columns) if has_header else None))
        if has_header:
            next(source, None)
        for row in source:
            if isinstance(row, BrokenRow):
                yield row
            else:
                yield from _each(reader.read(*row), reader.email, workspace, noticed)

    targets = arrivals.only_address(len(columns), reader.email)
    return ExportPart(name=name, columns=columns, targets=targets, rows=rows)


def _each(
    arrival: Arrival, email: int, workspace: Workspace | None, noticed: NotBroughtOver | None
) -> Iterator[Arrival]:
    """Yield a row's arrival; of a domain one for each person here who has an address there."""
    domain = DOMAIN(arrival.cells[email])
    if not domain or workspace is None or noticed is None:
        yield arrival
        return
    people = Subscriber.objects.filter(
        workspace=workspace, email_key__endswith=f"@{domain[1].lower()}"
    ).values_list("email", flat=True)
    noticed.count("domains")
    for address in people.iterator():
        cells = list(arrival.cells)
        cells[email] = address
        yield Arrival(
            number=arrival.number,
            cells=cells,
            reason=arrival.reason,
            reason_at=arrival.reason_at,
            reason_detail=arrivals.short(f"@{domain[1]}", arrival.reason_detail),
        )


class _Reader:
    """Reads rows of one file."""

    def __init__(
        self, columns: Sequence[str], *, email: int, default: SuppressionReason, is_ours: bool
    ) -> None:
        self.email = email
        self._default = default
        self._is_ours = is_ours
        self._why = arrivals.column(columns, *REASON)
        self._since = arrivals.column(columns, *SINCE)
        self._detail = arrivals.column(columns, *DETAIL)
        self._code = arrivals.column(columns, *CODE)
        self._origin = arrivals.column(columns, *ORIGIN)

    def read(self, number: int, cells: Sequence[str]) -> Arrival:
        if self._is_ours:
            cells = list(map(unsafe, cells))
        why, detail, code = (
            arrivals.cell(cells, at) for at in (self._why, self._detail, self._code)
        )
        if not detail and SERVER.match(why):
            detail = why
        return Arrival(
            number=number,
            cells=[*cells, *[""] * (self.email + 1 - len(cells))],
            reason=self._reason(cells, why, code),
            reason_at=moments.moment(arrivals.cell(cells, self._since)),
            reason_detail=arrivals.short(detail),
        )

    def _reason(self, cells: Sequence[str], why: str, code: str) -> SuppressionReason:
        if fold(why) == POSTMARK_MANUAL:
            # Whoever pressed the link is the origin "Recipient".
            by_them = arrivals.cell(cells, self._origin).lower() == RECIPIENT
            return SuppressionReason.UNSUBSCRIBED if by_them else SuppressionReason.MANUAL
        told = read_reason(why, default=None)
        return told or read_reason(code, default=None) or self._default


def read_reason(text: str, *, default: SuppressionReason | None) -> SuppressionReason | None:
    """Read a reason as providers and our own export write it."""
    word = text.strip().lower()
    if not word:
        return default
    if word in SuppressionReason.values and word != SuppressionReason.ERASED:
        return SuppressionReason(word)
    if server := SERVER.match(word):
        # What a server says of a message it takes for spam is no complaint of a person.
        lasting = server[1] == "5" and not POLICY.search(word)
        return SuppressionReason.BOUNCED if lasting else default
    for reason, pieces in WORDS.items():
        if any(piece in word or piece in fold(word) for piece in pieces):
            return reason
    return default


def _of_file(name: str) -> SuppressionReason | None:
    words = name.lower()
    return next((reason for piece, reason in FILES if piece in words), None)


def _with_at(cells: Sequence[str]) -> int | None:
    return next((index for index, cell in enumerate(cells) if "@" in cell), None)
