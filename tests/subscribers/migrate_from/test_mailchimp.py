"""Mailchimp's audience export: everybody comes as what they are there, with the old proof."""

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest

from subscribers.models import (
    ConsentEvent,
    CustomField,
    Subscriber,
    Subscription,
    Suppression,
    Tagging,
)
from subscribers.states import ConsentSource, MigrationSource
from tests.subscribers.migrate_from.exports import SUBSCRIBED, mailchimp_zip
from tests.subscribers.migrate_from.makers import checked, figures, moved, settled

EXPECTED = {
    "rows": 9,
    "created": 4,
    "updated": 1,
    "kept_out": 2,
    "suppressed": 1,
    "invalid": 1,
}


@pytest.fixture
def export(taken, some_known):
    return lambda: taken(MigrationSource.MAILCHIMP, ("export.zip", mailchimp_zip()))


def everything():
    """All rows that a move could touch, so that two moments can be compared."""
    return [
        list(model.objects.order_by("pk").values())
        for model in (Subscriber, Subscription, ConsentEvent, Suppression, Tagging, CustomField)
    ]


def status_of(email):
    return Subscription.objects.get(subscriber__email_key=email).status


def ledger_of(email):
    events = ConsentEvent.objects.filter(subscriber__email_key=email).order_by("at", "id")
    return [(event.kind, event.at, event.ip) for event in events]


def test_a_check_says_exactly_what_the_move_will_do_and_writes_nothing(export):
    before = everything()
    record = checked(export())
    assert figures(record) == EXPECTED
    assert everything() == before
    assert figures(moved(record)) == EXPECTED
    assert settled(record) == record.rows


def test_everybody_becomes_what_they_were(export):
    moved(export())
    assert status_of("dewi@example.com") == "subscribed"
    assert status_of("eka@example.com") == "unsubscribed"
    assert status_of("here@example.com") == "unsubscribed"  # left there after joining here
    farid = Suppression.objects.get(email_key="farid@example.com")
    assert (farid.reason, farid.created_at) == (
        "bounced",
        datetime(2022, 9, 9, 1, 2, 3, tzinfo=UTC),
    )
    assert not Subscriber.objects.filter(email_key="farid@example.com").exists()
    assert not Subscriber.objects.filter(email_key="shop@example.com").exists()


def test_old_proof_of_consent_stands_in_the_ledger(export):
    moved(export())
    assert ledger_of("dewi@example.com") == [
        ("asked", datetime(2019, 3, 1, 10, 15, tzinfo=UTC), "203.0.113.7"),
        ("confirmed", datetime(2019, 3, 1, 10, 20, 11, tzinfo=UTC), "203.0.113.8"),
    ]
    assert ledger_of("budi@example.com") == [
        ("subscribed", datetime(2021, 6, 30, 8, tzinfo=UTC), "198.51.100.2")
    ]
    left = ConsentEvent.objects.get(subscriber__email_key="eka@example.com", kind="unsubscribed")
    assert left.source == ConsentSource.IMPORT
    assert "Mailchimp" in left.detail
    assert "No longer interested" in left.detail


def test_fields_tags_and_zones_come_along(export):
    moved(export())
    dewi = Subscriber.objects.get(email_key="dewi@example.com")
    assert (dewi.first_name, dewi.time_zone) == ("Dewi", "Asia/Jakarta")
    assert dewi.fields == {
        "birthday": "03/14",
        "country_code": "ID",
        "region": "JB",
        "notes": "Met at the fair",
    }
    tags = Tagging.objects.filter(subscriber=dewi).values_list("tag__name", flat=True)
    assert set(tags) == {"vip", "Kopi, arabika"}
    assert Subscriber.objects.get(email_key="citra@example.com").time_zone == ""


def test_nobody_is_brought_back(export):
    moved(export())
    assert status_of("left-here@example.com") == "unsubscribed"
    assert not Tagging.objects.filter(subscriber__email_key="left-here@example.com").exists()
    assert not Subscriber.objects.filter(email_key="gone@example.com").exists()
    assert Suppression.objects.get(email_key="gone@example.com").reason == "complained"


def test_a_second_move_changes_nothing(export):
    first = moved(export())
    before = everything()
    again = moved(export())
    # It says behind the first one's detail that it suppresses the address, too (`imports.undo`).
    farid = Suppression.objects.get(email_key="farid@example.com")
    assert farid.detail.endswith(f"(#{first.pk}); Mailchimp audience export (#{again.pk})")
    farid.detail = farid.detail.rpartition(";")[0]
    farid.save()
    assert everything() == before
    assert figures(again) == {"rows": 9, "unchanged": 6, "kept_out": 2, "invalid": 1}


def test_the_report_names_every_row_left_out(export):
    record = moved(export())
    with Path(record.errors_path).open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["file", "row", "address", "outcome", "reason"]
    assert [(row[1], row[2], row[3]) for row in rows[1:]] == [
        ("7", "not an address", "invalid"),
        ("5", "left-here@example.com", "kept out"),
        ("6", "gone@example.com", "kept out"),
    ]
    assert "Reported as spam" in rows[3][4]
    assert record.flagged["left_out"] == {
        "MEMBER_RATING": "internal",
        "LATITUDE": "internal",
        "LONGITUDE": "internal",
        "GMTOFF": "internal",
        "DSTOFF": "internal",
        "LAST_CHANGED": "internal",
        "LEID": "internal",
        "EUID": "internal",
        "nonsubscribed_email_audience_export_5f1b9c.csv": "never_agreed",
    }
    assert record.flagged["noticed"] == {"time_zone": 1}


def test_a_move_that_was_cut_off_goes_on_and_adds_up(export, monkeypatch):
    from subscribers.imports import steps
    from subscribers.imports.merge import Merger
    from subscribers.migrate_from import received_files, run

    record = export()
    monkeypatch.setattr(run, "ROWS_A_RANGE", 2)
    real = Merger.write
    calls = []

    def broken(self, counts):
        calls.append(1)
        if len(calls) == 3:
            raise OSError("the machine went away")
        return real(self, counts)

    monkeypatch.setattr(Merger, "write", broken)
    assert steps.start_run(record)
    with pytest.raises(OSError, match="went away"):
        run.run(record.pk, received_files.opener)
    record.refresh_from_db()
    assert record.rows_done > 0
    assert run.run(record.pk, received_files.opener)
    record.refresh_from_db()
    assert figures(record) == EXPECTED


def test_a_cancelled_move_stops_where_it_is(export, monkeypatch):
    from subscribers.imports import steps
    from subscribers.imports.gathering import Gathered
    from subscribers.migrate_from import received_files, run

    record = export()
    monkeypatch.setattr(run, "ROWS_A_RANGE", 2)
    real = Gathered.ranges

    def ranges(self, **values):
        for rows in real(self, **values):
            if rows.after > 0:
                steps.cancel(record)
            yield rows

    monkeypatch.setattr(Gathered, "ranges", ranges)
    assert steps.start_run(record)
    assert not run.run(record.pk, received_files.opener)
    record.refresh_from_db()
    assert record.status == "cancelled"
    assert settled(record) == 2


def test_a_file_that_is_none_of_mailchimps_is_refused(taken, tmp_path):
    from subscribers.migrate_from.arrivals import SourceRefused

    with pytest.raises(SourceRefused, match="Email Address"):
        taken(MigrationSource.MAILCHIMP, ("a.csv", "Name,City\nDewi,Bandung\n"))
    assert not list((tmp_path / "imports").iterdir())


def test_files_come_one_by_one_too(taken):
    record = moved(taken(MigrationSource.MAILCHIMP, ("subscribed_export.csv", SUBSCRIBED)))
    assert record.created == 5


def test_values_that_fit_no_field_of_the_name_get_one_of_their_own(workspace, export):
    CustomField.objects.create(workspace=workspace, key="birthday", label="Birthday", type="date")
    record = moved(export())
    assert figures(record) == EXPECTED
    dewi = Subscriber.objects.get(email_key="dewi@example.com")
    assert dewi.fields["birthday_text"] == "03/14"
