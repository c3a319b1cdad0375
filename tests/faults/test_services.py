"""PostgreSQL and Redis go away, come back and forget while mail goes out."""

import os
import signal
import time
from pathlib import Path

import pytest

from tests.faults.accounting import LETTER, PEOPLE, begun, check, pace
from tests.faults.conftest import Recorder, Run

pytestmark = pytest.mark.faults


def test_redis_is_flushed(run: Run, recorder: Recorder) -> None:
    recorder.start(pace(5))
    with run() as product:
        campaign = begun(product, recorder)
        for _ in range(5):
            product.redis().flushall()
            time.sleep(0.7)
        check(product, recorder, campaign, doubt=0)


def test_redis_is_killed_and_started_again(run: Run, recorder: Recorder, data_dir: Path) -> None:
    recorder.start(pace(10))
    with run() as product:
        campaign = begun(product, recorder)
        for _ in range(3):
            os.kill(int((data_dir / "valkey" / "valkey.pid").read_text()), signal.SIGKILL)
            time.sleep(3)
        check(product, recorder, campaign, doubt=0)


def test_postgresql_is_restarted(run: Run, recorder: Recorder, data_dir: Path) -> None:
    recorder.start(pace(12))
    with run() as product:
        campaign = begun(product, recorder)
        for how in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            pid = (data_dir / "postgres" / "postmaster.pid").read_text().split()[0]
            os.kill(int(pid), how)
            time.sleep(0.5)
            product.until(product.answers, seconds=60)
            time.sleep(2)
        check(product, recorder, campaign, doubt=0)


def test_database_connections_are_cut(run: Run, recorder: Recorder) -> None:
    """From the first moment of planning on, every half second."""
    recorder.start(pace(10))
    with run() as product:
        product.people(PEOPLE, port=recorder.port)
        campaign = product.campaign(LETTER)
        while len(recorder.mails()) < PEOPLE // 2:
            product.query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )
            time.sleep(0.5)
        check(product, recorder, campaign, doubt=0)
