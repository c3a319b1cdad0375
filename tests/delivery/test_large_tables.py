"""Tables with a row for each mail or event change while mail goes out: none is read whole."""

import re
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

LARGE = ("delivery_event", "delivery_message")
FROM = "0017"  # those before are released as they are
_ALTER = re.compile(r'ALTER TABLE "(\w+)" .*')


def _later() -> list[str]:
    names = sorted(
        name for app, name in MigrationLoader(connection).disk_migrations if app == "delivery"
    )
    return [name for name in names if name >= FROM]


@pytest.mark.django_db(transaction=True)  # as indexes are built beside the traffic
def test_no_migration_reads_a_large_table_while_it_is_locked() -> None:
    found = []
    for name in _later():
        out = StringIO()
        call_command("sqlmigrate", "delivery", name, stdout=out, no_color=True)
        found += [
            f"{name}: {one[0]}"
            for one in _ALTER.finditer(out.getvalue())
            if one[1] in LARGE and re.search(r"CHECK|SET NOT NULL|TYPE|\(\)", one[0])
        ]
    assert not found
