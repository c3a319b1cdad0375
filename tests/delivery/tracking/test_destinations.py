"""Where clicks lead, in a web process's memory: never to another campaign's link."""

import itertools
import tracemalloc

import pytest

from campaigns.models import Link
from delivery.models import Message
from delivery.tracking import destinations
from delivery.tracking.destinations import LARGE, SMALL, Destinations, Stretches
from tests.delivery import makers

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_client")]

BASE = 50 << LARGE
COFFEE = b"https://kopisenja.example/1"
TEA = b"https://tehpagi.example/1"


@pytest.fixture
def campaigns(workspace):
    coffee, tea = (makers.make_sent_campaign(workspace) for _ in range(2))
    Link.objects.filter(campaign=tea, ordinal=1).update(url=TEA.decode())
    return coffee, tea


@pytest.fixture
def plan():
    people = itertools.count(1)

    def plan(campaign, *numbers):
        Message.objects.bulk_create(
            Message(pk=BASE + number, campaign=campaign, subscriber_id=next(people))
            for number in numbers
        )

    return plan


def test_numbers_of_a_campaign_that_is_not_there_yet_lead_nowhere(campaigns, plan):
    coffee, tea = campaigns
    plan(coffee, 1, 3, 5)
    known = Destinations()
    known._load(BASE + 1)
    copied = Destinations()
    copied.load_copy(BASE + 1)
    plan(tea, 2, 4, 6)
    for one in (known, copied):
        assert one.known(BASE + 1, 1) == COFFEE
        assert one.known(BASE + 2, 1) is None
        assert one.known(BASE + 6, 1) is None
    with pytest.raises(LookupError):
        copied.load_copy(BASE + 2)
    known._load(BASE + 2)
    copied.load_copy(BASE + 2)
    for one in (known, copied):
        assert [one.known(BASE + n, 1) for n in range(1, 7)] == [COFFEE, TEA] * 3


def test_where_many_stretches_mix_small_blocks_say_it(campaigns, plan):
    coffee, tea = campaigns
    plan(coffee, *range(0, 400, 2))
    plan(coffee, 1 << SMALL)
    known = Destinations()
    known._load(BASE)
    plan(tea, *range(1, 400, 2))
    known._load(BASE + 1)
    copied = Destinations()
    copied.load_copy(BASE)  # the other campaign's links
    copied.load_copy(BASE + 1)
    for one in (known, copied):
        assert [one.known(BASE + n, 1) for n in range(400)] == [COFFEE, TEA] * 200
        assert one.known(BASE + 400, 1) is None
        assert one.known(BASE + (1 << SMALL), 1) is None  # another small block: not read yet


def test_a_small_block_takes_the_place_of_the_large_one(campaigns, plan, redis_client):
    coffee, tea = campaigns
    plan(coffee, *range(10))
    known = Destinations()
    known._load(BASE)
    assert [bits for bits, _number in known._blocks] == [LARGE]
    plan(tea, *range(10, 400, 2))
    known._load(BASE + 10)
    assert [bits for bits, _number in known._blocks] == [SMALL]
    assert redis_client.keys("tracking:stretches:16:*") == []
    assert (known.known(BASE, 1), known.known(BASE + 10, 1)) == (COFFEE, TEA)


def test_one_campaign_alone_is_one_stretch(campaigns, plan):
    plan(campaigns[0], *range(3_000))
    known = Destinations()
    known._load(BASE)
    (stretches,) = known._blocks.values()
    assert stretches.rows() == [(BASE, BASE + 2_999, campaigns[0].pk)]


def test_memory_is_bounded_however_campaigns_mix(monkeypatch):
    monkeypatch.setattr(destinations, "BLOCKS_BYTES", 1_000_000)
    known = Destinations()
    tracemalloc.start()
    try:
        for number in range(200):
            first = number << SMALL
            rows = [(first + n, first + n, 10**9 + n % 2) for n in range(1 << SMALL)]
            known._keep((SMALL, number), Stretches(rows), 1, {})
        del rows
        used, _peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert used < 1_100_000
    assert len(known._blocks) == 1_000_000 // (destinations.BLOCK_BYTES + 24 * 1_024)
    assert known._bytes == sum(one.size for one in known._blocks.values())
