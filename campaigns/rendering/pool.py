"""Rendering processes, seen from the process that uses them: started when needed, ended in time.

A process has one server (`rendering_process.main`), which forks what renders. It holds its end of a
socket as long as we live; a fork of ours (Celery's) forgets what its parent had and starts its own.
"""

import atexit
import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.conf import settings

from campaigns.rendering import rendering_process

BASE_DIR: Final = Path(__file__).parent.parent.parent
START_SECONDS: Final = 60.0  # importing everything takes half a second, where nothing else goes on
MAX_REPLY: Final = 64_000_000  # bytes: what comes back is as bounded as what is done for it
_PASSED_ON: Final = (
    "LANGUAGE_CODE",
    "LANGUAGES",
    "LOCALE_PATHS",
    "FORMAT_MODULE_PATH",
    "USE_I18N",
    "USE_TZ",
)


class StoppedError(Exception):
    """The process came to its end before it answered: it used up its time or memory."""


class UnavailableError(Exception):
    """No rendering process can be started; that is no fault of what was to be rendered."""


@dataclass(eq=False, slots=True)
class _Process:
    pid: int
    connection: socket.socket
    is_worn: bool = False

    @property
    def is_alive(self) -> bool:
        """Whether it still listens: one that waits for work has nothing to say but its end."""
        return not select.select([self.connection], [], [], 0)[0]

    def ask(self, request: bytes, *, seconds: float) -> bytes:
        until = time.monotonic() + seconds
        try:
            self.connection.settimeout(seconds)
            self.connection.sendall(
                len(request).to_bytes(rendering_process.LENGTH_BYTES, "big") + request
            )
            size = int.from_bytes(self._read(rendering_process.LENGTH_BYTES, until), "big")
            if size > MAX_REPLY:
                raise StoppedError
            reply = self._read(size, until)
        except OSError as error:  # a time-out is one
            raise StoppedError from error
        self.is_worn = reply[:1] == rendering_process.WORN
        return reply[1:]

    def _read(self, size: int, until: float) -> bytes:
        pieces = bytearray()
        while len(pieces) < size:
            self.connection.settimeout(max(0.001, until - time.monotonic()))
            piece = self.connection.recv(min(size - len(pieces), 2**20))
            if not piece:
                raise ConnectionResetError
            pieces += piece
        return bytes(pieces)


class RenderingPool:
    """The rendering processes of this process. Safe to use from several threads."""

    def __init__(self, *, niceness: int = 0) -> None:
        self._niceness = niceness
        self._lock = threading.Lock()
        self._idle: list[_Process] = []
        self._server: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def ask(self, request: bytes, *, seconds: float) -> bytes:
        """Have a request answered by a process of its own, within ``seconds``.

        Raises:
            StoppedError: it was not; that process is gone.
            UnavailableError: no process can be started.
        """
        process = self._take()
        is_well = False
        try:
            reply = process.ask(request, seconds=seconds)
            is_well = not process.is_worn
        finally:
            if is_well:
                with self._lock:
                    self._idle.append(process)
            else:
                self._end(process)
        return reply

    def close(self) -> None:
        """End everything (it would also end by itself when this process does)."""
        with self._lock:
            self._hang_up()
            server, self._server = self._server, None
        if server is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(timeout=5)
            if server.returncode is None:
                server.kill()
                server.wait()

    def forget(self) -> None:
        """Let go of what belongs to the process that we were forked from."""
        self._lock = threading.Lock()
        self._hang_up()
        if self._server is not None:
            self._server.returncode = 0  # not ours to wait for
            self._server = None

    def _hang_up(self) -> None:
        for process in self._idle:
            process.connection.close()
        self._idle.clear()
        if self._control is not None:
            self._control.close()
            self._control = None

    def _take(self) -> _Process:
        with self._lock:
            while self._idle:
                process = self._idle.pop()
                if process.is_alive:
                    return process
                process.connection.close()
            try:
                return self._fork()
            except OSError:  # the server has gone: once more, from the beginning
                self._hang_up()
            try:
                return self._fork()
            except OSError as error:
                self._hang_up()
                raise UnavailableError from error

    def _fork(self) -> _Process:
        control = self._control or self._start()
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                control.settimeout(START_SECONDS)
                socket.send_fds(control, [rendering_process.FORK], [theirs.fileno()])
                said = control.recv(64)
            if said[:1] != rendering_process.FORK:
                raise ConnectionResetError
        except OSError:
            ours.close()
            raise
        return _Process(pid=int(said[1:]), connection=ours)

    def _start(self) -> socket.socket:
        if self._server is not None:
            self._server.kill()
            self._server.wait()
        options = {name: getattr(settings, name) for name in _PASSED_ON}
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._server = subprocess.Popen(  # noqa: S603 - our own module
                [
                    sys.executable,
                    *("-m", rendering_process.__name__),
                    str(theirs.fileno()),
                    json.dumps(options, default=str),
                    str(self._niceness),
                ],
                cwd=BASE_DIR,
                env={"PATH": os.defpath, "LANG": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C is for those who look after us
            )
        self._control = ours
        return ours

    def _end(self, process: _Process) -> None:
        process.connection.close()
        with self._lock:
            if self._control is None:
                return
            try:
                self._control.settimeout(START_SECONDS)
                self._control.send(rendering_process.KILL + str(process.pid).encode())
                self._control.recv(64)
            except OSError:
                self._hang_up()  # its server has gone, and it with that


def watched(pool: RenderingPool) -> RenderingPool:
    """Have a pool closed at the end of this process and forgotten in forks of it."""
    atexit.register(pool.close)
    os.register_at_fork(after_in_child=pool.forget)
    return pool
