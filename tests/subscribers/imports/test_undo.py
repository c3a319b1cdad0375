"""Undoing an import: what it made goes, what happened since stays."""

import pytest
import time_machine

from subscribers.addresses import addresses
from subscribers.consent import lifecycle, suppression
from subscribers.imports import batches, files, merge, run, steps, undo
from subscribers.models import (
    ConsentEvent,
    CustomField,
    Import,
    ImportChange,
    ListDay,
    MailingList,
    Subscriber,
    Subscription,
    Suppression,
    Tag,
    Tagging,
)
from subscribers.people import people
from subscribers.states import ConsentKind, ConsentSource, SuppressionReason

HEADER = "email,first_name,city\n"


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path


@pytest.fixture
def weekly(workspace):
    return MailingList.objects.create(workspace=workspace, name="Weekly")


@pytest.fixture
def imported(workspace, weekly, owner):
    def do(content, **consent):
        path, size = files.store([content.encode()])
        record = steps.take_file(workspace, path=path, size=size, filename="a.csv", actor=owner)
        assert steps.set_consent(record, steps.Consent(**{"lists": [weekly], **consent}))
        assert steps.start_run(record)
        assert run.run(record.pk)
        record.refresh_from_db()
        return record

    return do


def undone(record):
    assert undo.start(record)
    assert undo.run(record.pk)
    record.refresh_from_db()
    assert record.status == "undone"
    return record.undo


def add(workspace, email, **profile):
    person, _ = people.add(
        workspace, address=addresses.normalise(email), profile=people.Profile(**profile)
    )
    return person


def test_an_undone_import_leaves_the_workspace_as_it_was(workspace, weekly, imported):
    known = add(workspace, "known@example.com", first_name="Ani", fields={"city": "Bandung"})
    record = imported(
        HEADER + "known@example.com,Anna,Jakarta\nnew@example.com,Budi,Bogor\n",
        tags=["shop-2026"],
    )
    assert Tagging.objects.count() == 2
    assert undo.outlook(record).removed == 1

    state = undone(record)
    assert (state["removed"], state["restored"], state["kept"]) == (1, 1, {})
    known.refresh_from_db()
    assert (known.first_name, known.fields) == ("Ani", {"city": "Bandung"})
    assert list(Subscriber.objects.values_list("email", flat=True)) == ["known@example.com"]
    assert not Subscription.objects.exists()
    assert not Tagging.objects.exists()
    assert not ImportChange.objects.exists()
    kinds = ConsentEvent.objects.order_by("id").values_list("kind", flat=True)
    assert list(kinds) == [ConsentKind.SUBSCRIBED, ConsentKind.TAKEN_BACK]
    assert lifecycle.subscribe(known, mailing_list=weekly, source=ConsentSource.MANUAL)


def test_a_value_that_somebody_changed_since_stays(workspace, imported):
    known = add(workspace, "known@example.com", first_name="Ani", fields={"city": "Bandung"})
    record = imported(HEADER + "known@example.com,Anna,Jakarta\n")
    known.refresh_from_db()
    people.change(known, fields={**known.fields, "city": "Solo"})
    undone(record)
    known.refresh_from_db()
    assert (known.first_name, known.fields) == ("Ani", {"city": "Solo"})


def test_people_to_whom_something_happened_since_stay_and_are_counted(workspace, weekly, imported):
    rows = "".join(f"{name}@example.com,N,C\n" for name in ("quiet", "left", "named", "tagged"))
    record = imported(HEADER + rows)
    person = {one.email.partition("@")[0]: one for one in Subscriber.objects.all()}
    lifecycle.unsubscribe(person["left"], lists=[weekly.pk], source=ConsentSource.UNSUBSCRIBE_PAGE)
    people.change(person["named"], first_name="Made")
    Tagging.objects.create(
        tag=Tag.objects.create(workspace=workspace, name="vip"), subscriber=person["tagged"]
    )
    kept = {"acted": 1, "changed": 1, "tagged": 1}
    assert undo.outlook(record).kept == kept
    state = undone(record)
    assert (state["removed"], state["kept"]) == (1, kept)
    statuses = Subscription.objects.values_list("subscriber__email", "status")
    assert list(statuses) == [("left@example.com", "unsubscribed")]
    assert Tagging.objects.get().subscriber == person["tagged"]


def test_whoever_was_brought_back_is_out_again(workspace, weekly, imported):
    person = add(workspace, "out@example.com")
    lifecycle.subscribe(person, mailing_list=weekly, source=ConsentSource.FORM)
    lifecycle.unsubscribe_from_all(person, source=ConsentSource.UNSUBSCRIBE_PAGE)
    record = imported("email\nout@example.com\n", bring_back="Signed again at the fair")
    assert Subscription.objects.get().status == "subscribed"
    assert not Suppression.objects.exists()
    undone(record)
    assert Subscription.objects.get().status == "unsubscribed"
    assert Suppression.objects.get().reason == SuppressionReason.UNSUBSCRIBED


def test_suppressions_that_the_file_brought_go_again(workspace, imported):
    suppression.suppress(workspace, email="old@example.com", reason=SuppressionReason.MANUAL)
    record = imported("email,status\nold@example.com,bounced\nnew@example.com,complained\n")
    assert Suppression.objects.count() == 2
    undone(record)
    assert Suppression.objects.get().email_key == "old@example.com"


def test_a_cancelled_import_can_be_undone(imported, prepared_in_batches):
    record = prepared_in_batches
    assert Subscriber.objects.count() == 10
    assert undone(record)["removed"] == 10
    assert not Subscriber.objects.exists()


@pytest.fixture
def prepared_in_batches(workspace, weekly, monkeypatch):
    monkeypatch.setattr(batches, "ROWS_A_BATCH", 10)
    text = "email\n" + "".join(f"p{n}@example.com\n" for n in range(30))
    path, size = files.store([text.encode()])
    record = steps.take_file(workspace, path=path, size=size, filename="a.csv")
    steps.set_consent(record, steps.Consent(lists=[weekly]))
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
    return record


def test_an_interrupted_undo_goes_on(imported, monkeypatch):
    monkeypatch.setattr(undo, "BATCH", 10)
    record = imported("email\n" + "".join(f"p{n}@example.com\n" for n in range(35)))
    assert undo.start(record)
    delete, calls = people.delete, []

    def breaking(workspace, *, ids):
        calls.append(ids)
        if len(calls) == 3:
            raise OSError("the machine went away")
        return delete(workspace, ids=ids)

    monkeypatch.setattr(people, "delete", breaking)
    with pytest.raises(OSError, match="went away"):
        undo.run(record.pk)
    assert Subscriber.objects.count() == 15
    assert undo.run(record.pk)
    record.refresh_from_db()
    assert (record.undo["removed"], Subscriber.objects.count()) == (35, 0)


def test_an_import_that_wrote_nothing_or_long_ago_cannot_be_undone(imported, weekly):
    record = imported("email\na@example.com\n")
    assert undo.can_be_undone(record)
    with time_machine.travel(undo.deadline(record), tick=False):
        assert not undo.can_be_undone(record)
        assert not undo.start(record)
    assert not undo.can_be_undone(Import(status="checked", workspace=weekly.workspace))


def test_what_it_made_goes_too_where_nothing_uses_it(imported, workspace):
    """Its new list, tags and fields; not a tag that somebody else has by now."""
    record = imported(
        "email,shoe size,tags\na@example.com,41,vip;lead\nb@example.com,42,vip\n",
        lists=[],
        new_list="Fair",
    )
    Import.objects.filter(pk=record.pk).update(
        flagged={**record.flagged, "new_lists": ["Fair"], "new_tags": ["vip", "lead"]}
    )
    record.refresh_from_db()
    vip = Tag.objects.get(name="vip")
    Tagging.objects.create(tag=vip, subscriber=add(workspace, "c@example.com"))
    assert undo.start(record, tidies=True)
    assert undo.run(record.pk)
    record.refresh_from_db()
    assert sorted(record.undo["tidied"]) == ["Fair", "Shoe size", "lead"]
    assert not MailingList.objects.filter(name="Fair").exists()
    assert list(Tag.objects.values_list("name", flat=True)) == ["vip"]
    assert not CustomField.objects.filter(label="Shoe size").exists()


def test_what_it_made_stays_unless_asked(imported):
    record = imported("email\na@example.com\n", lists=[], new_list="Fair")
    undone(record)
    assert MailingList.objects.filter(name="Fair").exists()


def test_whoever_asked_for_no_mail_since_stays_suppressed(workspace, imported):
    people_of = {
        status: add(workspace, f"{status}@example.com") for status in ("bounced", "complained")
    }
    record = imported(
        "email,status\nbounced@example.com,bounced\ncomplained@example.com,complained\n"
    )
    for person in people_of.values():
        lifecycle.unsubscribe_from_all(person, source=ConsentSource.UNSUBSCRIBE_PAGE)
    undone(record)
    assert [suppression.is_out(person) for person in people_of.values()] == [True, True]


def test_whoever_signed_up_since_stays_on_the_list(workspace, weekly, imported):
    record = imported("email\nhere@example.com\n")
    person = Subscriber.objects.get()
    lifecycle.join(person, mailing_list=weekly, source=ConsentSource.FORM)
    assert undone(record)["kept"] == {"acted": 1}
    assert Subscription.objects.get().status == "subscribed"


def test_whoever_left_since_is_not_put_back(workspace, weekly, imported):
    person = add(workspace, "gone@example.com")
    lifecycle.subscribe(person, mailing_list=weekly, source=ConsentSource.FORM)
    record = imported("email,status\ngone@example.com,unsubscribed\n")
    lifecycle.unsubscribe(person, lists=[weekly.pk], source=ConsentSource.UNSUBSCRIBE_PAGE)
    undone(record)
    assert Subscription.objects.get().status == "unsubscribed"


def test_an_undone_import_is_no_growth(weekly, imported):
    record = imported("email\na@example.com\nb@example.com\n")
    assert ListDay.objects.get().joined == 2
    undone(record)
    assert list(ListDay.objects.values_list("joined", "left")) == [(0, 0)]


def state(email):
    person = Subscriber.objects.get(email_key=email)
    rows = Subscription.objects.filter(subscriber=person)
    return (
        dict(rows.values_list("list__name", "status")),
        set(Tagging.objects.filter(subscriber=person).values_list("tag__name", flat=True)),
        (person.first_name, person.fields),
    )


GIVEN = ({"Weekly": "subscribed"}, {"fair"}, ("Ana", {"city": "Bogor"}))


@pytest.mark.parametrize("is_known", [True, False])
def test_what_a_second_import_gave_too_stays_until_that_one_is_undone(
    workspace, weekly, imported, is_known
):
    if is_known:
        add(workspace, "ana@example.com", first_name="Anna", fields={"city": "Solo"})
    first = imported(HEADER + "ana@example.com,Ana,Bogor\nonly@example.com,O,P\n", tags=["fair"])
    second = imported(HEADER + "ana@example.com,Ana,Bogor\n", tags=["fair"])
    assert (second.created, second.updated, second.unchanged) == (0, 0, 1)
    undone(first)
    assert state("ana@example.com") == GIVEN
    assert not Subscriber.objects.filter(email_key="only@example.com").exists()
    event = ConsentEvent.objects.latest("pk")
    assert (event.kind, event.list) == (ConsentKind.GIVEN_AGAIN, weekly)
    assert event.detail == f"a.csv (#{second.pk})"
    joined = ListDay.objects.get(list=weekly).joined
    assert joined == 1
    undone(second)
    assert state("ana@example.com")[:2] == ({}, set())
    assert ListDay.objects.get(list=weekly).joined == 0
    assert not ImportChange.objects.exists()


def test_undoing_the_second_import_leaves_what_the_first_one_gave(imported):
    imported(HEADER + "ana@example.com,Ana,Bogor\n", tags=["fair"])
    second = imported(HEADER + "ana@example.com,Ana,Bogor\n", tags=["fair"])
    assert undone(second)["restored"] == 0
    assert state("ana@example.com") == GIVEN


def test_who_left_by_two_imports_stays_out_when_one_is_undone(workspace, weekly, imported):
    person = add(workspace, "ana@example.com")
    lifecycle.subscribe(person, mailing_list=weekly, source=ConsentSource.MANUAL)
    gone = "email,status\nana@example.com,unsubscribed\nbad@example.com,bounced\n"
    first, _second = imported(gone), imported(gone)
    undone(first)
    assert Subscription.objects.get(subscriber=person).status == "unsubscribed"
    assert Suppression.objects.filter(email_key="bad@example.com").exists()


@pytest.mark.parametrize("in_order", [True, False])
@pytest.mark.parametrize(
    "text", ["email,status\nbad@x.org,bounced\n", "email,bounce reason\nbad@x.org,No such user\n"]
)
def test_an_address_that_two_imports_suppressed_is_free_when_both_are_undone(
    imported, text, in_order
):
    first, second = imported(text), imported(text)
    before, after = (first, second) if in_order else (second, first)
    undone(before)
    row = Suppression.objects.get(email_key="bad@x.org")
    assert row.detail.endswith(merge.detail(after))
    assert merge.detail(before) not in row.detail
    undone(after)
    assert not Suppression.objects.exists()
