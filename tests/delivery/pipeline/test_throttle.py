"""Limits: exact over several processes, per mailbox provider, given back, and for connections."""

import os
import subprocess
import sys
import time

import pytest
import redis
from django.conf import settings

from delivery import coordination, throttle
from delivery.connections import Connections, GroupLanes
from delivery.throttle import Gate, Limit
from tests.faults.product import BASE

pytestmark = pytest.mark.usefixtures("redis_client")


def take_at_once(*, kind: str, permits: int, period: int, seconds: float, processes: int) -> int:
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "REDIS_URL": settings.REDIS_URL,
    }
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.delivery.pipeline._permits"]
            + [str(word) for word in (seconds, kind, permits, period)],
            cwd=BASE,
            env=environment,
            stdout=subprocess.PIPE,
        )
        for _ in range(processes)
    ]
    return sum(int(process.communicate()[0]) for process in running)


def test_a_window_never_holds_more_however_many_ask() -> None:
    granted = take_at_once(kind="window", permits=500, period=3_600_000, seconds=1, processes=3)
    assert granted == 500


def test_a_rate_is_the_same_for_three_processes_as_for_one() -> None:
    # The clock of the burst starts with the first process and ends with the last one, so the rate
    # is judged by the state that the script keeps, not by wall time.
    granted = take_at_once(kind="rate", permits=60_000, period=60_000, seconds=2, processes=3)
    server = redis.Redis.from_url(settings.REDIS_URL)
    full_at = float(server.hget("warta:throttle:{7}", "minute") or 0)
    assert granted >= 2_000
    # Every permit moved the time at which the bucket is full by a millisecond, no less and no more.
    now = float(server.time()[0]) * 1000
    assert full_at - granted <= now - 2_000 + 1_250
    server.close()


def test_a_rate_spreads_permits_and_says_how_long_to_wait() -> None:
    limit = Limit(name="second", kind="rate", permits=10, period_ms=1_000)
    grant = throttle.permits(1, [limit], 10)
    assert grant.permits in {2, 3}  # the burst is a quarter of a second's worth
    refused = throttle.permits(1, [limit], 1)
    assert refused.permits == 0
    assert 0 < refused.wait <= 0.1
    assert refused.limit == "second"


def test_permits_that_were_not_used_go_back() -> None:
    limit = Limit(name="day", kind="window", permits=10, period_ms=86_400_000)
    assert throttle.permits(1, [limit], 10).permits == 10
    throttle.permits(1, [limit], -4)
    assert throttle.permits(1, [limit], 10).permits == 4


def test_the_tightest_limit_decides() -> None:
    loose = Limit(name="hour", kind="window", permits=100, period_ms=3_600_000)
    tight = Limit(name="day", kind="window", permits=3, period_ms=86_400_000)
    assert throttle.permits(1, [loose, tight], 50) == throttle.Grant(permits=3, limit="day")
    refused = throttle.permits(1, [loose, tight], 50)
    assert (refused.permits, refused.limit) == (0, "day")
    assert 86_000 < refused.wait <= 86_900
    assert throttle.permits(1, [loose], 100).permits == 97  # nothing was lost to the refusal


def test_one_mailbox_provider_waits_while_others_go_on() -> None:
    gmail = Limit(name="group-1", kind="rate", permits=60, period_ms=60_000)
    gate = Gate(account=1, limits=[], groups={1: gmail})
    gate.expect([1, 1, 1, 0, 0])
    assert [gate.admit(group) for group in (1, 1, 0, 1, 0)] == [True, False, True, False, True]
    assert not gate.is_exhausted
    assert gate.waits[1].limit == "group-1"


def test_without_limits_nothing_is_asked() -> None:
    assert Gate(account=1, limits=[], groups={}).is_open


def test_connections_are_shared() -> None:
    first, second = Connections(account=1), Connections(account=1)
    assert first.lease(most=8, wanted=5) == 5
    assert second.lease(most=8, wanted=5) == 3
    first.free()
    third = Connections(account=1)
    assert third.lease(most=8, wanted=5) == 5


def test_a_day_of_a_plan_is_counted_exactly_over_processes() -> None:
    granted = take_at_once(kind="until", permits=300, period=86_400_000, seconds=1, processes=3)
    assert granted == 300


def test_a_day_of_a_plan_says_when_it_ends_and_the_next_one_is_new() -> None:
    ends_at = int((time.time() + 100) * 1000)
    day = Limit(name="warmup-1", kind="until", permits=5, period_ms=86_400_000, ends_at=ends_at)
    assert throttle.permits(1, [day], 8) == throttle.Grant(permits=5, limit="warmup-1")
    refused = throttle.permits(1, [day], 1)
    assert (refused.permits, refused.limit) == (0, "warmup-1")
    assert 98 < refused.wait <= 100.1
    throttle.permits(1, [day], -2)
    assert throttle.permits(1, [day], 8).permits == 2
    after = Limit(name="warmup-2", kind="until", permits=5, period_ms=1, ends_at=ends_at)
    assert throttle.permits(1, [after], 8).permits == 5


def test_asking_for_none_takes_none_and_says_how_long() -> None:
    limit = Limit(name="day", kind="window", permits=1, period_ms=86_400_000)
    assert throttle.permits(1, [limit], 0).wait == 0
    assert throttle.permits(1, [limit], 1).permits == 1
    assert throttle.permits(1, [limit], 0).wait > 86_000


def test_without_redis_it_goes_on_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_source: str) -> None:
        raise redis.ConnectionError

    monkeypatch.setattr(coordination, "script", away)
    limit = Limit(name="second", kind="rate", permits=1000, period_ms=1_000)
    first = throttle.permits(99, [limit], 50)
    assert first.permits == 1
    second = throttle.permits(99, [limit], 50)
    assert (second.permits, second.limit) == (0, "redis")
    assert 0.9 < second.wait <= 1.0
    slow = Limit(name="day", kind="window", permits=24, period_ms=86_400_000)
    throttle.permits(98, [slow], 1)
    assert throttle.permits(98, [slow], 1).wait == pytest.approx(300, abs=1)


def test_lanes_towards_a_mailbox_provider_are_shared_by_processes() -> None:
    here, there, late = (GroupLanes(account=1, most={1: 5}, senders=2) for _ in range(3))
    assert (here.share(1), there.share(1), late.share(1)) == (3, 2, 0)
    for _ in range(3):
        assert here.has_room(1)
        here.begin(1)
    assert not here.has_room(1)
    here.end(1)
    assert here.has_room(1)
    here.free()
    assert GroupLanes(account=1, most={1: 5}, senders=2).share(1) == 3


def test_who_finds_no_lane_waits_for_a_moment_only() -> None:
    GroupLanes(account=1, most={1: 1}).share(1)
    gate = Gate(account=1, limits=[], groups={}, lanes=GroupLanes(account=1, most={1: 1}))
    assert not gate.is_open
    assert gate.must_wait_for_connection(1)
    assert not gate.is_exhausted
    assert gate.waits[1].limit == "connections"
    assert gate.waits[1].wait == 1.0
