"""Workers are killed, stopped and replaced while mail goes out."""

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.faults.accounting import CONNECTIONS, PEOPLE, begun, check, pace
from tests.faults.conftest import Recorder, Run
from tests.faults.product import OTHER_QUEUES, Product

pytestmark = pytest.mark.faults
chance = random.SystemRandom()
KILLS = 10


def test_sending_processes_are_killed_again_and_again(run: Run, recorder: Recorder) -> None:
    recorder.start(pace(20))
    with run() as product:
        campaign = begun(product, recorder)
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.1, 1.0))
            product.until(product.senders, seconds=20)
            product.kill(chance.choice(product.senders()))
        assert product.status(campaign) == "sending"
        # A process has its share of the account's connections.
        check(product, recorder, campaign, doubt=KILLS * CONNECTIONS // 2)


@pytest.mark.quick
def test_all_workers_are_killed_at_once(run: Run, recorder: Recorder) -> None:
    recorder.start(pace(8))
    with run() as product:
        campaign = begun(product, recorder)
        product.kill_workers()
        assert product.status(campaign) == "sending"
        product.worker("sending", processes=2)
        product.worker(OTHER_QUEUES, processes=1)
        check(product, recorder, campaign, doubt=CONNECTIONS)


def test_all_workers_are_killed_at_once_again_and_again(run: Run, recorder: Recorder) -> None:
    recorder.start(pace(20))
    with run() as product:
        campaign = begun(product, recorder)
        for _ in range(KILLS // 2):
            product.kill_workers()
            product.worker("sending", processes=2)
            product.worker(OTHER_QUEUES, processes=1)
            product.wait_for_workers()
            time.sleep(chance.uniform(0.1, 1.0))
        check(product, recorder, campaign, doubt=KILLS // 2 * CONNECTIONS)


@pytest.mark.quick
def test_everything_is_killed_databases_too(run: Run, recorder: Recorder, data_dir: Path) -> None:
    recorder.start(pace(6))
    with run() as product:
        campaign = begun(product, recorder)
        for service, name in (("postgres", "postmaster.pid"), ("valkey", "valkey.pid")):
            pid = int((data_dir / service / name).read_text().split()[0])
            os.kill(pid, signal.SIGKILL)
        product.kill_workers()
        assert product.beat is not None
        product.beat.kill()
        product.beat.wait()
        product.until(product.answers, seconds=60)
        product.start()
        check(product, recorder, campaign, doubt=CONNECTIONS)


@pytest.mark.quick
def test_sigterm_drains_and_loses_nothing(run: Run, recorder: Recorder) -> None:
    recorder.start(pace(8))
    with run() as product:
        campaign = begun(product, recorder)
        for _ in range(3):
            workers, product.workers = product.workers, []
            _leave(workers)
            product.worker("sending", processes=2)
            product.worker(OTHER_QUEUES, processes=1)
            product.wait_for_workers()
        check(product, recorder, campaign, doubt=0)


def test_workers_are_replaced_one_after_the_other(run: Run, recorder: Recorder) -> None:
    """A rolling restart: the new worker is there before the old one leaves."""
    recorder.start(pace(25))
    with run() as product:
        campaign = begun(product, recorder)
        for _ in range(3):
            for queues, processes in (("sending", 2), (OTHER_QUEUES, 1)):
                product.worker(queues, processes=processes)
                product.wait_for_workers()
                _leave([_oldest(product, queues)])
        assert product.status(campaign) == "sending"
        check(product, recorder, campaign, doubt=0)


def test_workers_of_two_hosts(run: Run, recorder: Recorder) -> None:
    recorder.start(pace(10))
    with run() as product:
        product.worker("sending", processes=2, host="another")
        campaign = begun(product, recorder)
        for _ in range(4):
            product.kill(chance.choice(product.senders()))
            time.sleep(1)
        check(product, recorder, campaign, doubt=4 * CONNECTIONS)


def test_beat_is_killed(run: Run, recorder: Recorder) -> None:
    recorder.start(pace(8))
    with run() as product:
        campaign = begun(product, recorder)
        assert product.beat is not None
        product.beat.kill()
        product.beat.wait()
        time.sleep(3)
        product.start_beat()
        check(product, recorder, campaign, doubt=0)


@pytest.mark.quick
def test_tasks_come_twice_late_and_from_another_release(run: Run, recorder: Recorder) -> None:
    code = (
        "from config.celery import app; from delivery import tasks\n"
        "for n in range(10):\n"
        "    tasks.start_due_campaigns.delay(); tasks.keep_sending.delay()\n"
        "    tasks.plan_campaign.delay({0}); tasks.plan_campaign.delay({0})\n"
        "    tasks.sweep_up.delay(); tasks.sweep_up.delay()\n"
        "    tasks.send_slice.delay(0, 'another release'); tasks.send_slice.delay(n, 'old')\n"
        "    for name in ('send_slice', 'send_batch', 'plan_campaign', 'keep_sending'):\n"
        "        for given in ([], [n], [{0}, 'a', 'b'], ['no number'], [[n], None], [10**12]):\n"
        "            app.send_task(f'delivery.tasks.{{name}}', given)\n"
        "        app.send_task(f'delivery.tasks.{{name}}', kwargs=dict(campaign={0}, batch=n))\n"
    )
    recorder.start(pace(4))
    with run() as product:
        campaign = begun(product, recorder)
        product.manage("shell", "-v", "0", "-c", code.format(campaign))
        check(product, recorder, campaign, doubt=0)


def _leave(workers: list[subprocess.Popen[bytes]]) -> None:
    """Ask workers to stop, and check that they do so in time and in order."""
    for worker in workers:
        worker.terminate()
    for worker in workers:
        assert worker.wait(timeout=40) == 0  # the grace time, and what a busy machine adds


def _oldest(product: Product, queues: str) -> subprocess.Popen[bytes]:
    """Take the worker of these queues that was started first out of the list."""
    flag = f"--queues={queues}".encode()
    worker = next(
        worker
        for worker in product.workers
        if flag in Path(f"/proc/{worker.pid}/cmdline").read_bytes()
    )
    product.workers.remove(worker)
    return worker


def test_there_are_enough_people_for_all_of_this() -> None:
    """A fault that comes after the end proves nothing."""
    assert PEOPLE >= 2_000
