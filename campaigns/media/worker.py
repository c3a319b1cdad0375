"""The process that reads one strange picture: ``python -m campaigns.media.worker '{"task": …}'``.

The picture comes on standard input, what was made of it goes to standard output: a line of JSON,
then the bytes of the picture and of its thumbnail. There is no database, no secret and no
environment here; the kernel limits processor time, memory and what can be written.
"""

import ctypes
import json
import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Do the one job that is asked for."""
    from campaigns.media import limits, making

    job = json.loads(sys.argv[1])
    _limit(limits.WORK_SECONDS, limits.EXTRA_MEMORY, 2 * limits.MOST_MADE_BYTES)
    pieces: list[bytes] = []
    try:
        said, pieces = making.make(sys.stdin.buffer, job)
    except making.RefusedError as refused:
        said = {"refused": refused.code, **refused.numbers}
    except MemoryError:
        said = {"refused": "stopped"}
    out = sys.stdout.buffer
    out.write(json.dumps(said).encode() + b"\n")
    for piece in pieces:
        out.write(piece)
    out.flush()
    os._exit(0)  # nothing of what the libraries hold needs to be taken apart


def _limit(seconds: int, memory: int, written: int) -> None:
    """Bind this process to its parent and bound what it may use."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    with suppress(OSError):
        os.nice(10)  # pages and sending come first
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("700", encoding="ascii")  # rather us
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    for what, bound in (
        (resource.RLIMIT_AS, pages * resource.getpagesize() + memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, written),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 32),
    ):
        resource.setrlimit(what, (bound, bound))


if __name__ == "__main__":
    main()
