"""Rows that the database refuses are found in their batch and named; the others go in."""

import csv
from pathlib import Path

import pytest
from django.db import connection

from accounts.models import SetAside
from subscribers.imports import apart, files, run, steps
from subscribers.models import MailingList, Subscriber, Subscription, SubscriptionTally, Tagging
from subscribers.states import ImportStatus

pytestmark = pytest.mark.django_db(transaction=True)

POISON = """
CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF {when} THEN RAISE EXCEPTION 'no such value: "%"', NEW; END IF;
    RETURN NEW;
END $$;
CREATE {kind} TRIGGER poison {moment} ON {table} {deferred} FOR EACH ROW EXECUTE FUNCTION poison();
"""
CONSTRAINT = "ALTER TABLE subscribers_subscriber ADD CONSTRAINT poison CHECK (last_name <> 'Bad')"


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path


@pytest.fixture
def poisoned():
    """Have the database refuse something until the test is over."""

    def do(statement):
        with connection.cursor() as cursor:
            cursor.execute(statement)

    yield do
    with connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION IF EXISTS poison() CASCADE")
        cursor.execute("ALTER TABLE subscribers_subscriber DROP CONSTRAINT IF EXISTS poison")


def trigger(table, when, *, moment="BEFORE INSERT OR UPDATE", at_commit=False):
    return POISON.format(
        table=table,
        when=when,
        moment="AFTER INSERT" if at_commit else moment,
        kind="CONSTRAINT" if at_commit else "",
        deferred="DEFERRABLE INITIALLY DEFERRED" if at_commit else "",
    )


@pytest.fixture
def weekly(workspace):
    return MailingList.objects.create(workspace=workspace, name="Weekly")


@pytest.fixture
def take(workspace, weekly, owner):
    def take(rows):
        content = "email,last_name,tags\n" + "".join(f"{row}\n" for row in rows)
        path, size = files.store([content.encode()])
        record = steps.take_file(workspace, path=path, size=size, filename="a.csv", actor=owner)
        assert steps.set_consent(record, steps.Consent(lists=[weekly]))
        return record

    return take


def checked(record):
    assert steps.start_check(record)
    assert run.check(record.pk)
    record.refresh_from_db()
    assert record.status == ImportStatus.CHECKED
    return record


def imported(record):
    assert steps.start_run(record)
    assert run.run(record.pk)
    record.refresh_from_db()
    assert record.status == ImportStatus.DONE
    return record


def told(record):
    """Return row number and reason of each row of the error file."""
    with Path(record.errors_path).open(encoding="utf-8-sig", newline="") as file:
        _header, *rows = csv.reader(file)
    return [(row[0], row[3], row[5]) for row in rows]


def people(count, *, bad, name="Bad", tag="reader"):
    return [
        f"p{number}@example.net,{name if number in bad else 'Good'},{tag}"
        for number in range(count)
    ]


POISONS = {
    "a constraint": CONSTRAINT,
    "a trigger": trigger("subscribers_subscriber", "NEW.last_name = 'Bad'"),
    "a trigger at the commit": trigger(
        "subscribers_subscriber", "NEW.last_name = 'Bad'", at_commit=True
    ),
    "a trigger of what follows": trigger(
        "subscribers_subscription",
        "EXISTS (SELECT FROM subscribers_subscriber p "
        "WHERE p.id = NEW.subscriber_id AND p.last_name = 'Bad')",
    ),
}


@pytest.mark.parametrize("poison", POISONS)
def test_the_others_of_a_batch_go_in_and_the_bad_one_is_named(
    take, poisoned, weekly, workspace, poison
):
    record = checked(take(people(40, bad={7, 8, 31})))
    poisoned(POISONS[poison])
    imported(record)
    assert (record.created, record.invalid) == (37, 3)
    assert Subscriber.objects.count() == Subscription.objects.count() == 37
    assert Tagging.objects.count() == 37
    assert SubscriptionTally.objects.get(list=weekly, status="subscribed").count == 37
    found = told(record)
    assert [(row, email) for row, _why, email in found] == [
        ("9", "p7@example.net"),
        ("10", "p8@example.net"),
        ("33", "p31@example.net"),
    ]
    assert all(why.startswith("The database does not take this row: ") for _row, why, _e in found)
    assert not any("p7@example.net" in why for _row, why, _email in found)
    assert set(SetAside.objects.values_list("kind", "subject")) == {
        ("import", f"import {record.pk}, row {row}") for row in (9, 10, 33)
    }


def test_what_is_known_of_bad_rows_survives_an_interruption(take, poisoned, monkeypatch):
    record = checked(take(people(40, bad={2, 25})))
    poisoned(CONSTRAINT)
    record.progress["size"] = 10
    record.save()
    assert steps.start_run(record)
    type(record).objects.filter(pk=record.pk).update(progress={"size": 10, "done": []})
    real, calls = run._write, []

    def fails(*args):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(run, "_write", fails)
    with pytest.raises(KeyboardInterrupt):
        run.run(record.pk)
    assert run.run(record.pk)
    record.refresh_from_db()
    assert record.status == ImportStatus.DONE
    assert (record.created, record.invalid, record.rows) == (38, 2, 40)
    assert [row for row, _why, _email in told(record)] == ["4", "27"]


def test_a_later_row_of_the_address_has_its_turn(take, poisoned):
    rows = ["a@example.net,Bad,x", "b@example.net,Good,x", "a@example.net,Good,x"]
    record = checked(take([*rows, "a@example.net,Good,y"]))
    poisoned(CONSTRAINT)
    imported(record)
    assert (record.created, record.invalid) == (2, 2)
    assert {row for row, _why, _email in told(record)} == {"2", "5"}
    assert Subscriber.objects.get(email="a@example.net").last_name == "Good"


def test_bad_ones_among_the_rows_that_come_later_are_named_too(take, poisoned):
    """Rows whose address may have come before are merged at the end, in a batch of their own."""
    rows = ["a@example.net,Bad,x", "a@example.net,Bad,x", "b@example.net,Good,x"]
    record = checked(take([*rows, "a@example.net,Good,y"]))
    poisoned(CONSTRAINT)
    imported(record)
    assert (record.created, record.invalid, record.duplicates) == (1, 3, 0)
    found = told(record)
    assert [row for row, _why, _email in found] == ["2", "3", "5"]
    # Nothing of this address has gone in: none of its rows is one "that comes twice".
    assert all(why.startswith("The database does not take this row") for _row, why, _e in found)


def test_a_check_names_rows_that_cannot_even_be_staged(take, poisoned, monkeypatch):
    from subscribers.imports.merge import Merger

    real = Merger.stage

    def stage(self, lines):
        real(self, lines)
        if any(b"p5@" in line for line in lines):
            with connection.cursor() as cursor:
                cursor.execute("SELECT '294277-01-01'::timestamptz")

    monkeypatch.setattr(Merger, "stage", stage)
    record = checked(take(people(20, bad=set())))
    assert (record.created, record.invalid) == (19, 1)
    assert [row for row, _why, _email in told(record)] == ["7"]
    imported(record)
    assert (record.created, record.invalid) == (19, 1)


def test_where_nearly_all_are_refused_the_import_says_that_something_else_is_wrong(
    take, poisoned, monkeypatch
):
    monkeypatch.setattr(apart, "MOST", 3)
    record = checked(take(people(20, bad=set(range(10)))))
    poisoned(CONSTRAINT)
    assert steps.start_run(record)
    with pytest.raises(Exception, match="poison"):
        run.run(record.pk)
    assert not Subscriber.objects.exists()
