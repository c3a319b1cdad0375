"""Mautic's contact export: a CSV file with a column for each field of a contact.

The export of Mautic itself has no column that says who must not be contacted: that stands in a
table of its own (``lead_donotcontact``). So it is moved together with a file of that list, with
columns like ``email``, ``reason``, ``date_added``, ``comments``; a file with a "do not contact"
column needs none.

Names of columns are the fields' aliases or labels (``email``, ``firstname``, ``lastname``, ``tags``
…). "Do not contact" holds yes or no, a word, or the number that Mautic keeps as the reason:
0 may be contacted, 1 unsubscribed, 2 bounced, 3 by hand (docs.mautic.org, Contacts).
"""

from collections.abc import Sequence

from django.utils.translation import gettext as _

from accounts.models import Workspace
from subscribers.fields.definitions import NO
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

DNC = ("donotcontact", "dnc", "donotcontactemail", "dncemail", "dncstatus", "donotcontactstatus")
DNC_REASON = ("dncreason", "donotcontactreason", "donotcontactcomments", "dnccomments")
ADDED = ("dateadded", "createdon", "dateidentified", "dateadd")
IP = ("ip", "ipaddress", "ipaddresses")
LIST_REASON = ("reason", "dncreason", "donotcontactreason", "reasonid")
NAMES = ("firstname", "lastname", "title", "company")
COLUMNS = {
    mapping.EMAIL: ("email", "emailaddress"),
    mapping.FIRST_NAME: ("firstname",),
    mapping.LAST_NAME: ("lastname",),
    mapping.TIME_ZONE: ("timezone",),
    mapping.LANGUAGE: ("preferredlocale", "preferredlanguage", "locale", "language"),
}
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


def _email(table: Table) -> int:
    email = arrivals.column(table.columns, *COLUMNS[mapping.EMAIL])
    if email is None:
        raise SourceRefused(_("%(file)s has no column “email”.") % {"file": table.name})
    return email


def _dnc_part(table: Table) -> ExportPart:
    email = _email(table)
    targets = arrivals.only_address(len(table.columns), email)
    why = arrivals.column(table.columns, *LIST_REASON)
    since = arrivals.column(table.columns, *ADDED)
    note = arrivals.column(table.columns, *DNC_REASON, "comments", "comment")
    channel = arrivals.column(table.columns, "channel")

    def arrival(number: int, cells: Sequence[str]) -> Arrival | None:
        reason = arrivals.cell(cells, why).lower()
        is_text_message = arrivals.cell(cells, channel).lower() not in {"", "email"}
        if reason == CONTACTABLE or is_text_message:  # those have a list of their own
            return None
        return Arrival(
            number=number,
            cells=cells,
            reason=_reason(reason, ""),
            reason_at=moments.moment(arrivals.cell(cells, since)),
            reason_detail=arrivals.short(arrivals.cell(cells, note)),
        )

    rows = tables.reading(table, arrival)
    return ExportPart(name=table.name, columns=table.columns, targets=targets, rows=rows)


def _part(
    workspace: Workspace, table: Table, *, list_id: int, noticed: NotBroughtOver
) -> ExportPart:
    _email(table)
    targets = tables.targets(
        workspace,
        table,
        known=tables.known(table, COLUMNS),
        internal=INTERNAL,
        used={"tags", "dateadded", *IP, *DNC, *DNC_REASON},
        noticed=noticed,
    )
    reader = _Reader(table, list_id=list_id, targets=targets, noticed=noticed)
    rows = tables.reading(table, reader.read)
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
        self._list = list_id
        self._tamer = tables.Tamer(targets, noticed)
        self._dnc = arrivals.column(columns, *DNC)
        self._why = arrivals.column(columns, *DNC_REASON)
        self._added = arrivals.column(columns, *ADDED)
        self._ip = arrivals.column(columns, *IP)
        self._tags = arrivals.column(columns, "tags")

    def read(self, number: int, cells: list[str]) -> Arrival:
        status = arrivals.cell(cells, self._dnc).lower()
        if status and status not in MAY:
            why = arrivals.cell(cells, self._why)
            return Arrival(
                number=number,
                cells=cells,
                reason=_reason(status, why.lower()),
                reason_detail=arrivals.short(why),
            )
        text = arrivals.cell(cells, self._tags)
        return Arrival(
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
