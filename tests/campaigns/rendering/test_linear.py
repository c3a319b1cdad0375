"""No source stalls whoever reads it: the clock stands outside the process that does."""

import os
import subprocess
import sys
from queue import Empty, Queue
from threading import Thread

import pytest

from tests.campaigns.rendering.hostile import ENTRANCES, HOSTILE

SECONDS = 30  # a careful reader needs one; who takes the square of the length needs many minutes


@pytest.mark.parametrize("entrance", ENTRANCES)
def test_hostile_sources_take_no_longer_than_others(entrance):
    program = [sys.executable, "-m", "tests.campaigns.rendering.hostile", entrance]
    done: Queue[str] = Queue()
    with subprocess.Popen(
        program, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ.copy()
    ) as reading:
        assert reading.stdout is not None
        lines = reading.stdout

        def listen() -> None:
            for line in lines:
                done.put(line.rstrip("\n"))

        listener = Thread(target=listen, daemon=True)
        listener.start()
        try:
            for name in HOSTILE:
                assert done.get(timeout=SECONDS) == name
        except Empty:
            pytest.fail(f"“{name}” takes longer than {SECONDS} s by the way of {entrance}")
        finally:
            reading.kill()
            listener.join()
