"""Unique and required fields in a file: rows are refused by name, and the import goes on."""

import csv
from pathlib import Path

import pytest

from subscribers.addresses import addresses
from subscribers.imports import batches, clashes, files, mapping, merge, run, steps, undo
from subscribers.models import CustomField, MailingList, Subscriber
from subscribers.people import people
from subscribers.states import ImportStatus

HEADER = "email,code,city\n"


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path


@pytest.fixture
def code(workspace):
    return CustomField.objects.create(
        workspace=workspace, key="code", label="Customer number", type="text", is_unique=True
    )


@pytest.fixture
def city(workspace):
    return CustomField.objects.create(
        workspace=workspace, key="city", label="City", type="text", is_required=True
    )


@pytest.fixture
def holder(workspace, code):
    return people.add(
        workspace,
        address=addresses.normalise("holder@example.com"),
        profile=people.Profile(fields={"code": "K-1", "city": "Bandung"}),
    )[0]


@pytest.fixture
def imported(workspace):
    weekly = MailingList.objects.create(workspace=workspace, name="Weekly")

    def do(rows, **consent):
        path, size = files.store([f"{HEADER}{rows}".encode()])
        record = steps.take_file(workspace, path=path, size=size, filename="a.csv")
        assert steps.set_consent(record, steps.Consent(**{"lists": [weekly], **consent}))
        assert steps.start_check(record)
        assert run.check(record.pk)
        record.refresh_from_db()
        expected = figures(record)
        assert steps.start_run(record)
        assert run.run(record.pk)
        record.refresh_from_db()
        assert figures(record) == expected
        assert record.status == ImportStatus.DONE
        return record

    return do


def figures(record):
    return (record.created, record.updated, record.unchanged, record.suppressed, record.invalid)


def told(record):
    return [(one["row"], one["field"], one["value"], one["code"]) for one in record.problems]


def code_of(email):
    return Subscriber.objects.get(email_key=email).fields.get("code")


def test_a_row_with_somebody_elses_unique_value_is_refused_by_name(imported, holder, city):
    record = imported("dewi@example.com,k-1,Solo\neka@example.com,K-2,Solo\n")
    assert figures(record) == (1, 0, 0, 0, 1)
    assert told(record) == [(2, "Customer number", "k-1", "taken")]
    with Path(record.errors_path).open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[1][:3] == ["2", "Customer number", "k-1"]
    assert rows[1][5:] == ["dewi@example.com", "k-1", "Solo"]
    assert not Subscriber.objects.filter(email_key="dewi@example.com").exists()
    assert code_of("eka@example.com") == "K-2"


def test_of_two_rows_with_one_unique_value_the_first_goes_in(imported, code):
    record = imported("a@example.com,K-7,Solo\nb@example.com,k-7,Solo\n")
    assert figures(record) == (1, 0, 0, 0, 1)
    assert told(record) == [(3, "Customer number", "k-7", "taken_row")]
    assert code_of("a@example.com") == "K-7"


def test_two_rows_of_different_batches_too(imported, code, monkeypatch):
    monkeypatch.setattr(batches, "ROWS_A_BATCH", 1)
    record = imported("a@example.com,K-7,Solo\nb@example.com,k-7,Solo\nc@example.com,,Solo\n")
    assert figures(record) == (2, 0, 0, 0, 1)
    assert [one[0] for one in told(record)] == [3]


def test_ones_own_value_is_in_nobodys_way(imported, holder):
    record = imported("holder@example.com,K-1,Medan\n")
    assert figures(record) == (0, 1, 0, 0, 0)
    assert code_of("holder@example.com") == "K-1"


def test_filling_only_does_not_refuse_what_it_would_not_write(imported, holder, workspace):
    person = people.add(
        workspace,
        address=addresses.normalise("dewi@example.com"),
        profile=people.Profile(fields={"code": "K-2"}),
    )[0]
    record = imported("dewi@example.com,K-1,Solo\n", existing="fill")
    assert record.invalid == 0
    person.refresh_from_db()
    assert person.fields == {"code": "K-2", "city": "Solo"}


def test_overwriting_with_a_taken_value_refuses_the_row(imported, holder, workspace):
    people.add(workspace, address=addresses.normalise("dewi@example.com"))
    record = imported("dewi@example.com,K-1,Solo\n")
    assert figures(record) == (0, 0, 0, 0, 1)
    assert told(record) == [(2, "Customer number", "K-1", "taken")]


def test_a_new_person_without_a_required_value_is_refused(imported, city, code):
    record = imported("a@example.com,K-1,\nb@example.com,K-2,Solo\n")
    assert figures(record) == (1, 0, 0, 0, 1)
    assert told(record) == [(2, "City", "", "required")]


def test_an_empty_required_cell_leaves_a_known_person_as_they_are(imported, holder, city):
    record = imported("holder@example.com,K-9,\n")
    assert figures(record) == (0, 1, 0, 0, 0)
    holder.refresh_from_db()
    assert holder.fields == {"code": "K-9", "city": "Bandung"}


def test_one_row_tells_all_that_is_wrong_with_it(imported, holder, city):
    record = imported("a@example.com,K-1,\n")
    assert sorted(one[3] for one in told(record)) == ["required", "taken"]
    assert record.invalid == 1


def test_a_value_that_was_given_meanwhile_makes_the_batch_decide_again(
    imported, holder, workspace, monkeypatch
):
    write = merge.Merger.write
    quicker = []

    def overtaken(self, counts):
        if not quicker:
            quicker.append(True)
            holder.fields["code"] = "K-5"
            type(holder).objects.filter(pk=holder.pk).update(fields=holder.fields)
        write(self, counts)

    monkeypatch.setattr(merge.Merger, "write", overtaken)
    people.add(workspace, address=addresses.normalise("a@example.com"))
    path, size = files.store([f"{HEADER}a@example.com,K-5,Solo\n".encode()])
    record = steps.take_file(workspace, path=path, size=size, filename="a.csv")
    weekly = MailingList.objects.get()
    assert steps.set_consent(record, steps.Consent(lists=[weekly]))
    assert steps.start_run(record)
    assert run.run(record.pk)
    record.refresh_from_db()
    # The quicker one was part of the transaction that was taken back.
    assert (record.status, record.updated, record.invalid) == (ImportStatus.DONE, 1, 0)
    assert quicker


def test_what_was_refused_is_told_again_by_a_run_that_goes_on(imported, holder, monkeypatch):
    monkeypatch.setattr(batches, "ROWS_A_BATCH", 1)
    record = imported("a@example.com,K-1,Solo\nb@example.com,K-2,Solo\nc@example.com,K-3,Solo\n")
    before = (figures(record), told(record))
    written = {**record.progress, "done": [row for row in record.progress["done"] if row]}
    type(record).objects.filter(pk=record.pk).update(status=ImportStatus.RUNNING, progress=written)
    assert run.run(record.pk)
    record.refresh_from_db()
    assert (figures(record), told(record)) == before


def test_an_undo_leaves_a_value_that_somebody_was_given_since(imported, holder, workspace):
    record = imported("holder@example.com,K-2,Medan\n")
    other = people.add(
        workspace,
        address=addresses.normalise("other@example.com"),
        profile=people.Profile(fields={"code": "K-1"}),
    )[0]
    assert undo.start(record)
    assert undo.run(record.pk)
    holder.refresh_from_db()
    assert holder.fields == {"code": "K-2", "city": "Bandung"}
    other.refresh_from_db()
    assert other.fields == {"code": "K-1"}


def test_columns_without_strict_fields_are_not_watched(workspace, code, city):
    assert clashes.watched(workspace, [mapping.ColumnTarget(to="email")]) == []
