"""From a file to people: exact figures, nobody resurrected, nothing done twice."""

import csv
import dataclasses
import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from subscribers import addresses, lifecycle, people, suppression
from subscribers.imports import batches, files, mapping, merge, run, steps
from subscribers.models import (
    ConsentEvent,
    CustomField,
    Import,
    MailingList,
    Subscriber,
    Subscription,
    SubscriptionTally,
)
from subscribers.states import ConsentKind, ConsentSource, ImportStatus, SuppressionReason

HEADER = "email,first_name,last_name,city,joined\n"


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path


@pytest.fixture
def weekly(workspace):
    return MailingList.objects.create(workspace=workspace, name="Weekly")


@pytest.fixture
def prepared(workspace, weekly, owner):
    def prepare(content, **consent):
        data = content if isinstance(content, bytes) else content.encode()
        path, size = files.store([data])
        record = steps.take_file(workspace, path=path, size=size, filename="a.csv", actor=owner)
        assert steps.set_consent(record, steps.Consent(**{"lists": [weekly], **consent}))
        return record

    return prepare


def checked(record):
    assert steps.start_check(record)
    assert run.check(record.pk)
    record.refresh_from_db()
    return record


def imported(record):
    assert steps.start_run(record)
    assert run.run(record.pk)
    record.refresh_from_db()
    return record


def figures(record):
    return (
        record.rows,
        record.created,
        record.updated,
        record.unchanged,
        record.suppressed,
        record.invalid,
    )


def error_rows(record):
    with Path(record.errors_path).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


DIRTY = (
    HEADER
    + "dewi@example.com,Dewi,Anggraini,Bandung,2026-01-31\n"
    + "budi(at)kampus.example.id,Budi,,Jakarta,\n"
    + "citra@example.com,Citra,,Bandung,31/02/2025\n"
    + "DEWI@example.com,Dewi,Again,,\n"
    + "left@example.com,Left,,,\n"
    + "gone@example.com,Gone,,,\n"
    + 'evil@example.com,"Eve\r\nBcc: x@example.com",,,\n'
    + "short@example.com,Short\n"
    + '"=cmd|calc",Formula,,,\n'
    + "known@example.com,Known,,,\n"
)


def test_a_dirty_file_is_accounted_for_row_by_row(workspace, weekly, prepared, owner):
    left, _ = people.add(workspace, address=addresses.normalise("left@example.com"))
    lifecycle.subscribe(left, mailing_list=weekly, source=ConsentSource.FORM)
    lifecycle.unsubscribe(left, lists=[weekly.pk], source=ConsentSource.FORM)
    known, _ = people.add(
        workspace,
        address=addresses.normalise("known@example.com"),
        profile=people.Profile(first_name="Known"),
    )
    lifecycle.subscribe(known, mailing_list=weekly, source=ConsentSource.FORM)
    suppression.suppress(workspace, email="gone@example.com", reason=SuppressionReason.BOUNCED)
    record = prepared(DIRTY)
    targets = mapping.load(record.mapping)
    assert [target.to for target in targets] == ["email", "first_name", "last_name", "new", "new"]
    targets[4] = dataclasses.replace(targets[4], type="date")
    assert steps.set_mapping(record, targets=targets)
    checked(record)
    expected = (10, 1, 0, 1, 2, 6)
    assert figures(record) == expected
    assert record.duplicates == 1
    assert not Subscriber.objects.filter(email="dewi@example.com").exists()

    imported(record)
    assert figures(record) == expected
    assert record.status == ImportStatus.DONE
    dewi = Subscriber.objects.get(email_key="dewi@example.com")
    assert (dewi.name, dewi.fields) == (
        "Dewi Anggraini",
        {"city": "Bandung", "joined": "2026-01-31"},
    )
    event = ConsentEvent.objects.get(subscriber=dewi)
    assert (event.kind, event.source, event.actor) == (
        ConsentKind.SUBSCRIBED,
        ConsentSource.IMPORT,
        owner,
    )
    assert Subscription.objects.get(subscriber=left).status == "unsubscribed"
    assert not Subscriber.objects.filter(email_key="gone@example.com").exists()
    tally = SubscriptionTally.objects.filter(list=weekly, count__gt=0)
    assert dict(tally.values_list("status", "count")) == {"subscribed": 2, "unsubscribed": 1}

    rows = error_rows(record)
    assert rows[0] == ["row", "field", "value", "reason", *HEADER.strip().split(",")]
    assert [(row[0], row[1]) for row in rows[1:]] == [
        ("3", "email"),
        ("4", "Joined"),
        ("8", "first_name"),
        ("9", ""),
        ("10", "email"),
        ("5", "email"),
    ]
    assert rows[6][3] == "Already in row 2"
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]


def test_an_error_file_can_be_corrected_and_imported(prepared):
    record = imported(prepared(HEADER + "budi(at)example.com,=Budi,,Jakarta,\n"))
    assert record.invalid == 1
    mended = Path(record.errors_path).read_bytes().replace(b",budi(at)", b",budi@")
    again = imported(prepared(mended))
    assert figures(again) == (1, 1, 0, 0, 0, 0)
    person = Subscriber.objects.get()
    assert (person.email, person.first_name, person.fields) == (
        "budi@example.com",
        "=Budi",
        {"city": "Jakarta"},
    )


def test_a_second_import_of_the_same_file_changes_nothing(prepared):
    content = HEADER + "".join(f"p{n}@example.com,P{n},,City,\n" for n in range(50))
    imported(prepared(content))
    moments = set(Subscriber.objects.values_list("updated_at", flat=True))
    again = imported(prepared(content))
    assert figures(again) == (50, 0, 0, 50, 0, 0)
    assert ConsentEvent.objects.count() == 50
    assert set(Subscriber.objects.values_list("updated_at", flat=True)) == moments


def test_policies_for_people_who_are_known(prepared):
    imported(prepared(HEADER + "a@example.com,Ani,,Bandung,\n"))
    filled = imported(
        prepared(HEADER + "a@example.com,Anna,Sari,Jakarta,2026-01-01\n", existing="fill")
    )
    assert figures(filled) == (1, 0, 1, 0, 0, 0)
    person = Subscriber.objects.get()
    assert (person.name, person.fields) == ("Ani Sari", {"city": "Bandung", "joined": "2026-01-01"})
    imported(prepared(HEADER + "a@example.com,Anna,,Jakarta,\n"))
    person.refresh_from_db()
    assert (person.name, person.fields) == (
        "Anna Sari",
        {"city": "Jakarta", "joined": "2026-01-01"},
    )


def test_an_interrupted_import_goes_on_without_double_effects(prepared, monkeypatch):
    monkeypatch.setattr(batches, "ROWS_A_BATCH", 10)
    content = HEADER + "".join(f"p{n % 40}@example.com,P{n},,City,\n" for n in range(55))
    record = prepared(content)
    assert steps.start_run(record)
    write, calls = merge.Merger.write, []

    def breaking(self, counts):
        calls.append(counts)
        write(self, counts)
        if len(calls) == 3:
            raise OSError("the machine went away")

    monkeypatch.setattr(merge.Merger, "write", breaking)
    with pytest.raises(OSError, match="went away"):
        run.run(record.pk)
    record.refresh_from_db()
    assert (record.status, record.created, Subscriber.objects.count()) == ("running", 20, 20)
    assert run.run(record.pk)
    record.refresh_from_db()
    assert figures(record) == (55, 40, 0, 0, 0, 15)
    assert record.duplicates == 15
    assert Subscriber.objects.count() == ConsentEvent.objects.count() == 40
    assert len(error_rows(record)) == 16


def test_cancelling_stops_after_the_batch_at_hand(prepared, monkeypatch):
    monkeypatch.setattr(batches, "ROWS_A_BATCH", 10)
    record = prepared(HEADER + "".join(f"p{n}@example.com,,,,\n" for n in range(30)))
    assert steps.start_run(record)
    stage, calls = merge.Merger.stage, []

    def cancelling(self, lines):
        calls.append(lines)
        stage(self, lines)
        if len(calls) == 2:
            assert steps.cancel(record)

    monkeypatch.setattr(merge.Merger, "stage", cancelling)
    assert not run.run(record.pk)
    record.refresh_from_db()
    assert (record.status, record.created, Subscriber.objects.count()) == ("cancelled", 10, 10)


def test_typos_are_flagged_not_dropped_and_can_be_corrected(prepared):
    record = checked(prepared(HEADER + "a@gmial.com,,,,\nb@gmial.com,,,,\ninfo@example.com,,,,\n"))
    assert figures(record) == (3, 3, 0, 0, 0, 0)
    assert record.flagged == {"typos": {"gmial.com": 2}, "roles": 1, "disposable": 0}
    assert steps.correct_domain(record, mistyped="gmial.com", right="gmail.com")
    imported(record)
    assert set(Subscriber.objects.values_list("email", flat=True)) == {
        "a@gmail.com",
        "b@gmail.com",
        "info@example.com",
    }


def test_a_discarded_import_leaves_nothing(prepared, tmp_path):
    record = checked(prepared(HEADER + "nope,,,,\n"))
    assert steps.discard(record)
    assert list((tmp_path / "imports").iterdir()) == []
    assert not Import.objects.exists()


def test_the_command_prints_one_json_object(workspace, tmp_path):
    file = tmp_path / "people.csv"
    file.write_text("E-Mail;Name;Kota\ndewi@example.com;Dewi Anggraini;Bandung\nnope;x;y\n")
    with pytest.raises(CommandError, match="--create-list"):
        call_command("import_subscribers", str(file), list="New", workspace=workspace.slug)
    out = StringIO()
    call_command(
        "import_subscribers",
        str(file),
        list="New",
        workspace=workspace.slug,
        create_list=True,
        json=True,
        map=["Kota=city"],
        stdout=out,
    )
    outcome = json.loads(out.getvalue())
    assert {key: outcome[key] for key in ("created", "updated", "unchanged", "invalid")} == {
        "created": 1,
        "updated": 0,
        "unchanged": 0,
        "invalid": 1,
    }
    assert Path(outcome["errors_file"]).exists()
    person = Subscriber.objects.get()
    assert (person.first_name, person.last_name, person.fields) == (
        "Dewi",
        "Anggraini",
        {"city": "Bandung"},
    )
    assert CustomField.objects.get().key == "city"


def test_a_mapping_without_an_address_is_refused(prepared):
    record = prepared("a,b\n1,2\n")
    with pytest.raises(mapping.MappingRefused):
        steps.set_mapping(record, targets=[mapping.Target(), mapping.Target()])


def test_same_columns_are_read_as_last_time(prepared, workspace):
    first = prepared("mail,note\na@example.com,x\n")
    targets = [mapping.Target(to="email"), mapping.Target(to="")]
    steps.set_mapping(first, targets=targets)
    imported(first)
    again = prepared("mail,note\nb@example.com,y\n")
    assert mapping.load(again.mapping) == targets


def test_whoever_has_a_bad_value_of_an_own_field_can_come_without_it(prepared, workspace):
    """Counted before; only rows whose other values are right, and flags of those alone."""
    CustomField.objects.create(workspace=workspace, key="age", label="age", type="number")
    record = checked(
        prepared(
            "email,first_name,age\na@example.com,Ana,old\nb@example.com,Budi,41\n"
            "info@example.com,Info,old\nnobody,No,old\n"
        )
    )
    assert (record.created, record.invalid) == (1, 3)
    assert (record.flagged["loose"], record.flagged["roles"]) == (2, 0)
    assert steps.drop_values(record, drops=True)
    record = checked(record)
    assert (record.created, record.invalid) == (3, 1)
    assert (record.flagged["without"], record.flagged["roles"]) == (2, 1)
    record = imported(record)
    assert (record.created, record.invalid) == (3, 1)
    ages = {one.email: one.fields.get("age") for one in Subscriber.objects.all()}
    assert ages == {"a@example.com": None, "b@example.com": 41, "info@example.com": None}
