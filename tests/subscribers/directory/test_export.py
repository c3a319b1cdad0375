"""People out of here: what was chosen, safe in spreadsheets, and unchanged when it comes back."""

import csv
import io
import json
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from subscribers.addresses import addresses
from subscribers.consent import lifecycle, suppression
from subscribers.directory import export
from subscribers.fields import definitions
from subscribers.imports import files, run, steps
from subscribers.imports.error_file import safe, unsafe
from subscribers.migrate_from import received_files
from subscribers.migrate_from import run as migrating
from subscribers.models import (
    MailingList,
    Segment,
    Subscriber,
    Subscription,
    Suppression,
    Tag,
    Tagging,
)
from subscribers.people import people
from subscribers.states import ConsentSource, FieldType, MigrationSource, SuppressionReason

NASTY = ("=1+1", "+62 812", "-5", "@cmd", "|x", "%0A", "'quoted", "a;b", 'say "hi"', "Łódź, 日本")


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    cache.clear()


@pytest.fixture
def weekly(workspace):
    return MailingList.objects.create(workspace=workspace, name="Weekly")


@pytest.fixture
def crowd(workspace, weekly):
    """Ten people with names that spreadsheets would run."""
    definitions.create(workspace, label="Score", kind=FieldType.NUMBER)
    definitions.create(workspace, label="Member", kind=FieldType.BOOLEAN)
    tag = Tag.objects.create(workspace=workspace, name="vip, old")
    for number, text in enumerate(NASTY):
        person, _ = people.add(
            workspace,
            address=addresses.normalise(f"=p{number}@example.com"),
            profile=people.Profile(
                first_name=text, fields={"score": -number, "member": bool(number % 2)}
            ),
        )
        lifecycle.subscribe(person, mailing_list=weekly, source=ConsentSource.FORM)
        Tagging.objects.create(tag=tag, subscriber=person)
    suppression.suppress(workspace, email="=p0@example.com", reason=SuppressionReason.COMPLAINED)


def download(client, **query):
    answer = client.get("/subscribers/export/file/", query)
    assert answer.status_code == 200
    assert answer.streaming
    return b"".join(answer.streaming_content).decode("utf-8-sig")


def everything(client, **query):
    columns = [*export.STANDARD, *export.RELATED, "field:score", "field:member"]
    return download(client, column=columns, **query)


def test_cells_run_in_no_spreadsheet(editor_client, crowd):
    cells = [cell for row in csv.reader(io.StringIO(everything(editor_client))) for cell in row]
    suspicious = {cell for cell in cells if cell.startswith(("=", "+", "-", "@", "|", "%"))}
    assert suspicious == {"+62 812", "-5", *(f"-{score}" for score in range(1, len(NASTY)))}


def test_a_file_comes_back_unchanged(editor_client, crowd, workspace, weekly):
    before = list(Subscriber.objects.order_by("pk").values("email", "first_name", "fields"))
    text = everything(editor_client)
    for person in list(Subscriber.objects.all()):
        people.delete(workspace, ids=[person.pk])
    Suppression.objects.all().delete()
    path, size = files.store([text.encode()])
    record = steps.take_file(workspace, path=path, size=size, filename="people.csv")
    steps.set_consent(record, steps.Consent(lists=[weekly]))
    steps.start_run(record)
    assert run.run(record.pk)
    after = Subscriber.objects.order_by("pk").values("email", "first_name", "fields")
    kept = [
        {**row, "fields": {k: v for k, v in row["fields"].items() if k in {"score", "member"}}}
        for row in after
    ]
    # Whoever complained is suppressed again, and no subscriber: the file says so.
    assert kept == before[1:]
    complained = Suppression.objects.values_list("email_key", "reason")
    assert list(complained) == [("=p0@example.com", "complained")]


@pytest.mark.parametrize(
    ("lists", "suppressed", "expected"),
    [
        ("Weekly (subscribed)", "", "subscribed"),
        ("Weekly (unsubscribed)", "", "unsubscribed"),
        ("Weekly (unsubscribed); Offers (unsubscribed)", "", "unsubscribed"),
        ("Weekly (unconfirmed)", "", "unconfirmed"),
        ("Weekly (subscribed)", "manual", None),
        ("Weekly (subscribed)", "unsubscribed", "unsubscribed"),
    ],
)
def test_our_own_file_subscribes_nobody_who_had_left(
    workspace, weekly, lists, suppressed, expected
):
    text = f"subscriber_id,email,lists,suppressed\n1,a@example.com,{lists},{suppressed}\n"
    path, size = files.store([text.encode()])
    record = steps.take_file(workspace, path=path, size=size, filename="people.csv")
    steps.set_consent(record, steps.Consent(lists=[weekly]))
    assert steps.start_run(record)
    assert run.run(record.pk)
    found = Subscription.objects.values_list("status", flat=True)
    assert list(found) == ([expected] if expected else [])


def test_our_own_file_asks_where_lists_disagree(workspace):
    text = "subscriber_id,email,lists\n1,a@x.example,Weekly (subscribed); Offers (unsubscribed)\n"
    path, size = files.store([text.encode()])
    record = steps.take_file(workspace, path=path, size=size, filename="people.csv")
    assert not steps.start_run(record)


@pytest.mark.parametrize("cell", ["-3", "-3.5", "-1,234", "-1e-07", "+628123456789", "+62 812-345"])
def test_numbers_and_phone_numbers_stay_what_they_are(cell):
    assert safe(cell) == unsafe(cell) == cell


@pytest.mark.parametrize(
    "cell",
    ["-3+cmd|' /C calc'!A0", "=1", "+1+A1", "@SUM(1)", "-A1", "\t=1", "＝1", "+62a", "-3;=1"],
)
def test_formulas_are_defused(cell):
    assert safe(cell) == f"'{cell}"


@settings(max_examples=300)
@given(st.text(alphabet="'=+-@|%3a, e\t", max_size=6))
def test_a_cell_comes_back_as_it_was(cell):
    assert unsafe(safe(cell)) == cell


def test_lines_of_json_hold_typed_values(editor_client, crowd):
    rows = [json.loads(line) for line in everything(editor_client, format="json").splitlines()]
    assert [row["first_name"] for row in rows] == list(NASTY)
    assert rows[3]["fields"] == {"score": -3, "member": True}
    assert rows[3]["tags"] == ["vip, old"]
    assert rows[3]["lists"][0]["status"] == "subscribed"
    assert [row["suppressed"] for row in rows[:2]] == ["complained", None]


def test_only_what_was_chosen_comes_along(editor_client, crowd):
    rows = list(csv.reader(io.StringIO(download(editor_client, column="last_name"))))
    assert rows[0] == ["subscriber_id", "email", "last_name"]
    assert len(rows) == len(NASTY) + 1


def test_filters_lists_and_segments_narrow(editor_client, crowd, workspace, weekly):
    other = MailingList.objects.create(workspace=workspace, name="Offers")
    segment = Segment.objects.create(workspace=workspace, name="All")
    assert len(download(editor_client, q="p3").splitlines()) == 2
    assert len(download(editor_client, list=weekly.pk).splitlines()) == 11
    assert len(download(editor_client, list=other.pk).splitlines()) == 1
    assert len(download(editor_client, status="unsubscribed").splitlines()) == 1
    assert len(download(editor_client, segment=segment.pk).splitlines()) == 11


@pytest.mark.parametrize(
    ("narrowed", "count"),
    [
        ({"field": "member", "value": "yes"}, 5),
        ({"field": "score", "value": "-3"}, 1),
        ({"flag": 1}, 2),
        ({"added_from": "2099-01-01"}, 0),
        ({"known": "waiting:0"}, 1),
        ({"q": "p4", "field": "member", "value": "no"}, 1),
    ],
)
def test_whatever_the_list_was_narrowed_by_narrows_the_file(editor_client, crowd, narrowed, count):
    some = Subscriber.objects.filter(email_key__in=["=p4@example.com", "=p5@example.com"])
    some.update(address_flags=1)
    late = Subscriber.objects.get(email_key="=p4@example.com")
    Subscription.objects.filter(subscriber=late).update(
        status="unconfirmed", changed_at=timezone.now() - timedelta(minutes=1)
    )
    asked = editor_client.get("/subscribers/export/", narrowed).content.decode()
    for name, value in narrowed.items():
        assert f'name="{name}" value="{value}"' in asked
    assert len(download(editor_client, **narrowed).splitlines()) == count + 1


def test_nobody_exports_anothers_list_or_segment(outsider_client, crowd, workspace, weekly):
    segment = Segment.objects.create(workspace=workspace, name="All")
    for query in ({"list": weekly.pk}, {"segment": segment.pk}):
        assert outsider_client.get("/subscribers/export/file/", query).status_code == 404
    assert len(download(outsider_client).splitlines()) == 1


def test_analysts_take_nobodys_data_along(analyst_client, crowd):
    person = Subscriber.objects.earliest("pk").pk
    for path in (
        "/subscribers/export/",
        "/subscribers/export/file/",
        "/suppressions/export/",
        f"/subscribers/{person}/export/",
        f"/subscribers/{person}/data/",
        f"/subscribers/{person}/proof/",
        f"/subscribers/{person}/proof.json",
    ):
        assert analyst_client.get(path).status_code == 403
    assert "/subscribers/export/" not in analyst_client.get("/subscribers/").text


def test_reading_takes_as_many_queries_for_three_as_for_one(
    workspace, crowd, django_assert_num_queries
):
    chosen = export.columns(workspace)
    for count in (1, 3):
        ids = export.choose(Subscriber.objects.filter(workspace=workspace))[:count]
        with django_assert_num_queries(6):
            list(export.write(workspace, ids, chosen=chosen, form=export.CSV))


def test_the_suppression_list_goes_out_and_comes_back(editor_client, crowd, workspace):
    answer = editor_client.get("/suppressions/export/")
    text = b"".join(answer.streaming_content)
    before = set(Suppression.objects.values_list("email_key", "reason"))
    Suppression.objects.all().delete()
    stored = received_files.store([("s.csv", io.BytesIO(text))])
    record = received_files.take(
        workspace, source=MigrationSource.SUPPRESSIONS, stored=stored, mailing_list=None
    )
    steps.start_run(record)
    assert migrating.run(record.pk, received_files.opener)
    assert set(Suppression.objects.values_list("email_key", "reason")) == before


def test_one_persons_data_is_whole_and_readable(editor_client, crowd):
    person = Subscriber.objects.earliest("pk")
    page = editor_client.get(f"/subscribers/{person.pk}/data/").text
    data = editor_client.get(f"/subscribers/{person.pk}/export/").json()
    assert data["profile"]["email"] == person.email
    assert data["tags"][0]["tag"] == "vip, old"
    assert data["suppressions"][0]["reason"] == "complained"
    assert data["fields"] == {"Score": 0, "Member": False}
    for word in (person.email, "vip, old", "Reported as spam", "Weekly"):
        assert word in page
    proof = editor_client.get(f"/subscribers/{person.pk}/proof/").text
    assert "Proof of consent" in proof
    assert "Weekly" in proof
