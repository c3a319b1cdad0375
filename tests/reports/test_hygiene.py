"""The hygiene page: inactive people, growth of lists, the switch for mail servers."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from campaigns.models import Campaign
from delivery.models import Message
from delivery.states import MessageState
from reports.views import hygiene as hygiene_page
from subscribers.addresses import addresses
from subscribers.consent import lifecycle
from subscribers.directory import directory, hygiene
from subscribers.directory.filters import PeopleFilters
from subscribers.models import ListDay, MailingList
from subscribers.people import people
from subscribers.states import ConsentSource


@pytest.fixture
def weekly(workspace):
    return MailingList.objects.create(workspace=workspace, name="Weekly")


def person(workspace, email):
    return people.add(workspace, address=addresses.normalise(email))[0]


def test_inactive_is_who_got_enough_letters_and_reacted_to_none(workspace, analyst_client):
    now = timezone.now()
    silent, opened, few, long_ago = (person(workspace, f"{n}@example.org") for n in "abcd")
    for number in range(5):
        campaign = Campaign.objects.create(workspace=workspace, name=f"{number}")
        for one in (silent, opened, long_ago) + ((few,) if number else ()):
            Message.objects.create(
                campaign=campaign,
                subscriber=one,
                state=MessageState.SENT,
                attempted_at=now - timedelta(days=400 if one == long_ago else number),
                opened_at=now if one == opened and number == 3 else None,
            )
    found = directory.matching(workspace, PeopleFilters.read({"known": "inactive:6-5"}))
    assert list(found) == [silent]
    answer = analyst_client.get(reverse("hygiene_inactive"), {"inactive": "6-5"})
    assert "<strong>1</strong>" in answer.content.decode()
    assert analyst_client.get(reverse("hygiene")).status_code == 200


def test_a_count_that_took_too_long_is_not_tried_again_at_once(
    workspace, analyst_client, monkeypatch
):
    cache.clear()
    tried = []
    monkeypatch.setattr(hygiene_page, "_count", lambda *_args: tried.append(1))
    for _time in range(2):
        analyst_client.get(reverse("hygiene_inactive"), {"inactive": "6-5"})
    assert len(tried) == 1


def test_growth_counts_who_joined_and_left_by_day(workspace, weekly):
    one, two = person(workspace, "a@example.org"), person(workspace, "b@example.org")
    for each in (one, two):
        lifecycle.ask(each, mailing_list=weekly, source=ConsentSource.FORM)
        lifecycle.confirm(each, mailing_list=weekly, source=ConsentSource.FORM)
    lifecycle.unsubscribe(two, lists=[weekly.pk], source=ConsentSource.ONE_CLICK)
    lifecycle.follow_address(one, source=ConsentSource.MANUAL)
    day = ListDay.objects.get()
    assert (day.joined, day.left) == (2, 1)
    months = hygiene.growth([weekly])[weekly.pk]
    assert (len(months), months[-1].joined, months[-1].left) == (12, 2, 1)
    people.delete(workspace, ids=[one.pk, two.pk])
    assert ListDay.objects.get().joined == 2


def test_domains_are_checked_only_when_an_admin_wants_it(workspace, editor_client, admin_client):
    address = reverse("hygiene_mail_servers")
    assert editor_client.post(address, {"check": "1"}).status_code == 403
    admin_client.post(address, {"check": "1"})
    workspace.refresh_from_db()
    assert workspace.check_mail_servers
    admin_client.post(address, {"check": "0"})
    workspace.refresh_from_db()
    assert not workspace.check_mail_servers
