"""A value that may be there only once: its second person comes without it, as the report says."""

import csv
import json
from io import StringIO
from pathlib import Path

import pytest

from subscribers.models import CustomField, Subscriber
from subscribers.states import MigrationSource
from tests.subscribers.migrate_from.makers import checked, figures, moved

HEADER = ("uuid", "email", "name", "attributes", "status", "created_at", "updated_at")


def export(*rows):
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(HEADER)
    for number, (email, code) in enumerate(rows):
        attributes = json.dumps({"code": code, "city": "Solo"})
        moment = "2024-01-02T03:04:05Z"
        uuid = f"00000000-0000-4000-8000-{number:012}"
        writer.writerow([uuid, email, "Ika", attributes, "enabled", moment, moment])
    return text.getvalue()


@pytest.fixture
def code(workspace):
    return CustomField.objects.create(
        workspace=workspace, key="code", label="Customer number", type="text", is_unique=True
    )


def fields_of(email):
    return Subscriber.objects.get(email_key=email).fields


def test_people_come_without_a_value_that_somebody_else_has(taken, code, person):
    person("holder@example.com", fields={"code": "K-1"})
    rows = (("a@example.com", "k-1"), ("b@example.com", "K-2"), ("c@example.com", "k-2"))
    record = checked(taken(MigrationSource.LISTMONK, ("subscribers.csv", export(*rows))))
    assert figures(record) == {"rows": 3, "created": 3}
    told = [(one["row"], one["field"], one["value"], one["code"]) for one in record.problems]
    assert told == [
        (2, "Customer number", "k-1", "taken"),
        (4, "Customer number", "k-2", "taken_row"),
    ]
    moved(record)
    assert figures(record) == {"rows": 3, "created": 3}
    assert fields_of("a@example.com") == {"city": "Solo"}
    assert fields_of("b@example.com") == {"code": "K-2", "city": "Solo"}
    assert fields_of("c@example.com") == {"city": "Solo"}
    report = Path(record.errors_path).read_text("utf-8-sig")
    assert 'comes without a value,"Customer number: k-1: Somebody else has' in report


def test_a_second_move_changes_nothing(taken, code, person):
    person("holder@example.com", fields={"code": "K-1"})
    content = ("subscribers.csv", export(("a@example.com", "K-1")))
    moved(checked(taken(MigrationSource.LISTMONK, content)))
    record = moved(checked(taken(MigrationSource.LISTMONK, content)))
    assert figures(record) == {"rows": 1, "unchanged": 1}
