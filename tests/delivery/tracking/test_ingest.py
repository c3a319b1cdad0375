"""Hits become events, first opens and clicks, and figures: each exactly once."""

import threading
from collections import Counter

import pytest
from django.db import connection, transaction

from delivery.models import Event, EventTally, Message, StreamPosition
from delivery.states import AgentClass, EventKind, MessageState, Reason
from delivery.tracking import counting, hits, ingest, position, review
from delivery.tracking.counting import Group
from delivery.tracking.hits import Hit
from tests.delivery import makers

HUMAN, PROXY, SCANNER = AgentClass.HUMAN, AgentClass.PROXY, AgentClass.SCANNER
OPEN, CLICK = EventKind.OPENED, EventKind.CLICKED
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
MPP = "Mozilla/5.0"


@pytest.fixture
def campaign(workspace):
    return makers.make_sent_campaign(workspace, makers.make_list(workspace, "Mingguan"))


@pytest.fixture
def message(campaign, workspace):
    return makers.make_message(campaign, makers.make_subscriber(workspace, "ana@example.org"))


def see(message, kind, seconds, *, ordinal=0, user_agent=FIREFOX):
    return Hit(
        message_id=message.pk,
        kind=kind,
        at=makers.after(seconds),
        ordinal=ordinal,
        user_agent=user_agent,
        ip="203.0.113.7",
    )


def push(*seen):
    for one in seen:
        hits.push(one)


def drain():
    while ingest.next_batch():
        pass


def figures(campaign):
    return {
        (EventKind(kind).name, AgentClass(agent).name, ordinal): (total, unique)
        for kind, agent, ordinal, total, unique in EventTally.objects.filter(
            campaign=campaign
        ).values_list("kind", "agent", "link_ordinal", "total", "unique")
        if total or unique
    }


def firsts(message):
    message = Message.objects.get(pk=message.pk)
    return message.opened_at, message.clicked_at


def test_opens_of_people_and_proxies_are_counted_apart(campaign, message):
    push(see(message, OPEN, 5, user_agent=MPP), see(message, OPEN, 60), see(message, OPEN, 90))
    drain()
    assert figures(campaign) == {
        ("OPENED", "PROXY", 0): (1, 1),
        ("OPENED", "HUMAN", 0): (2, 1),
    }
    assert firsts(message) == (makers.after(60), None)
    event = Event.objects.order_by("id").first()
    assert (event.user_agent.text, event.ip, event.agent) == (MPP, "203.0.113.7", PROXY)


def test_a_click_counts_for_its_link_and_for_the_mail_and_is_an_open(campaign, message):
    push(see(message, CLICK, 30, ordinal=2), see(message, CLICK, 40, ordinal=2))
    push(see(message, CLICK, 50, ordinal=1))
    drain()
    assert figures(campaign) == {
        ("CLICKED", "HUMAN", 1): (1, 1),
        ("CLICKED", "HUMAN", 2): (2, 1),
        ("CLICKED", "HUMAN", 0): (3, 1),
        ("OPENED", "HUMAN", 0): (1, 1),
    }
    assert firsts(message) == (makers.after(30), makers.after(30))


def test_an_open_seen_after_the_click_is_not_counted_twice(campaign, message):
    push(see(message, CLICK, 30, ordinal=1))
    drain()
    push(see(message, OPEN, 31))
    drain()
    assert figures(campaign)["OPENED", "HUMAN", 0] == (1, 1)
    assert firsts(message) == (makers.after(30), makers.after(30))


def test_the_same_batch_twice_takes_effect_once(campaign, message):
    push(see(message, OPEN, 60), see(message, CLICK, 70, ordinal=1))
    kept = hits.after("0-0", limit=10)
    drain()
    before = figures(campaign)
    # Redis comes back from an older copy that still holds what was stored.
    for entry, hit in kept:
        hits.client().execute_command("XADD", "copy", entry, "s", hits.encode(hit))
    hits.client().rename("copy", hits.STREAM)
    drain()
    assert figures(campaign) == before
    assert Event.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_crash_before_the_commit_loses_nothing(campaign, message, monkeypatch):
    push(see(message, OPEN, 60))

    def crash(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(counting.Changes, "write", crash)
        with pytest.raises(KeyboardInterrupt):
            ingest.next_batch()
    assert Event.objects.count() == 0
    drain()
    assert figures(campaign) == {("OPENED", "HUMAN", 0): (1, 1)}


@pytest.mark.django_db(transaction=True)
def test_a_crash_after_the_commit_repeats_nothing(campaign, message, monkeypatch):
    push(see(message, OPEN, 60))

    def crash(_position):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(hits, "forget", crash)
        with pytest.raises(KeyboardInterrupt):
            ingest.next_batch()
    drain()
    assert figures(campaign) == {("OPENED", "HUMAN", 0): (1, 1)}
    assert Event.objects.count() == 1


def test_sightings_of_no_message_and_damaged_entries_are_dropped(campaign, message):
    ghost = Hit(message_id=10**9, kind=OPEN, at=makers.after(9), user_agent=FIREFOX)
    hits.client().xadd(hits.STREAM, {"s": "nonsense"})
    push(ghost, see(message, OPEN, 60))
    drain()
    assert Event.objects.count() == 1
    assert StreamPosition.objects.get().last_id != "0-0"


def test_who_reloads_for_ever_fills_no_table(campaign, message, monkeypatch):
    monkeypatch.setattr(ingest, "MOST_PER_MESSAGE", 5)
    push(*[see(message, OPEN, 60 + number) for number in range(4)])
    drain()
    push(*[see(message, OPEN, 80 + number) for number in range(4)])
    drain()
    assert Event.objects.count() == 5
    assert figures(campaign) == {("OPENED", "HUMAN", 0): (5, 1)}


def test_an_erased_person_leaves_no_new_address(campaign, message):
    Message.objects.filter(pk=message.pk).update(subscriber_id=10**9)
    push(see(message, OPEN, 60))
    drain()
    assert Event.objects.get().ip is None


def test_a_walk_of_every_link_turns_out_to_be_a_scanner(campaign, message):
    push(see(message, OPEN, 60), *[see(message, CLICK, 300 + n, ordinal=n) for n in (1, 2, 3)])
    push(see(message, CLICK, 900, ordinal=2))
    drain()
    assert figures(campaign)["CLICKED", "HUMAN", 0] == (4, 1)
    review.next_batch()
    assert figures(campaign) == {
        ("OPENED", "HUMAN", 0): (1, 1),
        ("CLICKED", "SCANNER", 1): (1, 1),
        ("CLICKED", "SCANNER", 2): (1, 1),
        ("CLICKED", "SCANNER", 3): (1, 1),
        ("CLICKED", "SCANNER", 0): (3, 1),
        ("CLICKED", "HUMAN", 2): (1, 1),
        ("CLICKED", "HUMAN", 0): (1, 1),
    }
    assert firsts(message) == (makers.after(60), makers.after(900))
    assert review.next_batch() == 0


def test_a_click_before_the_send_was_recorded_is_judged_again(campaign, message):
    Message.objects.filter(pk=message.pk).update(attempted_at=None)
    push(see(message, CLICK, 1, ordinal=1))
    drain()
    assert firsts(message) == (makers.after(1), makers.after(1))
    Message.objects.filter(pk=message.pk).update(attempted_at=makers.SENT_AT)
    review.next_batch()
    assert firsts(message) == (None, None)
    assert figures(campaign) == {
        ("CLICKED", "SCANNER", 1): (1, 1),
        ("CLICKED", "SCANNER", 0): (1, 1),
    }


def test_an_open_settles_a_message_of_which_nobody_knew(campaign, message):
    Message.objects.filter(pk=message.pk).update(state=MessageState.UNKNOWN, reason=Reason.NO_REPLY)
    push(see(message, OPEN, 60))
    drain()
    assert Message.objects.get(pk=message.pk).state == MessageState.SENT


def test_figures_are_what_the_events_say(campaign, workspace):
    for number in range(20):
        person = makers.make_subscriber(workspace, f"reader{number}@example.org")
        one = makers.make_message(campaign, person)
        push(*[see(one, OPEN, 60 + n, user_agent=(FIREFOX, MPP)[n % 2]) for n in range(number)])
        push(*[see(one, CLICK, 100 + n, ordinal=n % 3 + 1) for n in range(number % 5)])
    drain()
    review.next_batch()
    total, unique = Counter(), Counter()
    for message_id in Message.objects.values_list("pk", flat=True):
        groups = [
            Group(kind=EventKind(k), agent=AgentClass(a), ordinal=o, count=1, first_at=at)
            for k, a, o, at in Event.objects.filter(message_id=message_id).values_list(
                "kind", "agent", "link_ordinal", "at"
            )
        ]
        reading = counting.read(groups)
        total.update(reading.total)
        unique.update(reading.unique)
        row = Message.objects.get(pk=message_id)
        assert (row.opened_at, row.clicked_at) == (reading.opened_at, reading.clicked_at)
    assert {
        (k, a, o): (t, u)
        for k, a, o, t, u in EventTally.objects.values_list(
            "kind", "agent", "link_ordinal", "total", "unique"
        )
        if t
    } == {key: (total[key], unique[key]) for key in total}


@pytest.mark.django_db(transaction=True)
def test_one_writer_at_a_time(campaign, message):
    drain()  # the position's row is there from the first run on
    push(see(message, OPEN, 60))
    found = []

    def other():
        found.append(ingest.next_batch())
        connection.close()

    with transaction.atomic():
        assert position.take()
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert found == [0]
    drain()
    assert figures(campaign) == {("OPENED", "HUMAN", 0): (1, 1)}
