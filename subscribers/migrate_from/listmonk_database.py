"""listmonk's PostgreSQL database: lists, people with attributes, subscriptions, who is barred.

Read in one read-only transaction, so what is read belongs together and nothing there changes. The
tables and columns are those of listmonk's schema.sql; rows are read as JSON, because releases
differ in columns. Whoever is blocklisted is suppressed; a list is found by name or made.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from django.utils.translation import gettext as _
from psycopg.rows import dict_row, tuple_row

from accounts.models import Workspace
from subscribers.imports import moments
from subscribers.migrate_from import arrivals, listmonk
from subscribers.migrate_from.arrivals import (
    Arrival,
    ExportPart,
    Joining,
    NotBroughtOver,
    Proof,
    SourceRefused,
)
from subscribers.migrate_from.attributes import Attributes
from subscribers.migrate_from.run import OpenedExport
from subscribers.models import MailingList, ToolMigration
from subscribers.states import ConsentKind, SubscriptionStatus, SuppressionReason

TABLES = ("subscribers", "lists", "subscriber_lists")
ROWS_A_FETCH = 5_000
CONNECT_SECONDS = 10
NAME = "listmonk"
STATUSES = {
    "confirmed": SubscriptionStatus.SUBSCRIBED,
    "unsubscribed": SubscriptionStatus.UNSUBSCRIBED,
    "unconfirmed": SubscriptionStatus.UNCONFIRMED,
}
PEOPLE = """
SELECT s.id, s.email, s.name, s.attribs, s.status::text AS status, s.created_at, s.updated_at,
    COALESCE((
        SELECT jsonb_agg(to_jsonb(sl) - 'subscriber_id' ORDER BY sl.list_id)
        FROM subscriber_lists sl WHERE sl.subscriber_id = s.id AND sl.list_id IS NOT NULL
    ), '[]') AS subscriptions
FROM subscribers s ORDER BY s.id
"""
KINDS = """
SELECT attribute.key, array_agg(DISTINCT jsonb_typeof(attribute.value))
FROM subscribers, jsonb_each(CASE WHEN jsonb_typeof(attribs) = 'object' THEN attribs ELSE '{}' END)
    attribute
GROUP BY 1
"""


@dataclass(frozen=True, kw_only=True)
class _List:
    ours: int  # negative: to be made
    is_single: bool  # single opt-in: an unconfirmed subscription gets its mail, too


@contextmanager
def connect(url: str) -> Iterator[psycopg.Connection[Any]]:
    """Open the database for reading only, as of one moment.

    Raises:
        SourceRefused: there is no such database, or it is not listmonk's.
    """
    try:
        connection = psycopg.connect(url, connect_timeout=CONNECT_SECONDS, application_name="warta")
    except (psycopg.Error, UnicodeError) as error:
        # The driver's words name the server, never the password.
        raise SourceRefused(
            _("The database can't be opened: %(why)s") % {"why": str(error).strip()}
        ) from error
    with connection:
        connection.read_only = True
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        missing = [name for name in TABLES if not _exists(connection, name)]
        if missing:
            raise SourceRefused(
                _("This is not listmonk's database: it has no table %(tables)s.")
                % {"tables": ", ".join(missing)}
            )
        yield connection


def _exists(connection: psycopg.Connection[Any], table: str) -> bool:
    row = connection.execute("SELECT to_regclass(%s)", [table]).fetchone()
    return bool(row and row[0])


def open_database(
    record: ToolMigration, connection: psycopg.Connection[Any], *, dry_run: bool
) -> OpenedExport:
    """Make the one part of a move; unless ``dry_run``, make the lists that are missing."""
    workspace = record.workspace
    noticed = NotBroughtOver()
    lists, new = _lists(workspace, connection, dry_run=dry_run)
    with connection.cursor(row_factory=tuple_row) as cursor:
        kinds: dict[str, list[str]] = dict(cursor.execute(KINDS).fetchall())
    known = Attributes(workspace, kinds=kinds, noticed=noticed)
    part = ExportPart(
        name=NAME,
        columns=("email", "name", *known.keys),
        targets=(*listmonk.TARGETS, *known.targets),
        rows=lambda: _rows(connection, lists=lists, known=known),
    )
    return OpenedExport(parts=[part], noticed=noticed, new_lists=new)


def _lists(
    workspace: Workspace, connection: psycopg.Connection[Any], *, dry_run: bool
) -> tuple[dict[int, _List], dict[int, str]]:
    found: dict[int, _List] = {}
    new: dict[int, str] = {}
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute("SELECT to_jsonb(l) FROM lists l ORDER BY id").fetchall()
    for (row,) in rows:
        name = " ".join(str(row["name"]).split())[:120] or f"{NAME} {row['id']}"
        ours = MailingList.objects.filter(workspace=workspace, name=name).first()
        if ours is None and not dry_run:
            ours = _make_list(workspace, name, row)
            new[ours.pk] = name
        if ours is None:
            new[-row["id"]] = name
        found[row["id"]] = _List(
            ours=ours.pk if ours else -row["id"], is_single=row.get("optin") != "double"
        )
    return found, new


def _make_list(workspace: Workspace, name: str, row: Mapping[str, Any]) -> MailingList:
    public = row.get("type") == "public"
    double = row.get("optin") == "double"
    return MailingList.objects.create(
        workspace=workspace,
        name=name,
        description=" ".join(str(row.get("description") or "").split())[:300],
        visibility=MailingList.Visibility.PUBLIC if public else MailingList.Visibility.PRIVATE,
        opt_in=MailingList.OptIn.DOUBLE if double else MailingList.OptIn.SINGLE,
    )


def _rows(
    connection: psycopg.Connection[Any], *, lists: Mapping[int, _List], known: Attributes
) -> Iterator[Arrival]:
    with connection.cursor(name="warta_people", row_factory=dict_row) as cursor:
        cursor.itersize = ROWS_A_FETCH
        cursor.execute(PEOPLE)
        for row in cursor:
            email = row["email"]
            name = listmonk.name_of(row["name"], email=email)
            attribs = row["attribs"] if isinstance(row["attribs"], dict) else {}
            cells = [email, name, *known.cells(attribs)]
            if row["status"] == listmonk.BLOCKLISTED:
                yield Arrival(
                    number=row["id"],
                    cells=cells,
                    reason=SuppressionReason.MANUAL,
                    reason_at=row["updated_at"],
                    reason_detail=listmonk.BLOCKLISTED,
                )
                continue
            yield Arrival(
                number=row["id"],
                cells=cells,
                joinings=tuple(
                    _joining(one, lists[one["list_id"]], disabled=row["status"] != "enabled")
                    for one in row["subscriptions"]
                    if one["list_id"] in lists
                ),
            )


def _joining(row: Mapping[str, Any], found: _List, *, disabled: bool) -> Joining:
    created, updated = _moment(row.get("created_at")), _moment(row.get("updated_at"))
    meta = row.get("meta") if isinstance(row.get("meta"), dict) else {}
    ip = arrivals.address_of_network(str(meta.get("optin_ip") or "")) if meta else None
    status = STATUSES.get(str(row["status"]), SubscriptionStatus.UNCONFIRMED)
    if status is SubscriptionStatus.UNCONFIRMED and found.is_single:
        # listmonk's own rule: on single opt-in lists whoever has not left gets the mail.
        status = SubscriptionStatus.SUBSCRIBED
    if disabled and status is not SubscriptionStatus.UNSUBSCRIBED:
        left = Proof(kind=ConsentKind.UNSUBSCRIBED, detail=listmonk.WHY_DISABLED)
        return Joining(
            list_id=found.ours,
            status=SubscriptionStatus.UNSUBSCRIBED,
            at=None,
            proofs=(Proof(kind=ConsentKind.ASKED, at=created, ip=ip), left),
        )
    proofs: tuple[Proof, ...]
    if status is SubscriptionStatus.UNCONFIRMED:
        proofs = (Proof(kind=ConsentKind.ASKED, at=created, ip=ip),)
    elif status is SubscriptionStatus.UNSUBSCRIBED:
        proofs = (
            Proof(kind=ConsentKind.ASKED, at=created, ip=ip),
            Proof(kind=ConsentKind.UNSUBSCRIBED, at=updated),
        )
    elif found.is_single:
        proofs = (Proof(kind=ConsentKind.SUBSCRIBED, at=created, ip=ip),)
    else:
        proofs = (
            Proof(kind=ConsentKind.ASKED, at=created, ip=ip),
            Proof(kind=ConsentKind.CONFIRMED, at=updated, ip=ip),
        )
    return Joining(list_id=found.ours, status=status, at=updated or created, proofs=proofs)


def _moment(text: Any) -> datetime | None:
    return moments.moment(str(text)) if text else None
