"""Limits: exact over several processes, per mailbox provider, given back, and for connections."""

import itertools
import os
import subprocess
import sys
import time

import pytest
import redis
from django.conf import settings

from delivery.limits import throttle
from delivery.limits.connection_pool import ProviderSlots
from delivery.limits.gate import Gate
from delivery.limits.throttle import Limit
from delivery.processes import coordination
from tests.faults.product import BASE

pytestmark = pytest.mark.usefixtures("redis_client")


def take_at_once(*, kind: str, permits: int, period: int, seconds: float, processes: int) -> int:
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "REDIS_URL": settings.REDIS_URL,
    }
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.delivery.limits._permits"]
            + [str(word) for word in (seconds, kind, permits, period)],
            cwd=BASE,
            env=environment,
            stdout=subprocess.PIPE,
        )
        for _ in range(processes)
    ]
    return sum(int(process.communicate()[0]) for process in running)


def test_a_window_never_holds_more_however_many_ask() -> None:
    granted = take_at_once(kind="window", permits=500, period=3_600_000, seconds=5, processes=3)
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
    assert grant.permits == 2  # the burst
    refused = throttle.permits(1, [limit], 1)
    assert refused.permits == 0
    assert 0 < refused.wait <= 0.1
    assert refused.limit == "second"
    several = throttle.permits(1, [limit], 2, some=2)
    assert 0.1 < several.wait <= 0.2  # until so many can go at once


def test_permits_ahead_say_from_when_on_mails_may_leave() -> None:
    limit = Limit(name="second", kind="rate", permits=10, period_ms=1_000)
    before = time.monotonic()
    grant = throttle.permits(1, [limit], 10, ahead=0.45, hand="we")
    after = time.monotonic()
    assert grant.permits == 7
    for number, moment in enumerate(grant.moments):
        due = max(0.0, number - 1.5) * 0.1  # a quarter of a second's worth goes at once
        assert before + due <= moment <= after + due + 0.001
    refused = throttle.permits(1, [limit], 1, ahead=0.3, hand="they")
    assert (refused.permits, refused.limit) == (0, "second")
    assert 0 < refused.wait <= 0.25


def test_permits_that_were_not_used_go_back() -> None:
    limit = Limit(name="day", kind="window", permits=10, period_ms=86_400_000)
    assert throttle.permits(1, [limit], 10, hand="we").permits == 10
    throttle.settle(1, [limit], "we", [time.monotonic()] * 6)
    assert throttle.permits(1, [limit], 10).permits == 4


def test_a_hand_counts_until_its_answers_are_in() -> None:
    """However long a mail is under way, nobody gets its permit."""
    short = Limit(name="second", kind="window", permits=2, period_ms=100)
    assert throttle.permits(1, [short], 2, hand="we").permits == 2
    time.sleep(0.3)
    refused = throttle.permits(1, [short], 1, ahead=10, hand="they")
    assert (refused.permits, refused.limit) == (0, "second")


def test_a_mail_counts_for_one_period_after_its_answer() -> None:
    minute = Limit(name="minute", kind="window", permits=2, period_ms=60_000)
    assert throttle.permits(1, [minute], 2, hand="we").permits == 2
    throttle.settle(1, [minute], "we", [time.monotonic()], still=1)
    assert throttle.permits(1, [minute], 1, ahead=50, hand="they").permits == 0
    answered = time.monotonic()
    throttle.settle(1, [minute], "we", [answered])
    grant = throttle.permits(1, [minute], 2, ahead=70, hand="they")
    assert grant.permits == 2
    assert grant.moments[1] >= answered + 60


def test_a_process_that_has_ended_holds_no_permits(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it held may have left a moment ago: it counts from now on."""
    second = Limit(name="second", kind="window", permits=2, period_ms=1_000)
    assert throttle.permits(1, [second], 2, hand="warta-ended:1").permits == 2
    monkeypatch.setattr(coordination, "SETTLED_SECONDS", 0)
    monkeypatch.setattr(coordination, "MISSING_SECONDS", 0.0)
    asked = time.monotonic()
    throttle.permits(1, [second], 1, hand="they")  # the first look
    grant = throttle.permits(1, [second], 1, ahead=2.0, hand="they")
    assert grant.permits == 1
    assert grant.moments[0] >= asked + 1.0


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
    assert gate.reserve(1_000) == 1_000
    assert [gate.admit(group) is not None for group in (1, 1, 0, 1, 0)] == [
        True,
        True,
        True,
        False,
        True,
    ]
    assert gate.refused is None
    assert gate.waits[1].limit == "group-1"


def test_as_many_people_are_read_as_there_are_permits(redis_client: redis.Redis) -> None:
    second = Limit(name="second", kind="rate", permits=100, period_ms=1_000)
    gate = Gate(account=1, limits=[second], groups={})
    assert gate.reserve(1_000) == 41  # two fifths of a second's worth
    for _ in range(20):
        assert gate.admit(0) is not None
        gate.answered(0)
    gate.give_back()
    used = redis_client.hvals("warta:throttle:{1}:second")
    assert sum(map(int, used)) == 20  # the others are there for others
    assert not redis_client.exists("warta:throttle:{1}:hands")


def test_campaigns_that_share_an_account_get_shorter_turns() -> None:
    second = Limit(name="second", kind="rate", permits=40, period_ms=1_000)
    assert Gate(account=1, limits=[second], groups={}).reserve(1_000, is_shared=True) == 9
    hour = Limit(name="hour", kind="window", permits=300, period_ms=3_600_000)
    assert Gate(account=2, limits=[hour], groups={}).reserve(1_000) == 10


def test_mails_count_from_when_they_can_have_arrived_the_latest() -> None:
    second = Limit(name="second", kind="rate", permits=1, period_ms=1_000)
    gate = Gate(account=1, limits=[second], groups={})
    assert gate.reserve(1) == 1
    assert gate.admit(0) is not None
    time.sleep(1.1)  # the connection opened so slowly
    answered = time.monotonic()
    gate.answered(0)
    gate.give_back()
    grant = throttle.permits(1, [second], 1, ahead=1.1)
    assert grant.permits == 1
    assert grant.moments[0] >= answered + 1.0


@pytest.mark.parametrize("permits", [1, 7, 40])
def test_no_second_holds_more_whoever_is_late(permits: int) -> None:
    """Mails are under way for a while that nobody knows before, one much longer than others."""
    delays = itertools.cycle([0.0, 0.001, 0.03, 0.0, 0.002])
    second = Limit(name="second", kind="rate", permits=permits, period_ms=1_000)
    left: list[float] = []
    answers: list[float] = []
    while len(left) < 4 * permits:
        gate = Gate(account=1, limits=[second], groups={})
        found = gate.reserve(max(1, permits // 4))
        for _ in range(found):
            moment = gate.admit(0)
            assert moment is not None
            time.sleep(max(0.0, moment - time.monotonic()))
            left.append(time.monotonic())
            time.sleep(next(delays))
            answers.append(time.monotonic())
            gate.answered(0)
        gate.give_back()
        if gate.refused is not None:
            time.sleep(gate.refused.wait)
    # Wherever between leaving and answer the server took each of them.
    for answer, leaves in zip(answers, left[permits:], strict=False):
        assert leaves - answer >= 1.0


def test_without_limits_nothing_is_asked() -> None:
    gmail = Limit(name="group-1", kind="rate", permits=60, period_ms=60_000)
    provider_slots = ProviderSlots(account=1, most={2: 5})
    assert Gate(account=1, limits=[], groups={}).is_open([0, 1, 2])
    gate = Gate(account=1, limits=[], groups={1: gmail}, provider_slots=provider_slots)
    assert gate.is_open([0, 3, 0])
    assert not gate.is_open([0, 1])
    assert not gate.is_open([0, 2])


def test_a_day_of_a_plan_is_counted_exactly_over_processes() -> None:
    granted = take_at_once(kind="until", permits=300, period=86_400_000, seconds=5, processes=3)
    assert granted == 300


def test_a_day_of_a_plan_says_when_it_ends_and_the_next_one_is_new() -> None:
    ends_at = int((time.time() + 100) * 1000)
    day = Limit(name="warmup-1", kind="until", permits=5, period_ms=86_400_000, ends_at=ends_at)
    assert throttle.permits(1, [day], 8) == throttle.Grant(permits=5, limit="warmup-1")
    refused = throttle.permits(1, [day], 1)
    assert (refused.permits, refused.limit) == (0, "warmup-1")
    assert 98 < refused.wait <= 100.1
    assert throttle.permits(1, [day], 1).permits == 0
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
    here, there = (ProviderSlots(account=1, most={1: 5}) for _ in range(2))
    assert here.share(1) == 5
    for _ in range(5):
        assert here.has_room(1)
        here.begin(1)
    assert not here.has_room(1)
    assert there.share(1) == 0  # as long as those five are under way
    here.renew()
    assert not here.has_room(1)
    for _ in range(3):
        here.end(1)
    here.renew()
    there.renew()
    assert here.share(1) + there.share(1) == 5
    assert there.has_room(1)
    here.free()
    there.renew()
    assert there.share(1) == 5


def test_who_finds_no_lane_waits_for_a_moment_only() -> None:
    others = ProviderSlots(account=1, most={1: 1})
    assert others.share(1) == 1
    gate = Gate(
        account=1, limits=[], groups={}, provider_slots=ProviderSlots(account=1, most={1: 1})
    )
    assert not gate.is_open([1])
    assert not gate.provider_slots.has_room(1)
    assert gate.provider_slots.is_new
