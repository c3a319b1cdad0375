"""Taking an erased person's addresses out of whatever text names them, wherever it stands.

What is known to be about a person goes by its key (`erasure`). This is for the rest: a reason that
a server gave, the name of a list, another person's field "brought by". Every text and JSON column
of a workspace's rows is asked, so that a new column is covered without anybody thinking of it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.apps import apps
from django.db import connection, models
from psycopg import sql

from accounts.models import Workspace
from subscribers.people import people

NOBODY = "erased@erased.invalid"  # a domain that never exists (RFC 2606, section 2)
NOBODY_OF_ROW = sql.SQL("'erased-' || id || '@erased.invalid'")
# Rows of a workspace that name it by way of another row: the column that leads there.
LEADS = ("campaign", "from_import", "action")
# The rooms that are looked through, each with its models that are not: words that members publish,
# and what is known to hold no text of people. Rooms above add themselves (`register`).
_apps: dict[str, frozenset[str]] = {
    "subscribers": frozenset({"consentstatement", "publictext", "signupform"}),
}
# What is looked up, dialled or sent from, and so must not change: it is no note about a person.
KEYS = frozenset(
    {
        *("email", "email_key", "path", "errors_path", "report_path", "encoding", "delimiter"),
        *("from_name", "from_email", "reply_to", "default_from", "return_path_domain", "options"),
        *("host", "username", "domain", "selector", "public_key", "time_zone"),
        *("waiting_for", "worker", "token", "journal_epoch"),
    }
)
# Notes of rows as they were uploaded go whole: `forgetting` drops each that names a person.
NOTES = frozenset({"samples", "problems", "findings"})
TEXTS = ("CharField", "TextField", "JSONField")
FIND = sql.SQL("UPDATE {table} SET {changes} WHERE ({found}) AND {of_workspace}")


def register(app: str, *, left_alone: Iterable[str] = ()) -> None:
    """Have the models of an app above looked through, too, but for these; called at the start."""
    _apps[app] = frozenset(left_alone)


def scrub(workspace: Workspace, addresses: Sequence[str]) -> int:
    """Replace addresses in the texts of a workspace; returns how many rows held one.

    Reads the workspace's rows once, however many addresses there are.
    """
    if not addresses:
        return 0
    pattern = pattern_of(addresses)
    count = 0
    people.allow_erasing()  # the ledger of consent lets nothing else change its words
    with connection.cursor() as cursor:
        for model, columns, of_workspace in _places():
            table = sql.Identifier(model._meta.db_table)  # noqa: SLF001 - Django's public name
            changes = [_change(field) for field in columns]
            found = sql.SQL("concat_ws(' ', {}) ~* %(pattern)s").format(
                sql.SQL(", ").join(
                    [sql.Identifier(field.column or field.name) for field in columns]
                )
            )
            statement = FIND.format(
                table=table,
                changes=sql.SQL(", ").join(changes),
                found=found,
                of_workspace=of_workspace,
            )
            values: dict[str, int | str] = {"pattern": pattern, "workspace": workspace.pk}
            cursor.execute(statement, values)
            count += cursor.rowcount
    return count


def pattern_of(addresses: Sequence[str]) -> str:
    """Return the pattern of these addresses, and of none that only holds one."""
    known = "|".join(re.escape(address) for address in addresses)
    return rf"(?<![A-Za-z0-9_])(?:{known})(?![A-Za-z0-9_-])"


def _change(field: "models.Field[object, object]") -> sql.Composed:
    column = sql.Identifier(field.column or field.name)
    # A name may be there once only, so each gets its own.
    nobody = NOBODY_OF_ROW if field.name == "name" else sql.Literal(NOBODY)
    new = sql.SQL("regexp_replace({}::text, %(pattern)s, {}, 'gi')").format(column, nobody)
    if field.get_internal_type() == "JSONField":
        new = sql.SQL("{}::jsonb").format(new)
    elif field.max_length:
        new = sql.SQL("left({}, {})").format(new, sql.Literal(field.max_length))
    return sql.SQL("{} = {}").format(column, new)


def _places() -> Iterator[
    tuple[type[models.Model], "list[models.Field[object, object]]", sql.Composable]
]:
    """Yield each model with texts, these, and the condition of belonging to a workspace."""
    for app, left_alone in _apps.items():
        for model in apps.get_app_config(app).get_models():
            if model._meta.model_name in left_alone:  # noqa: SLF001
                continue
            fields = model._meta.concrete_fields  # noqa: SLF001
            texts = [
                field
                for field in fields
                if field.get_internal_type() in TEXTS
                and field.name not in KEYS | NOTES
                and not field.choices
                and not field.unique
            ]
            of_workspace = _of_workspace({field.name: field for field in fields})
            if texts and of_workspace is not None:
                yield model, texts, of_workspace


def _of_workspace(
    fields: "Mapping[str, models.Field[object, object]]",
) -> sql.Composable | None:
    if "workspace" in fields:
        return sql.SQL("workspace_id = %(workspace)s")
    for name in LEADS:
        if name in fields:
            there: Any = fields[name].related_model
            return sql.SQL("{} IN (SELECT id FROM {} WHERE workspace_id = %(workspace)s)").format(
                sql.Identifier(f"{name}_id"),
                sql.Identifier(there._meta.db_table),  # noqa: SLF001
            )
    return None
