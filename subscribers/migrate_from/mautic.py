"""Mautic's contact export: a CSV file with a column for each field of a contact.

The export of Mautic itself has no column that says who must not be contacted: that stands in a
table of its own (``lead_donotcontact``). So it is moved together with a file of that list, with
columns like ``email``, ``reason``, ``date_added``, ``comments``; a file with a "do not contact"
column needs none.

Names of columns are the fields' aliases or labels (``email``, ``firstname``, ``lastname``, ``tags``
…). "Do not contact" holds yes or no, a word, or the number that Mautic keeps as the reason:
0 may be contacted, 1 unsubscribed, 2 bounced, 3 by hand (docs.mautic.org, Contacts).
"""

from collections.abc import Iterator, Sequence

from django.utils.translation import gettext as _

from accounts.models import Workspace
from subscribers.fields.definitions import NO
from subscribers.imports import mapping, moments
from subscribers.imports.mapping import ColumnTarget
from subscribers.imports.reader import BrokenRow
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

DNC = ("donotcontact", "dnc", "donotcontactemail", "dncemail", "dncstatus", "donotcontactstatus")
DNC_REASON = ("dncreason", "donotcontactreason", "donotcontactcomments", "dnccomments")
ADDED = ("dateadded", "createdon", "dateidentified", "dateadd")
IP = ("ip", "ipaddress", "ipaddresses")
LIST_REASON = ("reason", "dncreason", "donotcontactreason", "reasonid")
NAMES = ("firstname", "lastname", "title", "company")
CONTACTABLE = "0"
DNC_QUERY = (
    "SELECT l.email, d.reason, d.date_added, d.comments, d.channel "
    "FROM lead_donotcontact d JOIN leads l ON l.id = d.lead_id"
)
INTERNAL = frozenset(
    {
        "id", "ispublished", "owner", "ownerbyuser", "stage", "points", "lastactive", "createdby",
        "createdbyuser", "modifiedby", "modifiedbyuser", "datemodified", "dateadded", "createdon",
        "dateidentified", "checkedout", "checkedoutby", "attribution", "attributiondate", "tags",
        "ip", "ipaddress", "ipaddresses", *DNC, *DNC_REASON,
    }
)  # fmt: skip
MAY = NO | {"contactable", "no"}
REASONS = {
    "2": SuppressionReason.BOUNCED,
    "bounced": SuppressionReason.BOUNCED,
    "bounce": SuppressionReason.BOUNCED,
    "3": SuppressionReason.MANUAL,
    "manual": SuppressionReason.MANUAL,
    "spam": SuppressionReason.COMPLAINED,
    "complaint": SuppressionReason.COMPLAINED,
}


def parts(
    workspace: Workspace, *, found: Sequence[Table], list_id: int, noticed: NotBroughtOver
) -> list[ExportPart]:
    """Make parts of the files; a list of those not to contact goes first.

    Raises:
        SourceRefused: a file has no column of addresses, or nothing says who must not be contacted.
    """
    lists = [table for table in found if _is_dnc_list(table)]
    contacts = [table for table in found if table not in lists]
    if not contacts:
        raise SourceRefused(_("There is no contact export among these files."))
    for table in contacts:
        if not lists and arrivals.column(table.columns, *DNC) is None:
            raise SourceRefused(_missing_words(table.name))
    return [
        *(_dnc_part(table) for table in lists),
        *(_part(workspace, table, list_id=list_id, noticed=noticed) for table in contacts),
    ]


def _missing_words(name: str) -> str:
    return _(
        "%(file)s does not say who must not be contacted: Mautic's own export leaves it out. "
        "Add the “Do not contact” list as a second file, with the columns email, reason and "
        "date_added. "
        "Whoever runs Mautic's database gets it by: %(query)s"
    ) % {"file": name, "query": DNC_QUERY}


def _is_dnc_list(table: Table) -> bool:
    """Say whether a file lists who must not be contacted: addresses and reasons, no names."""
    has_reason = arrivals.column(table.columns, *LIST_REASON) is not None
    has_dnc = arrivals.column(table.columns, *DNC) is not None
    return has_reason and not has_dnc and arrivals.column(table.columns, *NAMES) is None


def _dnc_part(table: Table) -> ExportPart:
    email = arrivals.column(table.columns, "email", "emailaddress")
    if email is None:
        raise SourceRefused(_("%(file)s has no column “email”.") % {"file": table.name})
    targets = [
        ColumnTarget(to=mapping.EMAIL if index == email else mapping.IGNORE)
        for index in range(len(table.columns))
    ]
    why = arrivals.column(table.columns, *LIST_REASON)
    since = arrivals.column(table.columns, *ADDED)
    note = arrivals.column(table.columns, *DNC_REASON, "comments", "comment")
    channel = arrivals.column(table.columns, "channel")

    def rows() -> Iterator[Arrival | BrokenRow]:
        for row in table.rows():
            if isinstance(row, BrokenRow):
                yield row
                continue
            number, cells = row
            # Text messages have their own.
            if arrivals.cell(cells, channel).lower() not in {"", "email"}:
                continue
            reason = arrivals.cell(cells, why).lower()
            if reason == CONTACTABLE:
                continue
            yield Arrival(
                number=number,
                cells=cells,
                reason=_reason(reason, ""),
                reason_at=moments.moment(arrivals.cell(cells, since)),
                reason_detail=arrivals.short(arrivals.cell(cells, note)),
            )

    return ExportPart(name=table.name, columns=table.columns, targets=targets, rows=rows)


def _part(
    workspace: Workspace, table: Table, *, list_id: int, noticed: NotBroughtOver
) -> ExportPart:
    email = arrivals.column(table.columns, "email", "emailaddress")
    if email is None:
        raise SourceRefused(_("%(file)s has no column “email”.") % {"file": table.name})
    known = {email: ColumnTarget(to=mapping.EMAIL)}
    for to, names in (
        (mapping.FIRST_NAME, ("firstname",)),
        (mapping.LAST_NAME, ("lastname",)),
        (mapping.TIME_ZONE, ("timezone",)),
        (mapping.LANGUAGE, ("preferredlocale", "preferredlanguage", "locale", "language")),
    ):
        index = arrivals.column(table.columns, *names)
        if index is not None:
            known[index] = ColumnTarget(to=to)
    used = {"tags", "dateadded", *IP, *DNC, *DNC_REASON}
    internal = frozenset(
        index
        for index, column in enumerate(table.columns)
        if arrivals.plain(column) in INTERNAL and index not in known
    )
    targets = tables.targets(workspace, table, known=known, internal=internal, noticed=noticed)
    for column in table.columns:
        if arrivals.plain(column) in used:
            noticed.left_out.pop(column, None)
    rows = _Reader(table, list_id=list_id, targets=targets, noticed=noticed).rows
    return ExportPart(name=table.name, columns=table.columns, targets=targets, rows=rows)


class _Reader:
    """Reads the rows of one file."""

    def __init__(
        self,
        table: Table,
        *,
        list_id: int,
        targets: Sequence[ColumnTarget],
        noticed: NotBroughtOver,
    ) -> None:
        columns = table.columns
        self._table = table
        self._list = list_id
        self._tamer = tables.Tamer(targets, noticed)
        self._dnc = arrivals.column(columns, *DNC)
        self._why = arrivals.column(columns, *DNC_REASON)
        self._added = arrivals.column(columns, *ADDED)
        self._ip = arrivals.column(columns, *IP)
        self._tags = arrivals.column(columns, "tags")

    def rows(self) -> Iterator[Arrival | BrokenRow]:
        for row in self._table.rows():
            if isinstance(row, BrokenRow):
                yield row
                continue
            number, cells = row
            status = arrivals.cell(cells, self._dnc).lower()
            if status and status not in MAY:
                why = arrivals.cell(cells, self._why)
                yield Arrival(
                    number=number,
                    cells=cells,
                    reason=_reason(status, why.lower()),
                    reason_detail=arrivals.short(why),
                )
                continue
            text = arrivals.cell(cells, self._tags)
            yield Arrival(
                number=number,
                cells=self._tamer.tame(cells),
                tags=arrivals.tags(text, separator="|" if "|" in text else ","),
                joinings=(self._joining(cells),),
            )

    def _joining(self, cells: Sequence[str]) -> Joining:
        at = moments.moment(arrivals.cell(cells, self._added))
        ip = arrivals.address_of_network(arrivals.cell(cells, self._ip).partition(",")[0])
        return Joining(
            list_id=self._list,
            status=SubscriptionStatus.SUBSCRIBED,
            at=at,
            proofs=(Proof(kind=ConsentKind.SUBSCRIBED, at=at, ip=ip),),
        )


def _reason(status: str, why: str) -> SuppressionReason:
    for word in (status, why):
        if word in REASONS:
            return REASONS[word]
    return SuppressionReason.UNSUBSCRIBED
