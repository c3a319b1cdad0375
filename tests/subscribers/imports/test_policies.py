"""Whom an import may touch, and how: lists, tags, statuses, and those who had left."""

import pytest

from subscribers.addresses import addresses
from subscribers.consent import ledger, lifecycle, suppression
from subscribers.imports import asking, files, mapping, questions, run, steps
from subscribers.models import (
    ConsentEvent,
    MailingList,
    SignupForm,
    Subscriber,
    Subscription,
    Suppression,
    Tag,
    Tagging,
)
from subscribers.people import people
from subscribers.signup import signup
from subscribers.states import AddressFlag, ConsentKind, ConsentSource, SuppressionReason


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path


@pytest.fixture
def weekly(workspace):
    return MailingList.objects.create(workspace=workspace, name="Weekly")


@pytest.fixture
def prepared(workspace, weekly, owner):
    def prepare(content, **consent):
        path, size = files.store([content.encode()])
        record = steps.take_file(workspace, path=path, size=size, filename="a.csv", actor=owner)
        assert steps.set_consent(record, steps.Consent(**{"lists": [weekly], **consent}))
        return record

    return prepare


def imported(record):
    """Check first: what the check says is what the import does."""
    assert steps.start_check(record)
    assert run.check(record.pk)
    record.refresh_from_db()
    expected = figures(record)
    assert steps.start_run(record)
    assert run.run(record.pk)
    record.refresh_from_db()
    assert figures(record) == expected
    return record


def figures(record):
    return (record.created, record.updated, record.unchanged, record.suppressed, record.invalid)


@pytest.fixture
def known(workspace):
    person, _ = people.add(
        workspace,
        address=addresses.normalise("ani@example.com"),
        profile=people.Profile(first_name="Ani"),
    )
    return person


def statuses():
    rows = Subscription.objects.values_list("subscriber__email_key", "list__name", "status")
    return sorted(rows)


def test_whoever_left_and_was_asked_by_a_stranger_is_not_subscribed(known, weekly, prepared):
    lifecycle.subscribe(known, mailing_list=weekly, source=ConsentSource.FORM)
    lifecycle.unsubscribe(known, lists=[weekly.pk], source=ConsentSource.UNSUBSCRIBE_PAGE)
    assert lifecycle.ask(known, mailing_list=weekly, source=ConsentSource.FORM)
    assert figures(imported(prepared("email\nani@example.com\n"))) == (0, 0, 0, 1, 0)
    assert not lifecycle.subscribe(known, mailing_list=weekly, source=ConsentSource.API)
    assert statuses() == [("ani@example.com", "Weekly", "unconfirmed")]


def test_whoever_came_back_by_themselves_and_must_confirm_anew_is_subscribed(
    known, weekly, prepared
):
    lifecycle.subscribe(known, mailing_list=weekly, source=ConsentSource.FORM)
    lifecycle.unsubscribe(known, lists=[weekly.pk], source=ConsentSource.UNSUBSCRIBE_PAGE)
    lifecycle.resubscribe(known, lists=[weekly.pk], source=ConsentSource.PREFERENCES)
    lifecycle.follow_address(known, source=ConsentSource.MANUAL)
    assert figures(imported(prepared("email\nani@example.com\n"))) == (0, 1, 0, 0, 0)
    assert statuses() == [("ani@example.com", "Weekly", "subscribed")]


def test_whoever_unsubscribed_is_brought_back_only_with_a_reason(known, weekly, prepared):
    lifecycle.subscribe(known, mailing_list=weekly, source=ConsentSource.FORM)
    lifecycle.unsubscribe(known, lists=[weekly.pk], source=ConsentSource.UNSUBSCRIBE_PAGE)
    assert figures(imported(prepared("email\nani@example.com\n"))) == (0, 0, 0, 1, 0)
    record = imported(prepared("email\nani@example.com\n", bring_back="Signed again at the fair"))
    assert figures(record) == (0, 1, 0, 0, 0)
    event = ConsentEvent.objects.latest("id")
    assert (event.kind, event.source) == (ConsentKind.RESUBSCRIBED, ConsentSource.IMPORT)
    assert event.detail.startswith("Signed again at the fair")


@pytest.mark.parametrize(
    "why", [reason for reason in SuppressionReason if reason != SuppressionReason.UNSUBSCRIBED]
)
def test_nobody_else_is_ever_brought_back(workspace, prepared, why):
    suppression.suppress(workspace, email="ani@example.com", reason=why)
    record = imported(prepared("email\nani@example.com\n", bring_back="I want to"))
    assert figures(record) == (0, 0, 0, 1, 0)
    assert not Subscriber.objects.exists()
    assert Suppression.objects.get().reason == why


def test_known_people_can_be_left_exactly_as_they_are(known, prepared):
    record = imported(
        prepared("email,first_name\nani@example.com,Anna\nb@example.com,B\n", existing="skip")
    )
    assert figures(record) == (1, 0, 1, 0, 0)
    known.refresh_from_db()
    assert known.first_name == "Ani"
    assert statuses() == [("b@example.com", "Weekly", "subscribed")]


def test_several_lists_one_of_them_new_and_fixed_tags(workspace, known, weekly, prepared):
    other = MailingList.objects.create(workspace=workspace, name="Offers")
    lifecycle.subscribe(known, mailing_list=weekly, source=ConsentSource.FORM)
    lifecycle.unsubscribe(known, lists=[weekly.pk], source=ConsentSource.UNSUBSCRIBE_PAGE)
    record = imported(
        prepared(
            "email\nani@example.com\nb@example.com\n",
            lists=[weekly, other],
            new_list="Fair",
            tags=["shop-2026", "Fair"],
        )
    )
    assert figures(record) == (1, 1, 0, 0, 0)
    assert statuses() == [
        ("ani@example.com", "Fair", "subscribed"),
        ("ani@example.com", "Offers", "subscribed"),
        ("ani@example.com", "Weekly", "unsubscribed"),
        ("b@example.com", "Fair", "subscribed"),
        ("b@example.com", "Offers", "subscribed"),
        ("b@example.com", "Weekly", "subscribed"),
    ]
    assert Tagging.objects.count() == 4
    assert record.flagged["new_lists"] == ["Fair"]
    assert record.flagged["new_tags"] == ["shop-2026", "Fair"]
    assert MailingList.objects.get(name="Fair").visibility == "private"
    again = imported(prepared("email\nb@example.com\n", lists=[weekly], tags=["fair"]))
    assert figures(again) == (0, 0, 1, 0, 0)


def test_columns_say_status_tags_and_lists(workspace, known, weekly, prepared):
    lifecycle.subscribe(known, mailing_list=weekly, source=ConsentSource.FORM)
    record = prepared(
        "email,status,tags,lists\n"
        "ani@example.com,unsubscribed,vip,\n"
        'b@example.com,Pending,"vip; ""Große, Röster"" ; a\\b",Offers\n'
        "c@example.com,cleaned,,\n"
        "d@example.com,who knows,,\n"
        "e@example.com,,,\n"
    )
    assert not steps.start_check(record)
    targets = mapping.load(record.mapping)
    targets[1] = questions.answer(targets[1], {"whoknows": "left_out", "": "subscribed"})
    assert steps.set_mapping(record, targets=targets)
    record = imported(record)
    assert [target["to"] for target in record.mapping] == ["email", "status", "tags", "lists"]
    assert figures(record) == (2, 1, 0, 2, 0)
    assert [row for row in statuses() if row[0] != "e@example.com"] == [
        ("ani@example.com", "Weekly", "unsubscribed"),
        ("b@example.com", "Offers", "unconfirmed"),
        ("b@example.com", "Weekly", "unconfirmed"),
    ]
    tags = Tagging.objects.filter(subscriber__email_key="b@example.com")
    assert sorted(tags.values_list("tag__name", flat=True)) == ["Große, Röster", "a\\b", "vip"]
    assert Suppression.objects.get().reason == SuppressionReason.BOUNCED
    assert not Subscriber.objects.filter(email_key="c@example.com").exists()


def test_a_row_without_a_list_is_refused_where_only_a_column_names_one(prepared):
    record = imported(prepared("email,lists\na@example.com,Offers\nb@example.com,\n", lists=[]))
    assert figures(record) == (1, 0, 0, 0, 1)
    assert statuses() == [("a@example.com", "Offers", "subscribed")]
    assert record.problems[0]["code"] == "list_missing"


def test_of_a_column_of_too_many_names_the_first_thousand_become_tags(prepared):
    rows = "".join(f"p{n}@example.com,tag {n}\n" for n in range(1_005))
    record = imported(prepared("email,tags\n" + rows))
    assert figures(record) == (1_005, 0, 0, 0, 0)
    assert (record.flagged["without"], Tag.objects.count()) == (5, 1_000)


def test_addresses_are_flagged_not_dropped(workspace, prepared):
    imported(prepared("email\ninfo@example.com\na@gmial.com\nb@mailinator.com\nc@example.com\n"))
    flags = dict(Subscriber.objects.values_list("email_key", "address_flags"))
    assert flags == {
        "info@example.com": AddressFlag.ROLE,
        "a@gmial.com": AddressFlag.TYPO,
        "b@mailinator.com": AddressFlag.DISPOSABLE,
        "c@example.com": 0,
    }
    added, _ = people.add(workspace, address=addresses.normalise("sales+x@mailinator.com"))
    assert added.address_flags == AddressFlag.ROLE | AddressFlag.DISPOSABLE
    people.change_address(
        added, address=addresses.normalise("d@example.com"), source=ConsentSource.MANUAL
    )
    added.refresh_from_db()
    assert added.address_flags == 0


def test_only_if_told_are_the_unconfirmed_asked_and_each_once(workspace, weekly, prepared):
    form = SignupForm.objects.create(
        workspace=workspace,
        name="Shop",
        title="Shop",
        statement=ledger.statement(workspace, text="I agree"),
    )
    form.lists.add(weekly)
    text = "email\na@example.com\nb@example.com\n"
    silent = imported(prepared(text, status="unconfirmed"))
    assert silent.asked_until is None
    assert asking.due() == []
    told = imported(prepared("email\nc@example.com\n", status="unconfirmed", asks_with=form))
    assert asking.due() == [told.pk]
    questions = asking.take(told.pk)
    assert [question.form_id for question in questions] == [form.pk]
    assert signup.read(questions[0].token).person.email == "c@example.com"
    assert asking.take(told.pk) == []
    assert asking.due() == []
