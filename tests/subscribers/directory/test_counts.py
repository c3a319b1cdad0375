"""What the head of the list of people says is what the list holds, however it is counted."""

import pytest
from django.core.cache import cache

from subscribers.addresses import addresses
from subscribers.consent import lifecycle
from subscribers.directory import counts, directory
from subscribers.directory.filters import PeopleFilters
from subscribers.models import MailingList, Subscription
from subscribers.people import people, search, tags
from subscribers.segments import saving
from subscribers.states import ConsentSource, SubscriptionStatus
from tests.campaigns.makers import make_list, make_reader, make_subscriber, subscribe

NAMES = ("Dewi Sari", "dewi lestari", "Budi Sari", "Ayu")


@pytest.fixture
def crowd(workspace):
    """Four people: three on one list, two on another, one of both has left both."""
    lists = [MailingList.objects.create(workspace=workspace, name=name) for name in ("A", "B")]
    found = []
    for number, name in enumerate(NAMES):
        first, _space, last = name.partition(" ")
        address = addresses.normalise(f"p{number}@example.com")
        person, _new = people.add(workspace, address=address)
        people.change(person, first_name=first, last_name=last)
        found.append(person)
    for mailing_list, members in zip(lists, (found[:3], found[1:3]), strict=True):
        for person in members:
            lifecycle.subscribe(person, mailing_list=mailing_list, source=ConsentSource.FORM)
    lifecycle.unsubscribe(found[1], lists=[one.pk for one in lists], source=ConsentSource.FORM)
    tag = tags.find_or_create(workspace, ["Regular"])[0]
    tags.attach(workspace, people=[found[0].pk, found[3].pk], tags=[tag.pk])
    return {"lists": lists, "tag": tag}


def cases(crowd):
    first, second = (one.pk for one in crowd["lists"])
    return [
        PeopleFilters(),
        PeopleFilters(list_id=first),
        PeopleFilters(list_id=first, status="subscribed"),
        PeopleFilters(list_id=second, status="unsubscribed"),
        PeopleFilters(status="unsubscribed"),
        PeopleFilters(status="unconfirmed"),
        PeopleFilters(tag_id=crowd["tag"].pk),
        PeopleFilters(tag_id=crowd["tag"].pk, list_id=first),
        PeopleFilters(search="DEWI"),
        PeopleFilters(search="sari example"),
        PeopleFilters(search="nobody.has.this"),
    ]


@pytest.mark.parametrize("are_blocks_written", [False, True])
def test_every_way_counts_alike(workspace, crowd, are_blocks_written):
    while are_blocks_written and search.rebuild():
        pass
    for filters in cases(crowd):
        expected = directory.matching(workspace, filters).count()
        assert counts.count(workspace, filters) == expected, filters
        assert counts.lately(workspace, filters) == expected, filters
        page = directory.page(workspace, filters)
        assert counts.lately(workspace, filters, page) == expected, filters


def test_another_workspace_counts_nobody_of_ours(other_workspace, crowd):
    for filters in cases(crowd):
        assert counts.count(other_workspace, filters) == 0


def test_more_than_can_be_counted_at_once_is_none(workspace, crowd, monkeypatch):
    monkeypatch.setattr(counts, "COUNTED", 1)
    assert counts.count(workspace, PeopleFilters(search="sari")) is None
    assert counts.count(workspace, PeopleFilters(status="subscribed")) is None
    assert counts.count(workspace, PeopleFilters(status="unsubscribed")) == 1


def test_a_segment_is_counted_anew_when_its_rules_change(workspace, crowd):
    cache.clear()

    def rules(text):
        rule = {"subject": "first_name", "operator": "is", "text": text}
        return {"version": 1, "match": "all", "rules": [rule]}

    segment = saving.create(workspace, name="Some", rules=rules("dewi"))
    filters = PeopleFilters(segment_id=segment.pk)
    assert counts.lately(workspace, filters) == counts.count(workspace, filters) == 2
    saving.save(segment, name="Some", description="", rules=rules("Ayu"))
    assert counts.lately(workspace, filters) == 1


def test_subscribed_are_people_who_are_on_a_list_now_and_nobody_twice(workspace, other_workspace):
    news, offers = make_list(workspace, "News"), make_list(workspace, "Offers")
    first = make_reader(workspace, news, "first@example.org")
    subscribe(first, offers)
    second = make_reader(workspace, news, "second@example.org")
    make_subscriber(workspace, "nowhere@example.org")
    make_reader(other_workspace, make_list(other_workspace, "Theirs"), "theirs@example.org")
    assert counts.subscribed(workspace) == 2
    Subscription.objects.filter(subscriber=second).update(status=SubscriptionStatus.UNSUBSCRIBED)
    assert counts.subscribed(workspace) == 1
    Subscription.objects.filter(subscriber=first, list=offers).update(
        status=SubscriptionStatus.UNCONFIRMED
    )
    assert counts.subscribed(workspace) == 1
    Subscription.objects.filter(subscriber=first).update(status=SubscriptionStatus.UNSUBSCRIBED)
    assert counts.subscribed(workspace) == 0
