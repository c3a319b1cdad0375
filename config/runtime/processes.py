"""What the kernel does for us so that no process outlives the one that looks after it."""

import ctypes
import os
from collections.abc import Callable

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


def end_with_parent(number: int) -> None:
    """Have the kernel send us signal ``number`` when the parent process ends, however it ends."""
    LIBC.prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)


def bound_to_us(number: int) -> Callable[[], None]:
    """Make a ``preexec_fn`` for a child that gets signal ``number`` when we end."""
    parent = os.getpid()

    def prepare() -> None:
        end_with_parent(number)
        if os.getppid() != parent:  # we ended before the child asked
            os._exit(1)

    return prepare
