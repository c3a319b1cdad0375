"""The second look passes no open or click before it is ripe, whatever else is written beside it."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from campaigns.models import Campaign
from delivery.events import applying
from delivery.models import Event, StreamPosition
from delivery.states import AgentClass, EventKind
from delivery.tracking import hits, ingest, position, review
from delivery.tracking.hits import Hit
from tests.delivery import makers
from tests.delivery.events.telling import key, news

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def message(workspace, now):
    return _message(workspace, "ana@example.org", now)


def _message(workspace, email, now, mode="individual"):
    campaign = makers.make_sent_campaign(workspace, links=3)
    Campaign.objects.filter(pk=campaign.pk).update(tracking_mode=mode)
    person = makers.make_subscriber(workspace, email)
    return makers.make_message(campaign, person, attempted_at=now - timedelta(hours=1))


def see(message, kind, at, ordinal=0):
    return Hit(
        message_id=message.pk,
        kind=kind,
        at=at,
        ordinal=ordinal,
        user_agent=FIREFOX,
        ip="203.0.113.7",
    )


def absorb(*seen):
    with transaction.atomic():
        position.take(wait=True)
        ingest.absorb(list(seen))


def walk(message, now):
    """Follow each link within moments, as scanners do."""
    return [
        see(message, EventKind.CLICKED, now - timedelta(seconds=n), ordinal=n + 1) for n in range(3)
    ]


def later(monkeypatch):
    monkeypatch.setattr(review, "RIPE", timedelta(seconds=-60))


def verdicts(message):
    clicks = Event.objects.filter(message_id=message.pk, kind=EventKind.CLICKED)
    return set(clicks.values_list("agent", flat=True))


def through():
    return StreamPosition.objects.get(name=hits.STREAM).reviewed_through


def test_news_of_a_provider_lead_past_no_fresh_click(workspace, message, now, monkeypatch):
    other = _message(workspace, "bo@example.org", now)
    absorb(*walk(message, now))
    applying.apply([news(other, at=now - timedelta(minutes=40), key=key(1))])
    assert review.next_batch() == 0
    assert verdicts(message) == {AgentClass.HUMAN}
    later(monkeypatch)
    assert review.next_batch() == 4
    assert verdicts(message) == {AgentClass.SCANNER}


def test_anonymous_opens_lead_past_no_fresh_click(workspace, message, now, monkeypatch):
    other = _message(workspace, "bo@example.org", now, mode="anonymous")
    absorb(*walk(message, now))
    absorb(see(other, EventKind.OPENED, now))
    assert Event.objects.filter(message=None).count() == 1
    assert review.next_batch() == 0
    later(monkeypatch)
    assert review.next_batch() == 4
    assert verdicts(message) == {AgentClass.SCANNER}


def test_what_needs_no_second_look_is_not_waited_for(workspace, now):
    other = _message(workspace, "bo@example.org", now)
    applying.apply([news(other, at=now, key=key(1))])
    assert review.next_batch() == 1
    assert review.next_batch() == 0


def test_batches_end_where_the_first_fresh_click_is(message, now, monkeypatch):
    old = now - timedelta(minutes=5)
    absorb(*[see(message, EventKind.OPENED, old) for _ in range(5)])
    absorb(see(message, EventKind.CLICKED, now, ordinal=1))
    absorb(see(message, EventKind.OPENED, old))
    monkeypatch.setattr(review, "BATCH", 3)
    assert [review.next_batch() for _ in range(3)] == [3, 2, 0]
    fresh = Event.objects.get(kind=EventKind.CLICKED)
    assert through() < fresh.pk
    later(monkeypatch)
    assert [review.next_batch() for _ in range(2)] == [2, 0]


def test_a_clock_that_is_far_ahead_holds_nothing_up(message, now):
    absorb(see(message, EventKind.CLICKED, now + timedelta(days=400), ordinal=1))
    assert review.next_batch() == 1
