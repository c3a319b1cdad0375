"""What the readers of other tools' files hand on: one arrival for each person or address."""

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from subscribers.imports import mapping
from subscribers.imports.consent_lines import network_address
from subscribers.imports.mapping import ColumnTarget
from subscribers.imports.reader import BrokenRow
from subscribers.states import ConsentKind, SubscriptionStatus, SuppressionReason

LONGEST_TAG = 80
LONGEST_DETAIL = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """One thing that happened to a consent in the other tool."""

    kind: ConsentKind
    at: datetime | None = None  # None: the other tool does not say; the move's own moment
    ip: str | None = None
    detail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Joining:
    """A person's consent to one list there. A list that is still to be made has a negative id."""

    list_id: int
    status: SubscriptionStatus
    at: datetime | None
    proofs: tuple[Proof, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """One row. With ``reason`` only the address comes, to be suppressed."""

    number: int
    cells: Sequence[str]
    reason: SuppressionReason | None = None
    reason_at: datetime | None = None
    reason_detail: str = ""
    tags: tuple[str, ...] = ()
    joinings: tuple[Joining, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ExportPart:
    """One file (or table) of a move: what its columns mean, and its rows."""

    name: str
    columns: Sequence[str]
    targets: Sequence[ColumnTarget]
    rows: Callable[[], Iterator[Arrival | BrokenRow]]


@dataclass(kw_only=True)
class NotBroughtOver:
    """What is not brought over, or only in part, by column or word: for the report."""

    left_out: dict[str, str] = field(default_factory=dict)  # what: why
    counts: dict[str, int] = field(default_factory=dict)

    def count(self, what: str) -> None:
        """Count one more of something."""
        self.counts[what] = self.counts.get(what, 0) + 1


class SourceRefused(ValueError):  # noqa: N818 - what people read is a refusal
    """This can't be read as what it was said to be; the message says why and what to do."""


def address_of_network(text: str) -> str | None:
    """Read an IP address; None for anything else."""
    return network_address(text) or None


def tags(text: str, *, separator: str = ",") -> tuple[str, ...]:
    """Read a cell of tags, quoted or not (``"vip","2024"``); each once, at most 80 letters."""
    if not text.strip():
        return ()
    try:
        cells = next(csv.reader([text.replace("\n", " ")], delimiter=separator), [])
    except csv.Error:
        cells = text.split(separator)
    found: dict[str, str] = {}
    for cell in cells:
        word = " ".join("".join(c if c.isprintable() else " " for c in cell).split())
        if word.strip("\"' "):
            found.setdefault(word.lower(), word.strip('"')[:LONGEST_TAG])
    return tuple(found.values())


def column(names: Sequence[str], *wanted: str) -> int | None:
    """Find a column by name, whatever its letter case, spaces and marks."""
    words = list(map(plain, names))
    return next((words.index(word) for word in wanted if word in words), None)


def plain(name: str) -> str:
    """Write a column's name in small letters, without spaces and marks."""
    return re.sub(r"[\W_]+", "", name.lower())


def only_address(width: int, email: int) -> list[ColumnTarget]:
    """Return what columns go to where a file brings addresses and nothing else."""
    return [
        ColumnTarget(to=mapping.EMAIL if index == email else mapping.IGNORE)
        for index in range(width)
    ]


def cell(cells: Sequence[str], index: int | None) -> str:
    """Return a cell, empty where the file has no such column."""
    return cells[index].strip() if index is not None and index < len(cells) else ""


def short(*parts: Any) -> str:
    """Join what is not empty, for a detail."""
    return "; ".join(str(part) for part in parts if part)[:LONGEST_DETAIL]
