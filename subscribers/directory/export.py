"""People out of here: any selection of them, as CSV or as lines of JSON, streamed.

Who belongs to a download is decided at its beginning, by number (8 bytes each); their values are
then read batch by batch. So no transaction stays open for as long as somebody's line is slow, and
memory is flat. Nothing is kept on disk (docs/decisions/0033-stream-exports.md).

Somebody whose values can't be read or written costs their own line alone: it says so, in its place,
and so does the last line.

A CSV file begins with `mapping.EXPORT_COLUMNS`; by them an import knows it as ours and takes off
the apostrophe in front of what a spreadsheet would run as a formula.
"""

import csv
import json
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.background import set_aside
from accounts.models import Workspace
from subscribers.consent import suppression
from subscribers.fields import definitions
from subscribers.imports.error_file import safe
from subscribers.imports.mapping import EXPORT_COLUMNS
from subscribers.migrate_from.suppressions import EXPORT_COLUMNS as SUPPRESSION_COLUMNS
from subscribers.models import CustomField, Subscriber, Suppression

PEOPLE_A_BATCH = 2_000
IDS_A_FETCH = 20_000
CSV, JSON = "csv", "json"
FORMATS = {CSV: "text/csv; charset=utf-8", JSON: "application/x-ndjson; charset=utf-8"}
FIELD = "field:"
STANDARD = ("first_name", "last_name", "language", "time_zone", "added", "changed")
RELATED = ("lists", "tags", "suppressed")
# One array of keys: the query builder's IN gives the driver two thousand parameters to place each
# time, which took half of an export's time.
_PEOPLE = """
SELECT id, email, fields, first_name, last_name, language, time_zone, created_at, updated_at
FROM subscribers_subscriber WHERE workspace_id = %(workspace)s AND id = ANY(%(ids)s) ORDER BY id
"""
_LISTS = """
SELECT subscription.subscriber_id, list.name, subscription.status, subscription.changed_at
FROM subscribers_subscription subscription JOIN subscribers_list list
    ON list.id = subscription.list_id
WHERE subscription.subscriber_id = ANY(%(ids)s) ORDER BY list.name
"""
_TAGS = """
SELECT tagging.subscriber_id, tag.name
FROM subscribers_tagging tagging JOIN subscribers_tag tag ON tag.id = tagging.tag_id
WHERE tagging.subscriber_id = ANY(%(ids)s) ORDER BY tag.name
"""
_BARRED = f"""
SELECT person.id, suppression.reason
FROM subscribers_subscriber person JOIN subscribers_suppression suppression
    ON {suppression.of("person")}
WHERE person.workspace_id = %(workspace)s AND person.id = ANY(%(ids)s)
"""  # noqa: S608 - our own words


@dataclass(frozen=True, kw_only=True)
class ExportColumn:
    """Something that can be exported: ``key`` names it in the form, ``name`` in the file."""

    key: str
    name: str
    label: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportRow:
    """One person's values: as stored, lists as (name, status, since), tags as names."""

    id: int
    email: str
    values: dict[str, Any]
    fields: dict[str, Any]
    lists: list[tuple[str, str, datetime]]
    tags: list[str]
    suppressed: str | None


def columns(workspace: Workspace) -> list[ExportColumn]:
    """Return everything that can be chosen besides the address, which always comes along."""
    labels = {
        "first_name": _("First name"),
        "last_name": _("Last name"),
        "language": _("Language"),
        "time_zone": _("Time zone"),
        "added": _("Added"),
        "changed": _("Changed"),
        "lists": _("Lists, with status"),
        "tags": _("Tags"),
        "suppressed": _("Why nothing is sent to them"),
    }
    own = CustomField.objects.filter(workspace=workspace).values_list("key", "label")
    return [
        *(ExportColumn(key=key, name=key, label=labels[key]) for key in STANDARD[:4]),
        *(ExportColumn(key=f"{FIELD}{key}", name=key, label=label) for key, label in own),
        *(ExportColumn(key=key, name=key, label=labels[key]) for key in (*RELATED, *STANDARD[4:])),
    ]


def choose(people: QuerySet[Subscriber]) -> "array[int]":
    """Return the numbers of a selection, in order; read by a cursor of the server."""
    ids = array("q")
    ids.extend(people.order_by("pk").values_list("pk", flat=True).iterator(IDS_A_FETCH))
    return ids


class ExportOmissions:
    """Counts what could not be written into one file, and says so in words.

    Made in the language of the request: lines are written when it is over.
    """

    def __init__(self) -> None:
        """Begin with nobody."""
        self.count = 0
        self.sentence = _("This line could not be written: see “Is everything sending?”.")
        self._end = _("Lines that could not be written: %(count)s. Each is marked above.")

    def one(self) -> str:
        """Count one more, and return what stands in its place."""
        self.count += 1
        return self.sentence

    @property
    def end(self) -> str:
        """What the last line says."""
        return self._end % {"count": self.count}


def write(
    workspace: Workspace, ids: "array[int]", *, chosen: Sequence[ExportColumn], form: str
) -> Iterator[str]:
    """Return a file batch by batch; ``form`` is `CSV` or `JSON`."""
    return _write(workspace, ids, chosen, form, ExportOmissions())


def _write(
    workspace: Workspace,
    ids: "array[int]",
    chosen: Sequence[ExportColumn],
    form: str,
    left_out: ExportOmissions,
) -> Iterator[str]:
    related = {column.key for column in chosen} & set(RELATED)
    lines = _csv_lines if form == CSV else _json_lines
    if form == CSV:
        yield "\N{BYTE ORDER MARK}"  # spreadsheets take the file for UTF-8 only with it
        yield _csv_writer()([*EXPORT_COLUMNS, *(column.name for column in chosen)])

    def made(batch: Sequence[int]) -> str:
        return lines(_read(workspace, list(batch), related=related), chosen)

    def instead(key: int) -> str:
        return _instead(form, left_out.one(), key)

    for start in range(0, len(ids), PEOPLE_A_BATCH):
        batch = ids[start : start + PEOPLE_A_BATCH].tolist()
        yield from set_aside.making("export", batch, made, instead=instead, name="person {}".format)
    if left_out.count:
        yield _instead(form, left_out.end)


def _instead(form: str, sentence: str, key: int | None = None) -> str:
    if form == CSV:
        return _csv_writer()([str(key or ""), sentence])
    return json.dumps({"subscriber_id": key, "error": sentence}, ensure_ascii=False) + "\n"


def _read(workspace: Workspace, ids: list[int], *, related: set[str]) -> list[ExportRow]:
    values: dict[str, Any] = {"workspace": workspace.pk, "ids": ids}
    lists: dict[int, list[tuple[str, str, datetime]]] = {}
    tags: dict[int, list[str]] = {}
    barred: dict[int, str] = {}
    with connection.cursor() as cursor:
        if "lists" in related:
            cursor.execute(_LISTS, values)
            for person, name, status, at in cursor.fetchall():
                lists.setdefault(person, []).append((name, status, at))
        if "tags" in related:
            cursor.execute(_TAGS, values)
            for person, name in cursor.fetchall():
                tags.setdefault(person, []).append(name)
        if "suppressed" in related:
            cursor.execute(_BARRED, values)
            barred = dict(cursor.fetchall())
        cursor.execute(_PEOPLE, values)
        rows = cursor.fetchall()
    return [
        ExportRow(
            id=key,
            email=email,
            fields=json.loads(own),
            values=dict(zip(STANDARD, standard, strict=True)),
            lists=lists.get(key, []),
            tags=tags.get(key, []),
            suppressed=barred.get(key),
        )
        for key, email, own, *standard in rows
    ]


def _csv_lines(rows: list[ExportRow], chosen: Sequence[ExportColumn]) -> str:
    writer = _csv_writer()
    readers = [_reader(column.key) for column in chosen]
    return "".join(
        writer([str(row.id), safe(row.email), *(safe(read(row)) for read in readers)])
        for row in rows
    )


def _reader(key: str) -> Callable[[ExportRow], str]:
    """Return a function from a row to a cell, as an import would read it back."""
    if key.startswith(FIELD):
        own = key[len(FIELD) :]
        return lambda row: definitions.as_text(row.fields.get(own))
    if key == "lists":
        return lambda row: "; ".join(f"{name} ({status})" for name, status, _at in row.lists)
    if key == "tags":
        return lambda row: ", ".join(map(_quoted, row.tags))
    if key == "suppressed":
        return lambda row: row.suppressed or ""
    if key in {"added", "changed"}:
        return lambda row: row.values[key].isoformat(timespec="seconds")
    return lambda row: str(row.values[key])


def _quoted(tag: str) -> str:
    return '"{}"'.format(tag.replace('"', '""')) if {",", ";", '"'} & set(tag) else tag


def _json_lines(rows: list[ExportRow], chosen: Sequence[ExportColumn]) -> str:
    wanted = {column.key for column in chosen}
    return "".join(f"{_json(row, wanted)}\n" for row in rows)


def _json(row: ExportRow, wanted: set[str]) -> str:
    data: dict[str, Any] = {"subscriber_id": row.id, "email": row.email}
    for key in STANDARD:
        if key in wanted:
            value = row.values[key]
            data[key] = value.isoformat() if isinstance(value, datetime) else value
    own = {key: value for key, value in row.fields.items() if f"{FIELD}{key}" in wanted}
    if any(key.startswith(FIELD) for key in wanted):
        data["fields"] = own
    if "lists" in wanted:
        data["lists"] = [
            {"list": name, "status": status, "since": at.isoformat()}
            for name, status, at in row.lists
        ]
    if "tags" in wanted:
        data["tags"] = row.tags
    if "suppressed" in wanted:
        data["suppressed"] = row.suppressed
    return json.dumps(data, ensure_ascii=False)


class _Echo:
    """A file that hands each written line straight on (csv.writer wants one)."""

    def write(self, line: str) -> str:
        return line


def _csv_writer() -> Callable[[Sequence[str]], str]:
    writerow: Any = csv.writer(_Echo()).writerow
    return writerow  # type: ignore[no-any-return]


def suppressions(workspace: Workspace, *, reason: str = "") -> Iterator[str]:
    """Return the suppression list as CSV, without erased addresses: nobody knows them any more."""
    rows = Suppression.objects.filter(workspace=workspace).exclude(email_key="")
    return _suppressions(rows.filter(reason=reason) if reason else rows, ExportOmissions())


def _suppressions(rows: QuerySet[Suppression], left_out: ExportOmissions) -> Iterator[str]:
    writer = _csv_writer()
    yield "\N{BYTE ORDER MARK}"
    yield writer(SUPPRESSION_COLUMNS)

    def made(keys: Sequence[int]) -> str:
        batch = rows.filter(pk__gte=keys[0], pk__lte=keys[-1]).order_by("pk")
        return "".join(
            writer([safe(key), why, at.isoformat(timespec="seconds"), safe(detail)])
            for key, why, at, detail in batch.values_list(
                "email_key", "reason", "created_at", "detail"
            )
        )

    def instead(key: int) -> str:
        return writer([left_out.one(), str(key)])

    last = 0
    while True:
        following = rows.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)
        keys = list(following[:IDS_A_FETCH])
        if not keys:
            break
        last = keys[-1]
        yield from set_aside.making(
            "export", keys, made, instead=instead, name="suppression {}".format
        )
    if left_out.count:
        yield writer([left_out.end])
