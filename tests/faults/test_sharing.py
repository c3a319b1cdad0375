"""Processes share an account's connections, whatever else they do and whoever comes and goes.

Judged by the server's own record: never more connections than allowed, and no long silence.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.faults.accounting import LETTER, check
from tests.faults.conftest import Recorder, Run
from tests.faults.product import BASE, Product

pytestmark = pytest.mark.faults
OTHER_WORK = "tests.faults.other_work"


@contextmanager
def other_work(product: Product, *, seconds: float, every: float) -> Iterator[None]:
    """Have tasks of the queue ``mail`` take turns with sending."""
    process = subprocess.Popen(
        [sys.executable, "-m", OTHER_WORK, str(seconds), str(every)],
        cwd=BASE,
        env=product.environment,
    )
    try:
        yield
    finally:
        process.kill()
        process.wait()


def start(product: Product, *, processes: int) -> "subprocess.Popen[bytes]":
    """Start workers, of which only those that send campaigns serve the queue ``mail``."""
    product.worker("events,default,long", processes=1)
    worker = mixed(product, processes=processes)
    product.wait_for_workers()
    return worker


def mixed(product: Product, *, processes: int) -> "subprocess.Popen[bytes]":
    """Start a worker as it is shipped: for campaigns and for single mails."""
    return product.worker("sending,mail", processes=processes, modules=[OTHER_WORK])


def senders_with_connections(product: Product) -> int:
    """Count the processes that hold connections, by what they said of late."""
    now = float(product.redis().time()[0])
    words = [held.split() for held in product.redis().hvals("warta:connections:{1}")]
    return sum(int(held) > 0 and now - float(at) < 3 for held, _wanted, at in words)


@pytest.mark.quick
def test_sending_beside_other_tasks(run: Run, recorder: Recorder) -> None:
    people = 1_200
    with run(sending=0) as product:
        start(product, processes=2)
        product.people(people, port=recorder.port, connections=4, per_second=80)
        with other_work(product, seconds=1.0, every=1.2):
            check(product, recorder, product.campaign(LETTER), people=people)
        assert recorder.most_connections <= 4
        assert recorder.longest_gap < 6
        # It is not slowed down either, generously: a busy machine takes its time.
        assert recorder.mail_times[-1] - recorder.mail_times[0] < 2 * people / 80


def test_processes_come_and_go(run: Run, recorder: Recorder) -> None:
    people = 4_000
    with run(sending=0) as product:
        first = start(product, processes=1)
        recorder.start("slow=0.05")
        product.people(people, port=recorder.port, connections=4)
        with other_work(product, seconds=0.3, every=1.0):
            campaign = product.campaign(LETTER)
            product.until(lambda: senders_with_connections(product) == 1, seconds=30)
            second = mixed(product, processes=2)
            product.until(lambda: senders_with_connections(product) == 3, seconds=30)
            first.terminate()
            assert first.wait(40) == 0
            product.until(lambda: len(senders := product.senders()) == 2 and bool(senders))
            product.kill(product.senders()[0])
            product.until(lambda: senders_with_connections(product) == 2, seconds=30)
            assert second.poll() is None
            assert product.status(campaign) == "sending"
            product.query("UPDATE delivery_sendingaccount SET max_connections = 2")
            time.sleep(3)
            check(product, recorder, campaign, people=people, doubt=4)
        assert recorder.most_connections <= 4
        assert max(count for what, at, count in recorder.trace()[-200:]) <= 2
        assert recorder.longest_gap < 10


def test_a_process_is_frozen_until_its_leases_are_over(run: Run, recorder: Recorder) -> None:
    people = 4_000
    recorder.start("slow=0.04")
    with run(sending=0) as product:
        start(product, processes=2)
        product.people(people, port=recorder.port, connections=4)
        campaign = product.campaign(LETTER)
        product.until(lambda: senders_with_connections(product) == 2, seconds=30)
        frozen = product.senders()[0]
        os.kill(frozen, signal.SIGSTOP)
        try:
            # Its claim goes to somebody else; its connections are open still.
            product.until(
                lambda: (
                    not product.query(
                        "SELECT 1 FROM delivery_claim WHERE state = 2"
                        " AND held_until < now() + interval '1 second'"
                    )
                    and senders_with_connections(product) == 1
                ),
                seconds=60,
            )
            time.sleep(22)
        finally:
            os.kill(frozen, signal.SIGCONT)
        product.until(lambda: senders_with_connections(product) == 2, seconds=30)
        check(product, recorder, campaign, people=people, doubt=2)
        assert recorder.most_connections <= 4
        assert recorder.longest_gap < 10
