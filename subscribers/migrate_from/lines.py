"""An arrival's line for COPY: what `imports.rows` makes of its cells, and what else it says."""

from collections.abc import Iterable
from datetime import datetime
from json import dumps

from subscribers.imports.labels import NOTHING, array
from subscribers.imports.row_status import SEVERITY
from subscribers.migrate_from.arrivals import Arrival, Joining


def of(arrival: Arrival, line: str) -> str:
    """Return a line of `imports.gathering.LINE`; ``line`` is that of `RowMaker.line`."""
    tags = array([_clean(name) for name in arrival.tags]) if arrival.tags else NOTHING
    joinings = _joinings(arrival.joinings) if arrival.joinings else NOTHING
    since = arrival.reason_at.isoformat() if arrival.reason_at else NOTHING
    detail = _clean(arrival.reason_detail).replace("\\", "\\\\") or NOTHING
    return f"{line[:-1]}\t{arrival.reason or NOTHING}\t{since}\t{detail}\t{tags}\t{joinings}\n"


def row_of(line: str) -> int:
    """Return the row of a line."""
    return int(line.partition("\t")[0])


def address_of(line: str) -> str:
    """Return the address in a line, as COPY writes it."""
    return line.split("\t", 2)[1]


def _joinings(joinings: Iterable[Joining]) -> str:
    """Write them as JSON; of two for one list the worse counts: a doubt makes no subscriber."""
    worst: dict[int, Joining] = {}
    for one in joinings:
        before = worst.get(one.list_id)
        if before is None or SEVERITY[one.status] > SEVERITY[before.status]:
            worst[one.list_id] = one
    found = [
        {
            "list_id": one.list_id,
            "wanted": one.status,
            "since": _moment(one.at),
            "proofs": [
                {
                    "kind": proof.kind,
                    "at": _moment(proof.at),
                    "ip": proof.ip,
                    "why": _clean(proof.detail),
                }
                for proof in one.proofs
            ],
        }
        for one in worst.values()
    ]
    return dumps(found, ensure_ascii=False).replace("\\", "\\\\")


def _moment(value: datetime | None) -> str | None:
    return value.isoformat() if value else None


def _clean(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else " " for letter in text)
