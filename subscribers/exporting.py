"""People out of here: any selection of them, as CSV or as lines of JSON, streamed.

Who belongs to a download is decided at its beginning, by number (8 bytes each); their values are
then read batch by batch. So no transaction stays open for as long as somebody's line is slow, and
memory is flat. Nothing is kept on disk (docs/decisions/0033-exports-are-streamed.md).

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

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.models import Workspace
from subscribers import fields
from subscribers.imports.errors import safe
from subscribers.imports.mapping import EXPORT_COLUMNS
from subscribers.models import CustomField, Subscriber, Subscription, Suppression, Tagging
from subscribers.moving.suppressions import EXPORT_COLUMNS as SUPPRESSION_COLUMNS

PEOPLE_A_BATCH = 2_000
IDS_A_FETCH = 20_000
CSV, JSON = "csv", "json"
FORMATS = {CSV: "text/csv; charset=utf-8", JSON: "application/x-ndjson; charset=utf-8"}
FIELD = "field:"
STANDARD = ("first_name", "last_name", "language", "time_zone", "added", "changed")
RELATED = ("lists", "tags", "suppressed")


@dataclass(frozen=True, kw_only=True)
class Column:
    """Something that can be exported: ``key`` names it in the form, ``name`` in the file."""

    key: str
    name: str
    label: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One person's values: as stored, lists as (name, status, since), tags as names."""

    id: int
    email: str
    values: dict[str, Any]
    fields: dict[str, Any]
    lists: list[tuple[str, str, datetime]]
    tags: list[str]
    suppressed: str | None


def columns(workspace: Workspace) -> list[Column]:
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
        *(Column(key=key, name=key, label=labels[key]) for key in STANDARD[:4]),
        *(Column(key=f"{FIELD}{key}", name=key, label=label) for key, label in own),
        *(Column(key=key, name=key, label=labels[key]) for key in (*RELATED, *STANDARD[4:])),
    ]


def choose(people: QuerySet[Subscriber]) -> "array[int]":
    """Return the numbers of a selection, in order; read by a cursor of the server."""
    ids = array("q")
    ids.extend(people.order_by("pk").values_list("pk", flat=True).iterator(IDS_A_FETCH))
    return ids


def write(
    workspace: Workspace, ids: "array[int]", *, chosen: Sequence[Column], form: str
) -> Iterator[str]:
    """Yield a file batch by batch; ``form`` is `CSV` or `JSON`."""
    wanted = {column.key for column in chosen}
    related = wanted & set(RELATED)
    lines = _csv_lines if form == CSV else _json_lines
    if form == CSV:
        yield "\N{BYTE ORDER MARK}"  # spreadsheets take the file for UTF-8 only with it
        yield _csv_writer()([*EXPORT_COLUMNS, *(column.name for column in chosen)])
    for start in range(0, len(ids), PEOPLE_A_BATCH):
        batch = ids[start : start + PEOPLE_A_BATCH].tolist()
        yield lines(_read(workspace, batch, related=related), chosen)


def _read(workspace: Workspace, ids: list[int], *, related: set[str]) -> list[Row]:
    people = Subscriber.objects.filter(workspace=workspace, pk__in=ids).order_by("pk")
    names = ("pk", "email", "address_hash", "fields", *STANDARD[:4], "created_at", "updated_at")
    lists: dict[int, list[tuple[str, str, datetime]]] = {}
    tags: dict[int, list[str]] = {}
    if "lists" in related:
        subscriptions = Subscription.objects.filter(subscriber__in=ids).order_by("list__name")
        for person, name, status, at in subscriptions.values_list(
            "subscriber_id", "list__name", "status", "changed_at"
        ):
            lists.setdefault(person, []).append((name, status, at))
    if "tags" in related:
        taggings = Tagging.objects.filter(subscriber__in=ids).order_by("tag__name")
        for person, name in taggings.values_list("subscriber_id", "tag__name"):
            tags.setdefault(person, []).append(name)
    rows = list(people.values_list(*names))
    barred = _barred(workspace, [bytes(row[2]) for row in rows]) if "suppressed" in related else {}
    return [
        Row(
            id=row[0],
            email=row[1],
            fields=row[3],
            values=dict(zip(STANDARD, row[4:], strict=True)),
            lists=lists.get(row[0], []),
            tags=tags.get(row[0], []),
            suppressed=barred.get(bytes(row[2])),
        )
        for row in rows
    ]


def _barred(workspace: Workspace, hashes: list[bytes]) -> dict[bytes, str]:
    rows = Suppression.objects.filter(workspace=workspace, address_hash__in=hashes)
    return {bytes(digest): why for digest, why in rows.values_list("address_hash", "reason")}


def _csv_lines(rows: list[Row], chosen: Sequence[Column]) -> str:
    writer = _csv_writer()
    readers = [_reader(column.key) for column in chosen]
    return "".join(
        writer([str(row.id), safe(row.email), *(safe(read(row)) for read in readers)])
        for row in rows
    )


def _reader(key: str) -> Callable[[Row], str]:
    """Return a function from a row to a cell, as an import would read it back."""
    if key.startswith(FIELD):
        own = key[len(FIELD) :]
        return lambda row: fields.as_text(row.fields.get(own))
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


def _json_lines(rows: list[Row], chosen: Sequence[Column]) -> str:
    wanted = {column.key for column in chosen}
    return "".join(f"{_json(row, wanted)}\n" for row in rows)


def _json(row: Row, wanted: set[str]) -> str:
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
    """Yield the suppression list as CSV, without erased addresses: nobody knows them any more."""
    writer = _csv_writer()
    yield "\N{BYTE ORDER MARK}"
    yield writer(SUPPRESSION_COLUMNS)
    rows = Suppression.objects.filter(workspace=workspace).exclude(email_key="")
    if reason:
        rows = rows.filter(reason=reason)
    last = 0
    while True:
        batch = list(
            rows.filter(pk__gt=last)
            .order_by("pk")
            .values_list("pk", "email_key", "reason", "created_at", "detail")[:IDS_A_FETCH]
        )
        if not batch:
            return
        last = batch[-1][0]
        yield "".join(
            writer([safe(key), why, at.isoformat(timespec="seconds"), safe(detail)])
            for _pk, key, why, at, detail in batch
        )
