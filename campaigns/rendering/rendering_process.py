"""The rendering processes themselves: ``python -m campaigns.rendering.rendering_process``.

What authors wrote is compiled and filled in here, and nowhere else. There is no database, no
secret and no environment; the kernel limits processor time and memory, and whoever asked limits
the time it waits. The first process only imports everything and forks on request, so that a new
one costs milliseconds and shares its memory with the others.
"""

import ctypes
import gc
import io
import json
import os
import pickle
import resource
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

Stream = io.BufferedRWPair
FORK, KILL = b"f", b"k"
LENGTH_BYTES = 4
EXTRA_MEMORY = 512 * 2**20  # bytes of address space above what is imported
WORN_KILOBYTES = 160 * 1024  # resident; a process that has grown so far is replaced
WORN_CALLS = 2_000
PR_SET_PDEATHSIG = 1

# What a reply begins with.
DONE, REFUSED, FAILED = b"d", b"r", b"f"
FRESH, WORN = b"+", b"-"


def main() -> None:
    """Import everything, then fork whenever we are asked to; end when nobody can ask any more."""
    control = socket.socket(fileno=int(sys.argv[1]))
    configure(json.loads(sys.argv[2]))
    works = load()
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with suppress(OSError):
        os.nice(int(sys.argv[3]))
    gc.collect()
    gc.freeze()
    children: set[int] = set()
    while True:
        message, descriptors, _flags, _address = socket.recv_fds(control, 64, 1)
        for pid in [pid for pid in children if os.waitpid(pid, os.WNOHANG)[0]]:
            children.discard(pid)
        if not message:
            break
        if message[:1] == KILL:
            pid = int(message[1:])
            if pid in children:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                children.discard(pid)
            control.send(KILL)
            continue
        pid = os.fork()
        if pid == 0:
            control.close()
            try:
                serve(socket.socket(fileno=descriptors[0]), works)
            finally:
                os._exit(0)
        os.close(descriptors[0])
        children.add(pid)
        control.send(FORK + str(pid).encode())
    for pid in children:
        os.kill(pid, signal.SIGKILL)


def configure(options: dict[str, Any]) -> None:
    """Give Django the few settings that texts and numbers need."""
    import django
    from django.conf import settings
    from django.utils import formats, translation

    settings.configure(LOGGING_CONFIG=None, **options)
    django.setup()
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            formats.get_format("DECIMAL_SEPARATOR")
            translation.gettext("Subject")


def load() -> dict[str, Callable[..., Any]]:
    """Import what is done here, by the names that `isolation` calls it."""
    from campaigns.rendering import (
        compile,  # noqa: A004 - a module of ours
        content_checks,
        convert,
        lint,
        preview,
        split_template,
    )

    split_template.hand_to(split_template.fill_here)
    return {
        "compile": compile.compile_content,
        "convert": convert.convert,
        "fill": split_template.fill_here,
        "findings": content_checks.findings,
        "lint": lint.marks,
        "preview": preview.preview,
    }


def serve(connection: socket.socket, works: dict[str, Callable[..., Any]]) -> None:
    """Answer requests until the other side hangs up."""
    limit()
    stream = connection.makefile("rwb")
    for number in range(1, WORN_CALLS + 1):
        request = read(stream)
        if request is None:
            return
        reply = answer(request, works)
        is_worn = (
            number == WORN_CALLS
            or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > WORN_KILOBYTES
        )
        write(stream, (WORN if is_worn else FRESH) + reply)


def limit() -> None:
    """Bind this process to its parent and bound what it may use."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # the end of a request's processor time
    with suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as score:  # noqa: PTH123
        score.write("500")  # rather us than a database
    with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123 - not worth an import
        pages = int(statm.read().split()[0])
    most = pages * resource.getpagesize() + EXTRA_MEMORY
    for what, bound in (
        (resource.RLIMIT_AS, most),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 32),
    ):
        resource.setrlimit(what, (bound, bound))


def answer(request: bytes, works: dict[str, Callable[..., Any]]) -> bytes:
    """Do what is asked within its processor time, at whose end the kernel ends this process."""
    from django.utils import translation

    from campaigns.rendering.errors import ContentError

    work, args, options, language, seconds = pickle.loads(request)  # noqa: S301 - from our parent
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        with translation.override(language):
            return DONE + pickle.dumps(works[work](*args, **options))
    except ContentError as error:
        return REFUSED + pickle.dumps(error)
    except BaseException as error:  # noqa: BLE001 - also what Rust's panics become
        return FAILED + type(error).__name__.encode()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def read(stream: Stream) -> bytes | None:
    """Read one message; None at the end."""
    head = stream.read(LENGTH_BYTES)
    if len(head) < LENGTH_BYTES:
        return None
    size = int.from_bytes(head, "big")
    body = stream.read(size)
    return body if len(body) == size else None


def write(stream: Stream, body: bytes) -> None:
    """Write one message."""
    stream.write(len(body).to_bytes(LENGTH_BYTES, "big"))
    stream.write(body)
    stream.flush()


if __name__ == "__main__":
    main()
