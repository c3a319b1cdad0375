"""Work that shares its processes with sending: ``python -m tests.faults.other_work SECONDS EVERY``.

Puts a task that takes SECONDS into the queue of mail that people wait for, every EVERY seconds,
until it is stopped.
"""

import sys
import time

from config.celery import app


@app.task(name="tests.faults.other_work.work", ignore_result=True)
def work(seconds: float) -> None:
    """Take a while."""
    time.sleep(seconds)


if __name__ == "__main__":
    while True:
        work.apply_async([float(sys.argv[1])], queue="mail")
        time.sleep(float(sys.argv[2]))
