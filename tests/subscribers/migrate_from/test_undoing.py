"""Undoing a move: as far as nobody built on it since, everything is as it was before."""

from datetime import UTC, datetime

import pytest

from subscribers.consent import lifecycle
from subscribers.imports import files, run, steps, undo
from subscribers.imports.merge import Merger
from subscribers.migrate_from import received_files
from subscribers.migrate_from import run as migrating
from subscribers.models import (
    CustomField,
    ImportChange,
    ListDay,
    Subscriber,
    Subscription,
    Suppression,
    Tag,
    Tagging,
)
from subscribers.states import ConsentSource, ImportStatus, MigrationSource
from tests.subscribers.migrate_from.exports import LISTMONK, MAUTIC, mailchimp_zip
from tests.subscribers.migrate_from.makers import moved

LEFT = "Email Address,First Name,UNSUB_TIME\nhere@example.com,Hari,2024-05-06 07:08:09\n"


def undone(record, **choices):
    assert undo.start(record, **choices)
    assert undo.run(record.pk)
    record.refresh_from_db()
    assert record.status == ImportStatus.UNDONE
    return record


def standings():
    """Everybody's names, fields, tags and lists, and who is suppressed, by address."""
    people = Subscriber.objects.values_list("email_key", "first_name", "time_zone", "fields")
    lists = Subscription.objects.values_list("subscriber__email_key", "list__name", "status")
    tags = Tagging.objects.values_list("subscriber__email_key", "tag__name")
    barred = Suppression.objects.values_list("email_key", "reason", "detail", "created_at")
    return [sorted(map(str, rows)) for rows in (people, lists, tags, barred)]


def joined_and_left():
    return [sum(row) for row in zip(*ListDay.objects.values_list("joined", "left"), strict=True)]


def joined_long_ago(email):
    at = datetime(2020, 1, 1, tzinfo=UTC)
    Subscription.objects.filter(subscriber__email_key=email).update(created_at=at, changed_at=at)


@pytest.mark.parametrize(
    ("source", "content"),
    [
        (MigrationSource.MAILCHIMP, ("export.zip", mailchimp_zip())),
        (MigrationSource.MAILCHIMP, ("left.csv", LEFT)),
        (MigrationSource.LISTMONK, ("subscribers.csv", LISTMONK)),
        (MigrationSource.MAUTIC, ("contacts.csv", MAUTIC)),
        (MigrationSource.SUPPRESSIONS, ("list.csv", "email\nhere@example.com\nnew@example.com\n")),
    ],
)
@pytest.mark.usefixtures("some_known")
def test_everything_is_as_it_was(taken, weekly, source, content):
    joined_long_ago("here@example.com")
    before = standings()
    made = set(CustomField.objects.values_list("key", flat=True))
    record = moved(taken(source, content))
    assert standings() != before
    undone(record, tidies=True)
    assert standings() == before
    assert set(CustomField.objects.values_list("key", flat=True)) == made
    assert not Tag.objects.exists()
    assert not ImportChange.objects.exists()


@pytest.mark.parametrize(
    ("source", "content"),
    [
        (MigrationSource.MAILCHIMP, ("left.csv", LEFT)),
        (MigrationSource.MAUTIC, ("contacts.csv", MAUTIC)),
    ],
)
@pytest.mark.usefixtures("some_known")
def test_the_days_of_the_list_count_it_off(taken, source, content):
    joined_long_ago("here@example.com")
    days = joined_and_left()
    record = moved(taken(source, content))
    assert joined_and_left() != days
    undone(record)
    assert joined_and_left() == days


@pytest.mark.usefixtures("weekly")
def test_who_did_something_since_stays_without_what_the_move_gave(taken):
    record = moved(taken(MigrationSource.MAILCHIMP, ("export.zip", mailchimp_zip())))
    dewi = Subscriber.objects.get(email_key="dewi@example.com")
    other = dewi.workspace.lists.create(name="Other")
    lifecycle.subscribe(dewi, mailing_list=other, source=ConsentSource.FORM)
    assert undo.outlook(record).kept == {"acted": 1}
    undone(record)
    assert list(Subscriber.objects.all()) == [dewi]
    assert list(Subscription.objects.values_list("list__name", flat=True)) == ["Other"]
    assert not Tagging.objects.exists()


def test_who_left_since_stays_off(taken, weekly):
    record = moved(taken(MigrationSource.MAUTIC, ("contacts.csv", MAUTIC)))
    kiki = Subscriber.objects.get(email_key="kiki@example.com")
    lifecycle.unsubscribe(kiki, lists=[weekly.pk], source=ConsentSource.FORM)
    undone(record)
    assert Subscription.objects.get(subscriber=kiki).status == "unsubscribed"


@pytest.mark.usefixtures("weekly")
def test_what_another_move_brings_too_stays_until_that_is_undone(taken):
    first = moved(taken(MigrationSource.MAUTIC, ("contacts.csv", MAUTIC)))
    both = standings()[:3]
    again = moved(taken(MigrationSource.MAUTIC, ("contacts.csv", MAUTIC)))
    undone(first)
    barred = set(Suppression.objects.values_list("email_key", "reason"))
    assert barred == {("lala@example.com", "unsubscribed"), ("momo@example.com", "bounced")}
    assert standings()[:3] == both
    undone(again)
    assert not Suppression.objects.exists()
    assert not Subscription.objects.exists()


def test_what_an_import_brings_too_stays(taken, workspace, weekly):
    record = moved(taken(MigrationSource.MAUTIC, ("contacts.csv", MAUTIC)))
    path, size = files.store([b"email\nkiki@example.com\n"])
    later = steps.take_file(workspace, path=path, size=size, filename="a.csv", mailing_list=weekly)
    assert steps.start_run(later)
    assert run.run(later.pk)
    undone(record)
    assert Subscription.objects.get().subscriber.email_key == "kiki@example.com"


def test_moves_of_former_releases_have_no_undo(taken):
    record = moved(taken(MigrationSource.MAUTIC, ("contacts.csv", MAUTIC)))
    record.progress = {}
    assert not undo.can_be_undone(record)


@pytest.mark.usefixtures("some_known")
def test_what_a_move_made_that_was_cut_off_goes_too(taken, monkeypatch):
    before = standings()
    record = taken(MigrationSource.MAILCHIMP, ("export.zip", mailchimp_zip()))
    monkeypatch.setattr(migrating, "ROWS_A_RANGE", 2)
    real, calls = Merger.write, []

    def broken(self, counts):
        calls.append(1)
        if len(calls) == 3:
            raise OSError
        return real(self, counts)

    monkeypatch.setattr(Merger, "write", broken)
    assert steps.start_run(record)
    with pytest.raises(OSError):
        migrating.run(record.pk, received_files.opener)
    steps.fail(record.pk, reason="cut off")
    record.refresh_from_db()
    assert CustomField.objects.exists()
    undone(record, tidies=True)
    assert standings() == before
    assert not CustomField.objects.exists()
    assert not Tag.objects.exists()
