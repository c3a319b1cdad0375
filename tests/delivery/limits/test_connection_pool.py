"""Connections of an account: shared fairly by whoever asks, never more than there may be."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis
from django.conf import settings

from delivery.limits.connection_pool import LOST_SECONDS, Connections
from delivery.processes import coordination
from tests.faults.product import BASE

pytestmark = pytest.mark.usefixtures("redis_client")


def test_the_first_gets_all_and_a_newcomer_its_share_once_connections_have_closed() -> None:
    first, second = Connections(account=1), Connections(account=1)
    assert first.ask(most=8) == 8
    assert second.ask(most=8) == 0
    assert first.ask(most=8, opened=8) == 4  # from now on; eight are open still
    assert second.ask(most=8) == 0
    assert first.ask(most=8, opened=6) == 4
    assert second.ask(most=8) == 2
    assert first.ask(most=8, opened=4) == 4
    assert second.ask(most=8) == 4
    third = Connections(account=1)
    assert third.ask(most=8) == 0
    shares = [each.ask(most=8) for each in (first, second, third) * 2][3:]
    assert sorted(shares) == [2, 3, 3]


def test_what_is_given_back_goes_to_the_others() -> None:
    first, second = Connections(account=1), Connections(account=1)
    first.ask(most=8)
    second.ask(most=8)
    first.free()
    assert second.ask(most=8) == 8


def test_one_connection_has_one_holder() -> None:
    holders = [Connections(account=1) for _ in range(4)]
    for _round in range(3):
        assert sum(each.ask(most=1, opened=each.count) for each in holders) == 1


def test_a_limit_that_was_lowered_holds() -> None:
    first, second = Connections(account=1), Connections(account=1)
    first.ask(most=8)
    assert first.ask(most=2, opened=8) == 2
    assert second.ask(most=2) == 0
    first.ask(most=2, opened=1)
    assert (first.ask(most=2, opened=1), second.ask(most=2)) == (1, 1)


def test_mail_that_people_wait_for_comes_first() -> None:
    campaign = Connections(account=1)
    campaign.ask(most=1)
    single = Connections(account=1, is_urgent=True)
    assert single.ask(most=1, wanted=1) == 0
    assert campaign.ask(most=1, opened=1) == 0
    campaign.ask(most=1, opened=0)
    assert single.ask(most=1, wanted=1) == 1
    single.free()
    assert campaign.ask(most=1) == 1


def test_who_wants_few_leaves_the_rest_to_the_others() -> None:
    modest, other = Connections(account=1), Connections(account=1)
    assert modest.ask(most=8, wanted=1) == 1
    assert other.ask(most=8) == 7


@contextmanager
def another_process() -> Iterator[subprocess.Popen[str]]:
    """A process that holds all eight connections of account 1 and says nothing more."""
    code = (
        "import django; django.setup()\n"
        "from delivery.limits.connection_pool import Connections\n"
        "print(Connections(account=1).ask(most=8), flush=True); input()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=BASE,
        env=os.environ
        | {"DJANGO_SETTINGS_MODULE": "tests.settings", "REDIS_URL": settings.REDIS_URL},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "8\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def ask_until(holder: Connections, wanted: int, *, seconds: float) -> None:
    until = time.monotonic() + seconds
    while holder.ask(most=8, opened=holder.count) != wanted:
        assert time.monotonic() < until
        time.sleep(0.2)


def test_a_killed_process_gives_its_connections_up_by_itself() -> None:
    with another_process() as process:
        here = Connections(account=1)
        assert here.ask(most=8) == 0
        process.kill()
        process.wait()
        ask_until(here, 8, seconds=30)


def test_a_frozen_process_keeps_its_connections_for_they_are_open_still() -> None:
    with another_process():
        here = Connections(account=1)
        until = time.monotonic() + 6  # longer than a killed one would be remembered
        while time.monotonic() < until:
            assert here.ask(most=8) == 0
            time.sleep(0.3)


def test_nobody_keeps_them_for_ever(redis_client: redis.Redis) -> None:
    with another_process():
        [(name, _held)] = redis_client.hgetall("warta:connections:{1}").items()
        long_ago = float(redis_client.time()[0]) - LOST_SECONDS - 1
        redis_client.hset("warta:connections:{1}", name, f"8 8 {long_ago}")
        assert Connections(account=1).ask(most=8) == 8


def test_without_redis_the_last_answer_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_source: str) -> None:
        raise redis.ConnectionError

    held, new = Connections(account=1), Connections(account=1)
    held.ask(most=8)
    monkeypatch.setattr(coordination, "script", away)
    assert (held.ask(most=8, opened=8), new.ask(most=8)) == (8, 0)
    assert new.is_away


def test_processes_are_told_apart_by_chance_and_known_to_be_gone_when_they_are() -> None:
    code = (
        "import django; django.setup()\n"
        "from delivery.processes import coordination\n"
        "coordination.client().ping(); print(coordination.process_name(), flush=True); input()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=BASE,
        env=os.environ
        | {"DJANGO_SETTINGS_MODULE": "tests.settings", "REDIS_URL": settings.REDIS_URL},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    there = process.stdout.readline().strip()
    here = coordination.process_name()
    assert there != here
    # Names of an earlier release, host and number, prove nothing: another container may have both.
    everybody = {there, here, f"{os.uname().nodename}:999999"}
    for _ in range(4):
        assert coordination.gone(everybody) == set()
        time.sleep(0.5)
    process.kill()
    process.communicate()
    until = time.monotonic() + 20
    while coordination.gone(everybody) != {there}:
        assert time.monotonic() < until
        time.sleep(0.3)
