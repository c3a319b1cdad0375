"""Days of lists: who joined and who left, each once, and what was counted behind."""

from importlib import import_module

import pytest
from django.db import connection
from django.db.models import Sum

from subscribers.addresses import addresses
from subscribers.consent import ledger, lifecycle
from subscribers.models import ConsentEvent, ListDay, MailingList, Subscription
from subscribers.people import merging, people
from subscribers.states import ConsentKind, ConsentSource

COUNT_BEHIND = import_module("subscribers.migrations.0007_people_with_wishes").COUNT_BEHIND


def test_the_past_is_counted_once_although_people_join_meanwhile(workspace):
    weekly = MailingList.objects.create(workspace=workspace, name="Weekly")
    for name in ("old", "older", "new"):
        person, _new = people.add(workspace, address=addresses.normalise(f"{name}@example.org"))
        lifecycle.subscribe(person, mailing_list=weekly, source=ConsentSource.MANUAL)
    newest = ConsentEvent.objects.latest("pk").pk
    ListDay.objects.update(joined=1)  # what the trigger counted since it was there: the newest
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE subscribers_listday_behind AS SELECT %s::bigint AS up_to", [newest - 1]
        )
        cursor.execute(COUNT_BEHIND)
        cursor.execute(COUNT_BEHIND)  # nothing is behind any more
    assert ListDay.objects.get().joined == 3


@pytest.fixture
def weekly(workspace):
    return MailingList.objects.create(workspace=workspace, name="Weekly")


@pytest.fixture
def ana(workspace):
    return people.add(workspace, address=addresses.normalise("ana@example.org"))[0]


def join(person, weekly):
    lifecycle.ask(person, mailing_list=weekly, source=ConsentSource.FORM)
    lifecycle.confirm(person, mailing_list=weekly, source=ConsentSource.FORM)


def leave(person, weekly, source=ConsentSource.ONE_CLICK, **evidence):
    lifecycle.unsubscribe(person, lists=[weekly.pk], source=source, **evidence)


def growth(weekly):
    days = ListDay.objects.filter(list=weekly)
    found = days.aggregate(joined=Sum("joined", default=0), left=Sum("left", default=0))
    return found["joined"], found["left"]


def test_who_left_and_is_only_asked_again_leaves_once(weekly, ana):
    join(ana, weekly)
    leave(ana, weekly)
    lifecycle.ask(ana, mailing_list=weekly, source=ConsentSource.FORM)  # may be a stranger
    leave(ana, weekly, ConsentSource.UNSUBSCRIBE_PAGE)
    leave(ana, weekly)
    assert growth(weekly) == (1, 1)
    join(ana, weekly)
    leave(ana, weekly)
    assert growth(weekly) == (2, 2)


def test_who_never_confirmed_has_not_left(weekly, ana):
    lifecycle.ask(ana, mailing_list=weekly, source=ConsentSource.FORM)
    leave(ana, weekly)
    assert growth(weekly) == (0, 0)


def test_a_member_and_then_the_person_take_them_off_once(weekly, ana):
    join(ana, weekly)
    leave(ana, weekly, ConsentSource.MANUAL)
    leave(ana, weekly)
    lifecycle.unsubscribe_from_all(ana, source=ConsentSource.COMPLAINT)
    assert growth(weekly) == (1, 1)


def test_leaving_everything_counts_once_on_each_list(workspace, weekly, ana):
    monthly = MailingList.objects.create(workspace=workspace, name="Monthly")
    for one in (weekly, monthly):
        join(ana, one)
    lifecycle.unsubscribe_from_all(ana, source=ConsentSource.ONE_CLICK)
    leave(ana, monthly)
    assert growth(weekly) == growth(monthly) == (1, 1)


def test_a_leaving_that_its_mail_takes_back_is_none(weekly, ana):
    join(ana, weekly)
    page = ConsentSource.UNSUBSCRIBE_PAGE
    leave(ana, weekly, page, message_id=7)
    lifecycle.resubscribe(ana, lists=[weekly.pk], source=page, message_id=7)
    assert growth(weekly) == (1, 0)
    leave(ana, weekly, message_id=7)
    assert growth(weekly) == (1, 1)
    lifecycle.resubscribe(ana, lists=[weekly.pk], source=ConsentSource.PREFERENCES)
    assert growth(weekly) == (2, 1)  # that was no slip: they came back


def test_confirming_another_address_is_no_second_joining(weekly, ana):
    join(ana, weekly)
    lifecycle.follow_address(ana, source=ConsentSource.MANUAL)
    lifecycle.confirm(ana, mailing_list=weekly, source=ConsentSource.FORM)
    assert growth(weekly) == (1, 0)
    lifecycle.follow_address(ana, source=ConsentSource.MANUAL)
    leave(ana, weekly)
    assert growth(weekly) == (1, 1)


def test_two_people_who_are_one_have_left_once(workspace, weekly, ana):
    other, _new = people.add(workspace, address=addresses.normalise("ana@example.net"))
    join(ana, weekly)
    join(other, weekly)
    leave(other, weekly)
    pair = merging.Pair(keep=ana, away=other)
    merging.merge(pair, actor=None)
    assert Subscription.objects.get().status == "unsubscribed"
    leave(ana, weekly)
    assert growth(weekly) == (2, 1)
    join(ana, weekly)
    assert growth(weekly) == (3, 1)


def test_a_list_that_was_left_elsewhere_is_not_left_here(weekly, ana):
    """Imports bring people who have left before; nobody leaves by that."""
    evidence = {"source": ConsentSource.IMPORT}
    ledger.record(ana, kind=ConsentKind.UNSUBSCRIBED, lists=[weekly.pk], evidence=evidence)
    assert growth(weekly) == (0, 0)


def test_an_undone_action_on_many_leaves_nothing_behind(weekly, ana):
    join(ana, weekly)
    leave(ana, weekly, ConsentSource.MANUAL)
    lifecycle.resubscribe(ana, lists=[weekly.pk], source=ConsentSource.MANUAL, detail="undone: #3")
    assert growth(weekly) == (1, 0)


def test_many_events_of_one_statement_are_taken_in_their_order(weekly, ana):
    def event(kind):
        return ConsentEvent(
            workspace_id=ana.workspace_id,
            subscriber=ana,
            list=weekly,
            kind=kind,
            source=ConsentSource.DEMO,
        )

    kinds = ("asked", "confirmed", "unsubscribed", "asked", "unsubscribed", "resubscribed")
    ConsentEvent.objects.bulk_create(event(kind) for kind in kinds)
    assert growth(weekly) == (2, 1)
