"""Mautic's contact export: a CSV file with a column for each field of a contact.

Names of columns are the fields' aliases or labels (``email``, ``firstname``, ``lastname``, ``tags``
…). "Do not contact" holds yes or no, a word, or the number that Mautic keeps as the reason:
0 may be contacted, 1 unsubscribed, 2 bounced, 3 by hand (docs.mautic.org, Contacts).
"""

from collections.abc import Iterator, Sequence

from django.utils.translation import gettext as _

from accounts.models import Workspace
from subscribers.fields import NO
from subscribers.imports import mapping
from subscribers.imports.mapping import Target
from subscribers.imports.reader import BrokenRow
from subscribers.moving import arrivals, tables
from subscribers.moving.arrivals import Arrival, Joining, Noticed, Part, Proof, SourceRefused
from subscribers.moving.tables import Table
from subscribers.states import ConsentKind, SubscriptionStatus, SuppressionReason

DNC = ("donotcontact", "dnc", "donotcontactemail", "dncemail", "dncstatus", "donotcontactstatus")
DNC_REASON = ("dncreason", "donotcontactreason", "donotcontactcomments", "dnccomments")
ADDED = ("dateadded", "createdon", "dateidentified", "dateadd")
IP = ("ip", "ipaddress", "ipaddresses")
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
    workspace: Workspace, *, found: Sequence[Table], list_id: int, noticed: Noticed
) -> list[Part]:
    """Make parts of the files.

    Raises:
        SourceRefused: a file has no column of addresses.
    """
    return [_part(workspace, table, list_id=list_id, noticed=noticed) for table in found]


def _part(workspace: Workspace, table: Table, *, list_id: int, noticed: Noticed) -> Part:
    email = arrivals.column(table.columns, "email", "emailaddress")
    if email is None:
        raise SourceRefused(_("%(file)s has no column “email”.") % {"file": table.name})
    known = {email: Target(to=mapping.EMAIL)}
    for to, names in (
        (mapping.FIRST_NAME, ("firstname",)),
        (mapping.LAST_NAME, ("lastname",)),
        (mapping.TIME_ZONE, ("timezone",)),
        (mapping.LANGUAGE, ("preferredlocale", "preferredlanguage", "locale", "language")),
    ):
        index = arrivals.column(table.columns, *names)
        if index is not None:
            known[index] = Target(to=to)
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
    return Part(name=table.name, columns=table.columns, targets=targets, rows=rows)


class _Reader:
    """Reads the rows of one file."""

    def __init__(
        self, table: Table, *, list_id: int, targets: Sequence[Target], noticed: Noticed
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
        at = arrivals.moment(arrivals.cell(cells, self._added))
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
