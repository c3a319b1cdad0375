"""How a worker's sending processes learn that it is shutting down.

Celery tells the main process only. One byte of memory, shared by fork, tells its children, which
look at it between two mails; what is on the wire is finished, the rest is given back.
"""

import mmap
import signal
import sys
from types import FrameType
from typing import Any

_shared = mmap.mmap(-1, 1)  # anonymous and shared: made before the pool forks
_working = False


def is_wanted() -> bool:
    """Say whether this worker is to stop; costs next to nothing."""
    return _shared[0] != 0


def ask(**_: Any) -> None:
    """Ask every process of this worker to stop (connected to ``worker_shutting_down``)."""
    _shared[0] = 1


def allow(**_: Any) -> None:
    """Start with a clean slate (connected to ``worker_init``)."""
    _shared[0] = 0


def listen(**_: Any) -> None:
    """Let a pool process that gets SIGTERM itself drain too (``worker_process_init``)."""
    signal.signal(signal.SIGTERM, _drain)


def working(*, now: bool) -> None:
    """Say whether this process is in the middle of sending."""
    global _working  # noqa: PLW0603 - one flag per process, read by its signal handler
    _working = now


def _drain(_number: int, _frame: FrameType | None) -> None:
    ask()
    if not _working:
        sys.exit(0)
