"""listmonk's export of subscribers: uuid, email, name, attributes, status, created_at, updated_at.

The file does not say who is on which list, nor who has left one: it is right for the export of one
list's subscribers. `listmonk_database` knows all of that. Status: enabled; disabled (gets nothing,
so they come as people who have left); blocklisted.
"""

from collections.abc import Sequence

from django.utils.translation import gettext as _

from accounts.models import Workspace
from subscribers.imports import mapping, moments
from subscribers.imports.mapping import ColumnTarget
from subscribers.imports.reader import BrokenRow
from subscribers.migrate_from import arrivals, attributes, tables
from subscribers.migrate_from.arrivals import (
    Arrival,
    ExportPart,
    Joining,
    NotBroughtOver,
    Proof,
    SourceRefused,
)
from subscribers.migrate_from.attributes import Attributes
from subscribers.migrate_from.tables import Table
from subscribers.states import ConsentKind, SubscriptionStatus, SuppressionReason

BLOCKLISTED, DISABLED = "blocklisted", "disabled"
WHY_DISABLED = "disabled"
TARGETS = (ColumnTarget(to=mapping.EMAIL), ColumnTarget(to=mapping.NAME))


def parts(
    workspace: Workspace, *, found: Sequence[Table], list_id: int, noticed: NotBroughtOver
) -> list[ExportPart]:
    """Make parts of the files.

    Raises:
        SourceRefused: a file has no column of addresses.
    """
    return [_part(workspace, table, list_id=list_id, noticed=noticed) for table in found]


def _part(
    workspace: Workspace, table: Table, *, list_id: int, noticed: NotBroughtOver
) -> ExportPart:
    places = {
        word: arrivals.column(table.columns, word, *others)
        for word, others in (
            ("email", ()),
            ("name", ()),
            ("attributes", ("attribs",)),
            ("status", ()),
            ("createdat", ()),
        )
    }
    if places["email"] is None or places["status"] is None:
        raise SourceRefused(
            _("%(file)s has no columns “email” and “status”. Is it listmonk's export?")
            % {"file": table.name}
        )
    kinds: dict[str, set[str]] = {}
    for row in table.rows():
        if not isinstance(row, BrokenRow):
            for key, value in (attributes.read(_cell(row[1], places, "attributes")) or {}).items():
                kinds.setdefault(key, set()).add(attributes.kind(value))
    known = Attributes(workspace, kinds=kinds, noticed=noticed)

    def read(number: int, cells: Sequence[str]) -> Arrival:
        values = attributes.read(_cell(cells, places, "attributes"))
        if values is None:
            noticed.count("attributes")
        email, name = _cell(cells, places, "email"), _cell(cells, places, "name")
        return arrival(
            number,
            [email, name_of(name, email=email), *known.cells(values or {})],
            status=_cell(cells, places, "status"),
            created=_cell(cells, places, "createdat"),
            list_id=list_id,
        )

    return ExportPart(
        name=table.name,
        columns=("email", "name", *known.keys),
        targets=(*TARGETS, *known.targets),
        rows=tables.reading(table, read),
    )


def name_of(name: str, *, email: str) -> str:
    """Return a name; listmonk fills it with the address's local part where none was given."""
    local = email.partition("@")[0].lower()
    return "" if name.strip().lower() in {local, email.lower()} else name


def arrival(
    number: int, cells: Sequence[str], *, status: str, created: str, list_id: int
) -> Arrival:
    """Make an arrival of a row of the file."""
    at = moments.moment(created)
    if status.lower() == BLOCKLISTED:
        return Arrival(
            number=number,
            cells=cells,
            reason=SuppressionReason.MANUAL,
            reason_detail=BLOCKLISTED,
        )
    proofs: tuple[Proof, ...] = (Proof(kind=ConsentKind.SUBSCRIBED, at=at),)
    standing = SubscriptionStatus.SUBSCRIBED
    if status.lower() == DISABLED:
        standing, at = SubscriptionStatus.UNSUBSCRIBED, None
        proofs = (*proofs, Proof(kind=ConsentKind.UNSUBSCRIBED, detail=WHY_DISABLED))
    joining = Joining(list_id=list_id, status=standing, at=at, proofs=proofs)
    return Arrival(number=number, cells=cells, joinings=(joining,))


def _cell(cells: Sequence[str], places: dict[str, int | None], word: str) -> str:
    return arrivals.cell(cells, places[word])
