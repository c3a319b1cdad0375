"""Mailchimp's audience export: a ZIP of CSV files, one for each standing.

subscribed_…, unsubscribed_…, cleaned_… and nonsubscribed_email_audience_export_….csv: the fields of
the audience, then MEMBER_RATING, OPTIN_TIME, OPTIN_IP, CONFIRM_TIME, CONFIRM_IP, LATITUDE,
LONGITUDE, GMTOFF, DSTOFF, TIMEZONE, CC, REGION, LAST_CHANGED, LEID, EUID, NOTES, TAGS; besides, of
those who left, UNSUB_TIME and why, and of bounced ones CLEAN_TIME
(mailchimp.com/help/view-export-contacts). Moments are UTC.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from django.utils.translation import gettext as _

from accounts.models import Workspace
from subscribers.imports import mapping, moments
from subscribers.imports.mapping import ColumnTarget
from subscribers.migrate_from import arrivals, tables
from subscribers.migrate_from.arrivals import (
    Arrival,
    ExportPart,
    Joining,
    NotBroughtOver,
    Proof,
    SourceRefused,
)
from subscribers.migrate_from.tables import Table
from subscribers.states import ConsentKind, SubscriptionStatus, SuppressionReason


class FileRole(StrEnum):
    """Which of the files it is. Whoever must not be written to is read first."""

    CLEANED = "cleaned"
    UNSUBSCRIBED = "unsubscribed"
    SUBSCRIBED = "subscribed"
    NONSUBSCRIBED = "nonsubscribed"  # customers who never agreed to anything


COLUMNS = {
    mapping.EMAIL: ("emailaddress", "email"),
    mapping.FIRST_NAME: ("firstname", "fname"),
    mapping.LAST_NAME: ("lastname", "lname"),
    mapping.TIME_ZONE: ("timezone",),
}
INTERNAL = frozenset(
    {
        "memberrating", "optintime", "optinip", "confirmtime", "confirmip", "latitude", "longitude",
        "gmtoff", "dstoff", "lastchanged", "leid", "euid", "tags", "unsubtime",
        "unsubcampaigntitle", "unsubcampaignid", "unsubreason", "unsubreasonother", "cleantime",
        "cleancampaigntitle", "cleancampaignid",
    }
)  # fmt: skip
USED = {"optintime", "optinip", "confirmtime", "confirmip", "tags"} | {
    word for word in INTERNAL if word.startswith(("unsub", "clean"))
}
NEVER_AGREED = "never_agreed"


def parts(
    workspace: Workspace, *, found: Sequence[Table], list_id: int, noticed: NotBroughtOver
) -> list[ExportPart]:
    """Make parts of the files of one export.

    Raises:
        SourceRefused: none of them is such a file.
    """
    by_role: dict[FileRole, list[Table]] = {}
    for table in found:
        by_role.setdefault(role(table), []).append(table)
    if not by_role:
        raise SourceRefused(_("There is no CSV file in the export."))
    for table in by_role.pop(FileRole.NONSUBSCRIBED, []):
        noticed.left_out[table.name] = NEVER_AGREED
    return [
        _part(workspace, table, role=kind, list_id=list_id, noticed=noticed)
        for kind in FileRole
        for table in by_role.get(kind, [])
    ]


def role(table: Table) -> FileRole:
    """Say which file this is: by its columns, then by its name.

    Raises:
        SourceRefused: it has no column of addresses.
    """
    if _column(table, *COLUMNS[mapping.EMAIL]) is None:
        raise SourceRefused(
            _("%(file)s has no column “Email Address”. Is it a Mailchimp export?")
            % {"file": table.name}
        )
    if _column(table, "cleantime") is not None:
        return FileRole.CLEANED
    if _column(table, "unsubtime") is not None:
        return FileRole.UNSUBSCRIBED
    name = table.name.rpartition("/")[2].lower()
    return next((kind for kind in FileRole if name.startswith(kind)), FileRole.SUBSCRIBED)


def _column(table: Table, *names: str) -> int | None:
    return arrivals.column(table.columns, *names)


def _part(
    workspace: Workspace, table: Table, *, role: FileRole, list_id: int, noticed: NotBroughtOver
) -> ExportPart:
    email = _column(table, *COLUMNS[mapping.EMAIL]) or 0
    if role is FileRole.CLEANED:
        targets = arrivals.only_address(len(table.columns), email)
    else:
        targets = _targets(workspace, table, noticed)
    reader = _Reader(table, role=role, list_id=list_id, targets=targets, noticed=noticed)
    rows = tables.reading(table, reader.read)
    return ExportPart(name=table.name, columns=table.columns, targets=targets, rows=rows)


def _targets(workspace: Workspace, table: Table, noticed: NotBroughtOver) -> list[ColumnTarget]:
    known = tables.known(table, COLUMNS)
    for name, label in (("cc", _("Country code")), ("region", _("Region")), ("notes", _("Notes"))):
        index = _column(table, name)
        if index is not None and table.is_filled(index):
            known[index] = ColumnTarget(to=mapping.NEW, label=label)
    return tables.targets(
        workspace, table, known=known, internal=INTERNAL, used=USED, noticed=noticed
    )


class _Reader:
    """Reads the rows of one file."""

    def __init__(
        self,
        table: Table,
        *,
        role: FileRole,
        list_id: int,
        targets: Sequence[ColumnTarget],
        noticed: NotBroughtOver,
    ) -> None:
        self._role = role
        self._list = list_id
        self._tamer = tables.Tamer(targets, noticed)
        self._at = {
            word: index
            for index, column in enumerate(table.columns)
            if (word := arrivals.plain(column)) in USED
        }

    def read(self, number: int, cells: list[str]) -> Arrival:
        if self._role is FileRole.CLEANED:
            return Arrival(
                number=number,
                cells=cells,
                reason=SuppressionReason.BOUNCED,
                reason_at=moments.moment(self._cell(cells, "cleantime")),
                reason_detail=self._cell(cells, "cleancampaigntitle"),
            )
        return Arrival(
            number=number,
            cells=self._tamer.tame(cells),
            tags=arrivals.tags(self._cell(cells, "tags")),
            joinings=(self._joining(cells),),
        )

    def _cell(self, cells: Sequence[str], word: str) -> str:
        return arrivals.cell(cells, self._at.get(word))

    def _joining(self, cells: Sequence[str]) -> Joining:
        proofs, agreed = self._agreed(cells)
        if self._role is FileRole.SUBSCRIBED:
            return Joining(
                list_id=self._list, status=SubscriptionStatus.SUBSCRIBED, at=agreed, proofs=proofs
            )
        left = moments.moment(self._cell(cells, "unsubtime"))
        why = arrivals.short(
            self._cell(cells, "unsubreason"),
            self._cell(cells, "unsubreasonother"),
            self._cell(cells, "unsubcampaigntitle"),
        )
        return Joining(
            list_id=self._list,
            status=SubscriptionStatus.UNSUBSCRIBED,
            at=left,
            proofs=(
                *(proofs if agreed else ()),
                Proof(kind=ConsentKind.UNSUBSCRIBED, at=left, detail=why),
            ),
        )

    def _agreed(self, cells: Sequence[str]) -> tuple[tuple[Proof, ...], datetime | None]:
        """Return how a person agreed, and when it was complete."""
        asked = moments.moment(self._cell(cells, "optintime"))
        asked_ip = arrivals.address_of_network(self._cell(cells, "optinip"))
        confirmed = moments.moment(self._cell(cells, "confirmtime"))
        confirmed_ip = arrivals.address_of_network(self._cell(cells, "confirmip"))
        if asked and confirmed:
            return (
                Proof(kind=ConsentKind.ASKED, at=asked, ip=asked_ip),
                Proof(kind=ConsentKind.CONFIRMED, at=confirmed, ip=confirmed_ip),
            ), confirmed
        when = asked or confirmed
        ip = asked_ip or confirmed_ip
        return (Proof(kind=ConsentKind.SUBSCRIBED, at=when, ip=ip),), when
