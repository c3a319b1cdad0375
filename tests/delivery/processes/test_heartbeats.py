"""Signs of life come, go stale and are taken back."""

import time
from datetime import timedelta

import time_machine
from redis import Redis

from delivery.processes import heartbeats


def test_only_the_queues_that_somebody_serves_are_alive(redis_client: Redis) -> None:
    heartbeats.record(heartbeats.SENDING, "b@host")
    heartbeats.record(heartbeats.SENDING, "a@host")
    assert heartbeats.alive(heartbeats.SENDING) == ["a@host", "b@host"]
    assert heartbeats.alive(heartbeats.EVENTS) == []


def test_a_silent_process_is_dead_after_ten_seconds_but_remembered(redis_client: Redis) -> None:
    with time_machine.travel("2026-03-01T10:00:00+00:00", tick=False) as clock:
        heartbeats.record(heartbeats.BEAT, "host")
        spoke = time.time()
        clock.shift(timedelta(seconds=11))
        assert heartbeats.alive(heartbeats.BEAT) == []
        assert heartbeats.last(heartbeats.BEAT) == spoke


def test_an_orderly_stop_takes_the_sign_back(redis_client: Redis) -> None:
    heartbeats.record(heartbeats.SENDING, "a@host")
    heartbeats.forget(heartbeats.SENDING, "a@host")
    assert heartbeats.alive(heartbeats.SENDING) == []
    assert heartbeats.last(heartbeats.SENDING) is None
