"""What a file proves of a consent, and what it says against one, stands in the ledger."""

from datetime import UTC, datetime

import pytest
from django.urls import reverse

from subscribers.addresses import addresses
from subscribers.consent import lifecycle, suppression
from subscribers.consent import proof as consent_proof
from subscribers.imports import files, moments, run, steps, undo
from subscribers.models import (
    ConsentEvent,
    MailingList,
    Subscriber,
    Subscription,
    Suppression,
)
from subscribers.people import people
from subscribers.states import ConsentSource, SuppressionReason


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path


@pytest.fixture
def weekly(workspace):
    return MailingList.objects.create(workspace=workspace, name="Weekly")


@pytest.fixture
def imported(workspace, weekly, owner):
    def bring(text, **consent):
        path, size = files.store([text.encode()])
        record = steps.take_file(workspace, path=path, size=size, filename="a.csv", actor=owner)
        steps.set_consent(record, steps.Consent(**{"lists": [weekly], **consent}))
        assert steps.start_check(record)
        assert run.check(record.pk)
        record.refresh_from_db()
        expected = record.progress["standings"]
        assert steps.start_run(record)
        assert run.run(record.pk)
        record.refresh_from_db()
        assert record.progress["standings"] == expected
        return record

    return bring


@pytest.fixture
def known(workspace, weekly):
    person, _ = people.add(workspace, address=addresses.normalise("ani@example.com"))
    lifecycle.subscribe(person, mailing_list=weekly, source=ConsentSource.FORM)
    return person


def events(email="a@x.example"):
    rows = ConsentEvent.objects.filter(subscriber__email_key=email).order_by("at", "id")
    return [(row.kind, row.at.strftime("%Y-%m-%d"), row.ip, row.detail) for row in rows]


def status(email):
    row = Subscription.objects.filter(subscriber__email_key=email).first()
    return row.status if row else None


def test_times_addresses_and_source_of_a_sign_up(imported, editor_client):
    record = imported(
        "email,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,Signup source\n"
        "a@x.example,2019-03-01 10:15:00,203.0.113.7,2019-03-02 10:20:11,2001:db8::1,Shop page\n"
    )
    name = f"a.csv (#{record.pk})"
    today = record.started_at.strftime("%Y-%m-%d")
    assert events() == [
        ("asked", "2019-03-01", "203.0.113.7", f"Shop page · {name}"),
        ("confirmed", "2019-03-02", "2001:db8::1", name),
        ("subscribed", today, None, name),
    ]
    person = Subscriber.objects.get()
    proof = consent_proof.collect(person)
    assert proof["events"][0]["from_where"] == "203.0.113.7"
    page = editor_client.get(reverse("subscriber_page", args=[person.pk])).content.decode()
    assert "203.0.113.7" in page


def test_one_time_alone_proves_the_sign_up(imported):
    imported(
        "email,Subscribed on,Date Added,ip address\na@x.example,2019-03-01,2018-01-01,192.0.2.1\n"
    )
    assert events()[0][:3] == ("subscribed", "2019-03-01", "192.0.2.1")
    assert Subscriber.objects.get().fields == {"date_added": "2018-01-01"}


@pytest.mark.parametrize("at", ["2999-01-01", "1971-01-01", "soon", "0000-00-00 00:00:00", ""])
@pytest.mark.parametrize("ip", ["nowhere", "fe80::1%eth0", ""])
def test_a_bad_proof_costs_its_cell_and_not_its_person(imported, at, ip):
    record = imported(
        "email,OPTIN_TIME,OPTIN_IP\n"
        f"a@x.example,{at},{ip}\nb@x.example,2019-03-01 10:15:00,203.0.113.7\n"
    )
    assert (record.created, record.invalid) == (2, 0)
    assert len(events()) == 1
    assert len(events("b@x.example")) == 2


def test_a_proof_that_cannot_be_read_is_told(imported):
    record = imported(
        "email,OPTIN_TIME,OPTIN_IP\n"
        "a@x.example,2999-01-01,fe80::1%eth0\nb@x.example,never,0000-00-00\n"
    )
    assert (record.created, record.flagged["without"]) == (2, 1)
    told = [(one["field"], one["value"], one["goes_in"]) for one in record.problems]
    assert told == [("consent_time", "2999-01-01", True), ("consent_ip", "fe80::1%eth0", True)]


def test_a_damaged_proof_costs_its_cell_too(imported):
    record = imported("email,optin time,optin ip\na@x.example,2021-05-04 08:00:00,1\0\n")
    assert (record.created, record.invalid, record.flagged["without"]) == (1, 0, 1)


@pytest.mark.parametrize("name", ["Data zapisu", "登録日", "Kayıt Tarihi", "Tanggal daftar"])
def test_the_day_of_the_sign_up_is_a_proof_in_other_languages_too(imported, name):
    imported(f"email,{name}\na@x.example,2021-05-04 08:00:00\n")
    assert ConsentEvent.objects.earliest("at").at.year == 2021


def test_when_and_why_they_left_is_kept(imported):
    imported(
        "email,unsubscribed_at,Email hard bounce reason\n"
        "a@x.example,2020-02-03 10:00:00,\nb@x.example,,550 no such user\n"
    )
    assert status("a@x.example") == "unsubscribed"
    assert events()[0][:2] == ("unsubscribed", "2020-02-03")
    row = Suppression.objects.get()
    assert (row.email_key, row.reason) == ("b@x.example", "bounced")
    assert row.detail.startswith("550 no such user · a.csv")


def test_a_bounce_keeps_its_day_and_goes_with_the_import(imported):
    record = imported("email,bounced at\na@x.example,2020-02-03 10:00:00\nb@x.example,\n")
    assert Suppression.objects.get().created_at == datetime(2020, 2, 3, 10, tzinfo=UTC)
    assert undo.start(record)
    assert undo.run(record.pk)
    assert not Suppression.objects.exists()
    assert not Subscriber.objects.exists()


def test_an_import_with_proofs_is_undone_as_a_whole(imported, known):
    record = imported(
        "email,OPTIN_TIME,OPTIN_IP,unsubscribed_at\n"
        "a@x.example,2019-03-01 10:15:00,203.0.113.7,\n"
        "b@x.example,2019-03-01 10:15:00,203.0.113.7,2020-01-01\n"
        "ani@example.com,2019-03-01 10:15:00,,2020-01-01\n"
    )
    assert status("ani@example.com") == "unsubscribed"
    assert undo.outlook(record).kept == {}
    assert undo.start(record)
    assert undo.run(record.pk)
    assert list(Subscriber.objects.values_list("email", flat=True)) == ["ani@example.com"]
    assert status("ani@example.com") == "subscribed"


@pytest.mark.parametrize("existing", ["overwrite", "fill", "skip"])
def test_whoever_left_elsewhere_leaves_here_whatever_becomes_of_known_people(
    imported, known, existing
):
    record = imported(
        "email,first_name,status\nani@example.com,X,unsubscribed\n", existing=existing
    )
    assert status("ani@example.com") == "unsubscribed"
    assert record.updated == 1
    known.refresh_from_db()
    assert known.first_name == ("" if existing == "skip" else "X")
    assert undo.start(record)
    assert undo.run(record.pk)
    assert status("ani@example.com") == "subscribed"


@pytest.mark.parametrize("existing", ["overwrite", "fill", "skip"])
def test_whoever_bounced_elsewhere_is_suppressed_here(imported, known, existing):
    imported("email,status\nani@example.com,bounced\n", existing=existing)
    assert Suppression.objects.get().reason == "bounced"


def test_whoever_is_suppressed_and_left_elsewhere_is_off_the_list_when_that_is_lifted(
    imported, known, workspace
):
    suppression.suppress(workspace, email="ani@example.com", reason=SuppressionReason.BOUNCED)
    record = imported("email,first_name,status\nani@example.com,X,unsubscribed\n")
    assert (record.updated, record.suppressed) == (0, 1)
    assert status("ani@example.com") == "unsubscribed"
    known.refresh_from_db()
    assert known.first_name == ""
    assert undo.start(record)
    assert undo.run(record.pk)
    assert status("ani@example.com") == "subscribed"


def test_known_people_who_are_left_as_they_are_join_nothing(imported, known, workspace):
    other = MailingList.objects.create(workspace=workspace, name="Offers")
    record = imported("email,status\nani@example.com,subscribed\n", existing="skip", lists=[other])
    assert record.progress["standings"] == {"known": 1}
    assert Subscription.objects.count() == 1


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (["subscribed", "unsubscribed"], ("unsubscribed", None)),
        (["unsubscribed", "subscribed"], ("unsubscribed", None)),
        (["subscribed", "subscribed", "bounced", "unsubscribed"], ("subscribed", "bounced")),
        (["subscribed", "unsubscribed", "complained"], ("subscribed", "complained")),
        (["bounced", "subscribed"], (None, "bounced")),
        (["subscribed", "unconfirmed"], ("subscribed", None)),
    ],
)
def test_of_an_address_that_comes_twice_the_worse_counts(imported, rows, expected):
    text = "email,status\n" + "".join(f"A@x.example,{word}\n" for word in rows)
    record = imported(text)
    assert record.duplicates == len(rows) - 1
    barred = Suppression.objects.first()
    assert (status("a@x.example"), barred and barred.reason) == expected
    assert undo.start(record)
    assert undo.run(record.pk)
    assert not Subscriber.objects.exists()
    assert not Suppression.objects.exists()


def test_known_people_come_back_when_a_worse_row_is_undone(imported, known):
    record = imported("email,status\nani@example.com,subscribed\nani@example.com,unsubscribed\n")
    assert status("ani@example.com") == "unsubscribed"
    assert undo.start(record)
    assert undo.run(record.pk)
    assert status("ani@example.com") == "subscribed"


def test_a_worse_row_is_undone_also_where_the_first_row_changed_or_repeated_something(
    imported, known
):
    imported("email\nbudi@example.com\n")
    record = imported(
        "email,first_name,status\nani@example.com,Ani,subscribed\nani@example.com,,unsubscribed\n"
        "budi@example.com,,subscribed\nbudi@example.com,,unsubscribed\n"
    )
    assert {status("ani@example.com"), status("budi@example.com")} == {"unsubscribed"}
    assert undo.outlook(record).restored == 2
    assert undo.start(record)
    assert undo.run(record.pk)
    assert {status("ani@example.com"), status("budi@example.com")} == {"subscribed"}
    record.refresh_from_db()
    assert record.undo["restored"] == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2023-05-06", "2023-05-06T00:00"),
        ("2023-05-06T07:08:09.123Z", "2023-05-06T07:08"),
        ("2023-05-06 07:08:09 UTC", "2023-05-06T07:08"),
        ("2023-05-06 07:08:09 +0200", "2023-05-06T05:08"),
        ("2023-05-06 07:08:09+02", "2023-05-06T05:08"),
        ("05/06/2023 07:08", "2023-05-06T07:08"),
        ("31/12/2022", "2022-12-31T00:00"),
        ("06.05.2023 07:08", "2023-05-06T07:08"),
        ("Sat, 06 May 2023 07:08:09 GMT", "2023-05-06T07:08"),
        ("May 6, 2023", "2023-05-06T00:00"),
        ("1683356889", "2023-05-06T07:08"),
        ("1683356889000", "2023-05-06T07:08"),
        ("12345", None),
        ("0000-00-00 00:00:00", None),
        ("9999-12-31", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("yes", None),
        ("", None),
    ],
)
def test_moments_as_tools_write_them(text, expected):
    found = moments.moment(text)
    assert (found.strftime("%Y-%m-%dT%H:%M") if found else None) == expected
