"""What a row says about a consent, made into columns for COPY: its standing, and the proofs of it.

A proof that can't be read costs its cell, never its person; ``ConsentReader.unread`` names it.
"""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from ipaddress import ip_address

from subscribers.fields.definitions import DateOrder
from subscribers.fields.problems import Problem
from subscribers.imports import mapping, moments
from subscribers.imports.consent_words import WORD
from subscribers.imports.labels import NOTHING
from subscribers.imports.mapping import ColumnTarget
from subscribers.imports.row_status import StandingReader, StatusColumn

# Columns of the stage, in the order of `ConsentReader.read`.
COLUMNS = (
    "status", "status_at", "status_detail", "consent_at", "consent_ip", "confirm_at", "confirm_ip",
    "consent_source",
)  # fmt: skip
TIMES = frozenset({mapping.CONSENT_TIME, mapping.CONFIRM_TIME})
LONGEST_SOURCE = 150
# Words such as "never" and zeros say that there is no proof; anything else was meant as one.
MEANT = re.compile("[1-9]").search


def is_needed(targets: Sequence[ColumnTarget]) -> bool:
    """Say whether any column is about a consent."""
    return any(target.to in {mapping.STATUS, *mapping.PROOFS} for target in targets)


class ConsentReader:
    """Reads the columns of one file that say who may be written to, and what proves it."""

    def __init__(self, targets: Sequence[ColumnTarget]) -> None:
        """Find the columns."""
        self._standings = StandingReader(
            [
                StatusColumn(
                    index=index,
                    reads=target.reads or WORD,
                    answers=target.answers,
                    day_first=_day_first(target),
                )
                for index, target in enumerate(targets)
                if target.to == mapping.STATUS
            ]
        )
        self.has_status = any(target.to == mapping.STATUS for target in targets)
        self.status_columns = [
            index for index, target in enumerate(targets) if target.to == mapping.STATUS
        ]
        places = {target.to: (index, target) for index, target in enumerate(targets)}
        # Proofs of the last row that can't be read: what for, what stood there, why.
        self.unread: list[tuple[str, str, Problem]] = []
        self._proofs: list[tuple[int, Callable[[str], str]] | None] = [
            (place[0], _reader(to, place[1])) if (place := places.get(to)) else None
            for to in mapping.PROOFS
        ]

    def read(self, cells: Sequence[str]) -> str:
        """Return `COLUMNS` for COPY, with a tab before each.

        Raises:
            Problem: it says where somebody stands in a word that nobody has told the meaning of.
        """
        proofs = [place[1](cells[place[0]]) if place else "" for place in self._proofs]
        self.unread = [
            (to, text, Problem("past" if to in TIMES else "ip"))
            for to, place, proof in zip(mapping.PROOFS, self._proofs, proofs, strict=True)
            if place and not proof and MEANT(text := cells[place[0]])
        ]
        asked, asked_ip, confirmed, confirmed_ip, source = proofs
        status = at = detail = ""
        if self.has_status:
            standing = self._standings.read(cells)
            status, detail = standing.word, standing.detail
            at = _text(standing.at)
            confirmed = confirmed or _text(standing.confirmed_at)
            asked = asked or _text(standing.agreed_at)
        values = (status, at, _storable(detail), asked, asked_ip, confirmed, confirmed_ip, source)
        return "\t" + "\t".join(value or NOTHING for value in values)


def _reader(to: str, target: ColumnTarget) -> Callable[[str], str]:
    if to in TIMES:
        day_first = _day_first(target)

        @lru_cache(maxsize=20_000)
        def read(text: str) -> str:
            return _text(moments.moment(text, day_first=day_first))

        return read
    return _source if to == mapping.CONSENT_SOURCE else network_address


@lru_cache(maxsize=20_000)
def network_address(text: str) -> str:
    """Read an IP address, the first of several; "" for anything else."""
    text = text.replace(";", ",").partition(",")[0].strip()
    if "%" in text:
        return ""  # with a zone: the database takes none
    try:
        return str(ip_address(text))
    except ValueError:
        return ""


def _day_first(target: ColumnTarget) -> bool:
    return target.date_order == DateOrder.DAY_FIRST


def _source(text: str) -> str:
    return _storable(" ".join(text.split())[:LONGEST_SOURCE])


def _storable(text: str) -> str:
    if not text:
        return ""
    return "".join(one for one in text if one.isprintable()).replace("\\", "\\\\")


def _text(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""
