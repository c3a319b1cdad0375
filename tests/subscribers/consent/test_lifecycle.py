"""Each step of a subscription happens once, leaves one event, and never undoes a person's wish."""

import pytest

from subscribers.addresses import addresses
from subscribers.consent import lifecycle, proof, suppression
from subscribers.models import (
    ConsentEvent,
    MailingList,
    Subscriber,
    Subscription,
    SubscriptionTally,
    Suppression,
)
from subscribers.people import people
from subscribers.privacy import erasure
from subscribers.states import ConsentKind, ConsentSource, SuppressionReason

FORM = ConsentSource.FORM
MANUAL = ConsentSource.MANUAL


@pytest.fixture
def weekly(workspace):
    return MailingList.objects.create(workspace=workspace, name="Weekly")


@pytest.fixture
def dewi(workspace):
    return people.add(workspace, address=addresses.normalise("Dewi@Example.com"))[0]


def status(person, mailing_list):
    return Subscription.objects.get(subscriber=person, list=mailing_list).status


def kinds(person):
    return list(
        ConsentEvent.objects.filter(subscriber=person).order_by("id").values_list("kind", flat=True)
    )


def tally(mailing_list):
    rows = SubscriptionTally.objects.filter(list=mailing_list, count__gt=0)
    return dict(rows.values_list("status", "count"))


def test_double_opt_in_asks_once_and_confirms_once(weekly, dewi):
    assert lifecycle.join(dewi, mailing_list=weekly, source=FORM, ip="192.0.2.7")
    assert not lifecycle.join(dewi, mailing_list=weekly, source=FORM)
    assert status(dewi, weekly) == "unconfirmed"
    assert lifecycle.confirm(dewi, mailing_list=weekly, source=FORM)
    assert not lifecycle.confirm(dewi, mailing_list=weekly, source=FORM)
    assert status(dewi, weekly) == "subscribed"
    assert kinds(dewi) == [ConsentKind.ASKED, ConsentKind.CONFIRMED]
    assert ConsentEvent.objects.order_by("id")[0].ip == "192.0.2.7"
    assert tally(weekly) == {"subscribed": 1}


def test_single_opt_in_joins_at_once_but_who_left_must_confirm(weekly, dewi):
    weekly.opt_in = MailingList.OptIn.SINGLE
    assert lifecycle.join(dewi, mailing_list=weekly, source=FORM)
    assert lifecycle.unsubscribe(dewi, lists=[weekly.pk], source=ConsentSource.ONE_CLICK) == (
        weekly.pk,
    )
    assert lifecycle.unsubscribe(dewi, lists=[weekly.pk], source=ConsentSource.ONE_CLICK) == ()
    assert not lifecycle.subscribe(dewi, mailing_list=weekly, source=ConsentSource.MANUAL)
    assert status(dewi, weekly) == "unsubscribed"
    assert lifecycle.join(dewi, mailing_list=weekly, source=FORM)
    assert not lifecycle.join(dewi, mailing_list=weekly, source=FORM)
    assert status(dewi, weekly) == "unconfirmed"
    assert lifecycle.confirm(dewi, mailing_list=weekly, source=FORM)
    assert kinds(dewi) == [
        ConsentKind.SUBSCRIBED,
        ConsentKind.UNSUBSCRIBED,
        ConsentKind.ASKED,
        ConsentKind.CONFIRMED,
    ]


def test_who_is_out_of_everything_is_put_on_no_list(workspace, weekly, dewi):
    weekly.opt_in = MailingList.OptIn.SINGLE
    daily = MailingList.objects.create(workspace=workspace, name="Daily")
    lifecycle.unsubscribe_from_all(dewi, source=FORM)
    assert not lifecycle.subscribe(dewi, mailing_list=daily, source=ConsentSource.API)
    assert lifecycle.join(dewi, mailing_list=weekly, source=FORM)
    assert status(dewi, weekly) == "unconfirmed"
    assert not lifecycle.subscribe(dewi, mailing_list=weekly, source=ConsentSource.MANUAL)
    assert lifecycle.confirm(dewi, mailing_list=weekly, source=FORM)
    assert not Subscription.objects.filter(list=daily).exists()
    events = ConsentEvent.objects.order_by("id").values_list("kind", "list_id")
    assert list(events) == [
        (ConsentKind.UNSUBSCRIBED, None),
        (ConsentKind.ASKED, weekly.pk),
        (ConsentKind.CONFIRMED, weekly.pk),
        (ConsentKind.RESUBSCRIBED, None),
    ]


def test_coming_back_to_nothing_lifts_nothing(workspace, weekly, dewi):
    lifecycle.unsubscribe_from_all(dewi, source=FORM)
    assert lifecycle.resubscribe(dewi, lists=[weekly.pk], source=FORM) == ()
    assert suppression.is_suppressed(workspace, email=dewi.email)
    assert kinds(dewi) == [ConsentKind.UNSUBSCRIBED]


def test_leaving_everything_and_undo(workspace, weekly, dewi):
    daily = MailingList.objects.create(workspace=workspace, name="Daily")
    lifecycle.subscribe(dewi, mailing_list=weekly, source=FORM)
    lifecycle.subscribe(dewi, mailing_list=daily, source=FORM)
    source = ConsentSource.UNSUBSCRIBE_PAGE
    left = lifecycle.unsubscribe_from_all(dewi, source=source)
    assert left == (weekly.pk, daily.pk)
    assert lifecycle.unsubscribe_from_all(dewi, source=source) is None
    assert suppression.is_suppressed(workspace, email="DEWI@example.com")
    assert lifecycle.resubscribe(dewi, lists=left, source=source) == left
    assert not suppression.is_suppressed(workspace, email="dewi@example.com")
    last = ConsentEvent.objects.order_by("id").last()
    assert (last.kind, last.list_id) == (ConsentKind.RESUBSCRIBED, None)
    assert tally(weekly) == {"subscribed": 1}


def test_coming_back_lifts_the_own_wish_but_no_complaint(workspace, weekly, dewi):
    lifecycle.subscribe(dewi, mailing_list=weekly, source=FORM)
    suppression.suppress(workspace, email=dewi.email, reason=SuppressionReason.COMPLAINED)
    lifecycle.unsubscribe(dewi, lists=[weekly.pk], source=FORM)
    lifecycle.resubscribe(dewi, lists=[weekly.pk], source=FORM)
    assert suppression.is_suppressed(workspace, email=dewi.email)


def test_a_list_of_another_workspace_is_no_list(other_workspace, dewi):
    theirs = MailingList.objects.create(workspace=other_workspace, name="Theirs")
    assert not lifecycle.subscribe(dewi, mailing_list=theirs, source=FORM)
    assert not Subscription.objects.exists()
    assert not ConsentEvent.objects.exists()


def test_a_known_person_keeps_their_profile(workspace, dewi):
    again, new = people.add(
        workspace,
        address=addresses.normalise("dewi@EXAMPLE.com"),
        profile=people.Profile(first_name="Mallory"),
    )
    assert (again, new, again.first_name) == (dewi, False, "")


def test_an_address_that_somebody_has_is_taken(workspace, dewi):
    budi, _ = people.add(workspace, address=addresses.normalise("budi@example.com"))
    with pytest.raises(people.AddressTaken):
        people.change_address(budi, address=addresses.normalise("DEWI@example.com"), source=MANUAL)
    assert people.change_address(budi, address=addresses.normalise("budi@gmail.com"), source=MANUAL)
    budi.refresh_from_db()
    assert budi.domain_group == 1
    assert bytes(budi.address_hash) == suppression.hash_of(workspace, email="Budi@gmail.com")


def test_another_address_has_agreed_to_nothing(workspace, weekly, dewi, owner):
    daily = MailingList.objects.create(
        workspace=workspace, name="Daily", opt_in=MailingList.OptIn.SINGLE
    )
    for mailing_list in (weekly, daily):
        lifecycle.subscribe(dewi, mailing_list=mailing_list, source=FORM)
    spelling = addresses.normalise("DEWI@example.com")
    assert people.change_address(dewi, address=spelling, source=MANUAL, actor=owner)
    assert (status(dewi, weekly), len(kinds(dewi))) == ("subscribed", 2)
    other = addresses.normalise("dewi@example.org")
    assert people.change_address(dewi, address=other, source=MANUAL, actor=owner)
    assert (status(dewi, weekly), status(dewi, daily)) == ("unconfirmed", "subscribed")
    events = ConsentEvent.objects.order_by("id").values_list("kind", "list_id", "actor", "detail")
    assert list(events)[2:] == [
        (ConsentKind.ASKED, weekly.pk, owner.pk, "address changed"),
        (ConsentKind.SUBSCRIBED, daily.pk, owner.pk, "address changed"),
    ]
    assert tally(weekly) == {"unconfirmed": 1}


def test_an_address_that_is_out_of_everything_takes_over_no_list(workspace, weekly, dewi):
    weekly.opt_in = MailingList.OptIn.SINGLE
    weekly.save()
    lifecycle.subscribe(dewi, mailing_list=weekly, source=FORM)
    out = SuppressionReason.UNSUBSCRIBED
    suppression.suppress(workspace, email="dewi@example.org", reason=out)
    other = addresses.normalise("dewi@example.org")
    people.change_address(dewi, address=other, source=MANUAL)
    assert status(dewi, weekly) == "unconfirmed"


def test_names_are_one_line(workspace, dewi):
    budi, _ = people.add(
        workspace,
        address=addresses.normalise("budi@example.com"),
        profile=people.Profile(
            first_name="Budi\r\nBcc: x@example.com", last_name="\0 San\u2028toso "
        ),
    )
    assert (budi.first_name, budi.last_name) == ("Budi Bcc: x@example.com", "San toso")
    people.change(dewi, first_name="De\x85wi\n")
    assert dewi.first_name == "De wi"


def test_bulk_suppression_reports_what_it_did(workspace, owner):
    outcome = suppression.suppress_many(
        workspace, emails=["a@example.com", "A@example.com", "b@example.com", "nope"], actor=owner
    )
    assert (outcome.added, outcome.known) == (2, 0)
    assert [(given, problem.code) for given, problem in outcome.invalid] == [
        ("nope", "address_no_at")
    ]
    again = suppression.suppress_many(workspace, emails=["b@example.com", "c@example.com"])
    assert (again.added, again.known) == (1, 1)


def test_release_stays_in_the_workspace(workspace, other_workspace):
    suppression.suppress(workspace, email="a@example.com", reason=SuppressionReason.MANUAL)
    row = Suppression.objects.get()
    assert not suppression.release(other_workspace, suppression_id=row.pk)
    assert suppression.release(workspace, suppression_id=row.pk)
    assert not suppression.release(workspace, suppression_id=row.pk)


def test_erasure_leaves_a_hash_alone(workspace, weekly, dewi, owner):
    lifecycle.subscribe(dewi, mailing_list=weekly, source=FORM)
    lifecycle.unsubscribe_from_all(dewi, source=FORM)
    assert erasure.erase(workspace, subscriber_id=dewi.pk, actor=owner)
    assert not erasure.erase(workspace, subscriber_id=dewi.pk)
    assert not Subscriber.objects.exists()
    assert not ConsentEvent.objects.exists()
    assert not Subscription.objects.exists()
    row = Suppression.objects.get()
    assert (row.email_key, row.reason) == ("", SuppressionReason.ERASED)
    assert suppression.is_suppressed(workspace, email="Dewi@example.com")
    assert tally(weekly) == {}


def test_nobody_erases_another_workspaces_people(other_workspace, dewi):
    assert not erasure.erase(other_workspace, subscriber_id=dewi.pk)
    assert Subscriber.objects.filter(pk=dewi.pk).exists()


def test_the_ledger_refuses_changes(weekly, dewi):
    from django.db import DatabaseError, transaction

    lifecycle.subscribe(dewi, mailing_list=weekly, source=FORM)
    for change in (
        lambda: ConsentEvent.objects.update(kind=ConsentKind.CONFIRMED),
        lambda: ConsentEvent.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    assert kinds(dewi) == [ConsentKind.SUBSCRIBED]


def test_proof_holds_what_is_known(weekly, dewi):
    lifecycle.subscribe(dewi, mailing_list=weekly, source=FORM, ip="192.0.2.7", detail="shop\r\nx")
    data = proof.collect(dewi)
    assert data["email"] == "Dewi@example.com"
    assert data["lists"][0]["list"] == "Weekly"
    assert data["events"][0]["from_where"] == "192.0.2.7"
    assert data["events"][0]["detail"] == "shopx"


def test_an_own_act_that_changes_nothing_is_noted_once(workspace):
    weekly = MailingList.objects.create(workspace=workspace, name="Own acts")
    person, _ = people.add(workspace, address=addresses.normalise("own@example.org"))
    lifecycle.subscribe(person, mailing_list=weekly, source=ConsentSource.MANUAL)
    for _time in range(2):
        assert not lifecycle.join(person, mailing_list=weekly, source=ConsentSource.FORM)
    lifecycle.unsubscribe(person, lists=[weekly.pk], source=ConsentSource.MANUAL)
    for _time in range(2):
        assert (
            lifecycle.unsubscribe(person, lists=[weekly.pk], source=ConsentSource.ONE_CLICK) == ()
        )
    kinds = list(ConsentEvent.objects.order_by("id").values_list("kind", flat=True))
    assert kinds == ["subscribed", "wished_again", "unsubscribed", "left_again"]


def test_an_act_of_a_member_that_changes_nothing_is_not_noted(workspace):
    weekly = MailingList.objects.create(workspace=workspace, name="Own acts")
    person, _ = people.add(workspace, address=addresses.normalise("own@example.org"))
    lifecycle.subscribe(person, mailing_list=weekly, source=ConsentSource.MANUAL)
    for _time in range(2):
        lifecycle.unsubscribe(person, lists=[weekly.pk], source=ConsentSource.MANUAL)
    assert ConsentEvent.objects.count() == 2
