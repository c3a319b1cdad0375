"""A file of addresses that must not be written to: one a line, or CSV with reason and date."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from django.utils.translation import gettext as _

from subscribers.imports import layout, mapping
from subscribers.imports.errors import unsafe
from subscribers.imports.mapping import Target
from subscribers.imports.reader import BrokenRow, Rows
from subscribers.moving import arrivals
from subscribers.moving.arrivals import Arrival, Part, SourceRefused
from subscribers.states import SuppressionReason

EXPORT_COLUMNS = ("email", "reason", "since", "detail")  # of our own list, cells made `safe`
REASON = ("reason", "type", "status", "event", "category", "alasan")
SINCE = ("since", "date", "created", "createdat", "timestamp", "time", "addedat", "suppressedat")
DETAIL = ("detail", "details", "note", "notes", "comment", "comments", "description")
EMAIL = ("email", "emailaddress", "address", "recipient", "mail", "subscriber", "surel")
# What the suppression lists of providers and tools call their reasons.
WORDS = {
    SuppressionReason.BOUNCED: ("bounce", "cleaned", "undeliver", "invalid", "does not exist"),
    SuppressionReason.COMPLAINED: ("complain", "spam", "abuse", "fbl"),
    SuppressionReason.UNSUBSCRIBED: ("unsub", "optout", "opt-out", "opted out", "left"),
    SuppressionReason.MANUAL: ("manual", "added by", "blocked", "blocklist"),
}


def part(path: Path, *, name: str, reason: SuppressionReason) -> Part:
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
    if email is None:
        email = 0

    is_ours = tuple(columns) == EXPORT_COLUMNS

    def rows() -> Iterator[Arrival | BrokenRow]:
        source = iter(Rows(path, found, width=len(columns) if has_header else None))
        if has_header:
            next(source, None)
        places = [arrivals.column(columns, *names) for names in (REASON, SINCE, DETAIL)]
        why, since, detail = places if has_header else (None, None, None)
        for row in source:
            if isinstance(row, BrokenRow):
                yield row
                continue
            number, cells = row
            if is_ours:
                cells = list(map(unsafe, cells))
            yield Arrival(
                number=number,
                cells=cells if email < len(cells) else [*cells, *[""] * (email + 1 - len(cells))],
                reason=read_reason(arrivals.cell(cells, why), default=reason),
                reason_at=arrivals.moment(arrivals.cell(cells, since)),
                reason_detail=arrivals.cell(cells, detail)[: arrivals.LONGEST_DETAIL],
            )

    targets = [
        Target(to=mapping.EMAIL if index == email else mapping.IGNORE)
        for index in range(len(columns))
    ]
    return Part(name=name, columns=columns, targets=targets, rows=rows)


def read_reason(text: str, *, default: SuppressionReason) -> SuppressionReason:
    """Read a reason as providers and our own export write it."""
    word = text.strip().lower()
    if not word:
        return default
    if word in SuppressionReason.values and word != SuppressionReason.ERASED:
        return SuppressionReason(word)
    for reason, beginnings in WORDS.items():
        if any(beginning in word for beginning in beginnings):
            return reason
    return default


def _with_at(cells: Sequence[str]) -> int | None:
    return next((index for index, cell in enumerate(cells) if "@" in cell), None)
