"""Workers, beat and the sandbox for the length of one management command."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import redis
from django.conf import settings

from config.runtime.processes import bound_to_us
from config.runtime.start_checks import StartError
from delivery.processes import heartbeats

START_SECONDS = 60.0
NEEDED = (*heartbeats.QUEUES, heartbeats.BEAT)


def is_running() -> bool:
    """Say whether a worker for every queue, and beat, have given a sign of life."""
    try:
        return all(heartbeats.alive(kind) for kind in NEEDED)
    except redis.RedisError:
        return False


def parts() -> list[str]:
    """Return the names of the parts to run."""
    sandbox = ["sandbox"] if find_spec("delivery.sandbox.server") else []
    return ["beat", "sending", "events", "long", *sandbox]


@contextmanager
def running() -> Iterator[None]:
    """Run the background processes for the length of the block; their log goes to DATA_DIR/log.

    Raises:
        StartError: they did not start.
    """
    log = Path(settings.DATA_DIR) / "log" / "background.log"
    log.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "config.run", *parts()],
            cwd=settings.BASE_DIR,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=bound_to_us(signal.SIGTERM),  # noqa: PLW1509 - commands have one thread
            env=os.environ | {"NO_COLOR": "1"},
        )
    try:
        _wait_until_running(process, log)
        yield
    finally:
        process.terminate()
        process.wait()


def _wait_until_running(process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not is_running():
        if process.poll() is not None or time.monotonic() > deadline:
            raise StartError(f"The background workers did not start; their log is {log}.")
        time.sleep(0.1)
