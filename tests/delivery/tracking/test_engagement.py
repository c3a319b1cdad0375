"""The summary of what people did always equals what the ledger says."""

import random

import pytest
from django.core.management import call_command

from campaigns.models import Campaign, Link
from delivery.models import Dispatch, Engagement, Event
from delivery.states import AgentClass, EventKind
from delivery.tracking import engagement, hits, ingest, review
from delivery.tracking.hits import Hit
from subscribers.privacy import erasure
from tests.delivery import makers

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
MPP = "Mozilla/5.0"


@pytest.fixture
def people(workspace):
    return [makers.make_subscriber(workspace, f"p{number}@example.org") for number in range(4)]


def send(workspace, people, name="Panen"):
    campaign = Campaign.objects.create(workspace=workspace, name=name)
    dispatch = Dispatch.objects.create(campaign=campaign, workspace=workspace)
    for number in (1, 2, 3):
        Link.objects.create(campaign=campaign, ordinal=number, url=f"https://x.example/{number}")
    return dispatch.pk, [makers.make_message(campaign, person) for person in people]


def see(message, kind, seconds, *, ordinal=0, user_agent=FIREFOX):
    hits.push(
        Hit(
            message_id=message.pk,
            kind=kind,
            at=makers.after(seconds),
            ordinal=ordinal,
            user_agent=user_agent,
            ip="203.0.113.7",
        )
    )


def drain():
    while ingest.next_batch():
        pass


def rows():
    return {
        row["subscriber_id"]: row
        for row in Engagement.objects.values().order_by("subscriber_id")
        if row["last_opened_at"]
    }


def test_the_first_open_and_click_of_each_mail_are_summed_up(workspace, people, redis_client):
    first, messages = send(workspace, people)
    second, more = send(workspace, people)
    see(messages[0], EventKind.OPENED, 60)
    see(more[0], EventKind.CLICKED, 90, ordinal=1)
    see(more[0], EventKind.OPENED, 999)
    see(messages[1], EventKind.OPENED, 70, user_agent=MPP)
    drain()
    assert list(rows()) == [people[0].pk]
    row = Engagement.objects.get(subscriber=people[0])
    assert (row.opened, row.clicked) == ([second, first], [second])
    assert (row.last_opened_at, row.last_clicked_at) == (makers.after(90), makers.after(90))


def test_it_equals_the_ledger_whatever_happens(workspace, people, redis_client):
    chance = random.Random(11)  # noqa: S311 - the same story each time
    sent = [message for _ in range(6) for message in send(workspace, people)[1]]
    for _step in range(8):
        for message in chance.sample(sent, 8):
            kind = chance.choice([EventKind.OPENED, EventKind.CLICKED])
            see(
                message,
                kind,
                chance.randrange(1, 5000),
                ordinal=chance.randrange(1, 4) if kind == EventKind.CLICKED else 0,
                user_agent=chance.choice([FIREFOX, MPP]),
            )
        drain()
        review.next_batch()
        kept = rows()
        engagement.rebuild()
        assert rows() == kept
    assert kept


def test_a_scanner_found_out_later_is_taken_back(workspace, people, redis_client):
    _number, (message, *_rest) = send(workspace, people)
    for ordinal in (1, 2, 3):
        see(message, EventKind.CLICKED, 100 + ordinal, ordinal=ordinal)
    drain()
    assert Engagement.objects.filter(clicked__len=1).count() == 1
    while review.next_batch():
        pass
    assert set(Event.objects.values_list("agent", flat=True)) == {AgentClass.SCANNER}
    assert rows() == {}


def test_only_the_newest_fifty_are_named(workspace, people, redis_client):
    numbers = []
    for _letter in range(53):
        number, (message, *_rest) = send(workspace, people[:1])
        numbers.append(number)
        see(message, EventKind.OPENED, 60)
    drain()
    kept = Engagement.objects.get()
    assert kept.opened == numbers[:-51:-1]
    before = rows()
    call_command("rebuild_engagement", verbosity=0)
    assert rows() == before


def test_the_erased_leave_no_summary(workspace, people, redis_client):
    _number, (message, *_rest) = send(workspace, people)
    see(message, EventKind.OPENED, 60)
    drain()
    assert Engagement.objects.count() == 1
    erasure.erase(workspace, subscriber_id=people[0].pk)
    assert Engagement.objects.count() == 0
    see(message, EventKind.CLICKED, 90, ordinal=1)
    drain()
    assert Engagement.objects.count() == 0


def test_who_turns_out_to_be_the_same_person_keeps_what_both_did(workspace, people, redis_client):
    first, messages = send(workspace, people)
    second, more = send(workspace, people)
    see(messages[0], EventKind.OPENED, 60)
    see(more[1], EventKind.CLICKED, 90, ordinal=1)
    drain()
    engagement.follow_merge(kept=people[0].pk, gone=[people[1].pk, people[2].pk])
    row = Engagement.objects.get()
    assert row.subscriber_id == people[0].pk
    assert (row.opened, row.clicked) == ([second, first], [second])
    assert row.last_opened_at == makers.after(90)
