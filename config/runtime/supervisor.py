"""Runs a handful of processes as one: one log, restarts, and an end that leaves nothing behind."""

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import FrameType

from config import logs
from config.runtime.processes import bound_to_us

LONGEST_WAIT = 30.0
STEADY_SECONDS = 60.0
STOP_SECONDS = 30.0
ASK_AGAIN = 0.3
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
UNSPOKEN = ("worker: Warm shutdown",)  # printed by Celery; we say "stopping" ourselves
BASE_DIR = Path(__file__).parent.parent.parent


@dataclass(kw_only=True)
class Part:
    """One process that is kept running. Parts with a higher ``stage`` are stopped later."""

    name: str
    command: Sequence[str]
    stage: int = 0
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    wait: float = 1.0
    start_at: float = 0.0
    rest: bytes = field(default=b"", repr=False)

    @property
    def runs(self) -> bool:
        """Whether its process exists."""
        return self.process is not None and self.process.poll() is None


class StoppedWhileStartingError(KeyboardInterrupt):
    """Somebody asked to stop before everything ran; what was begun is undone on the way out.

    A kind of KeyboardInterrupt, because libraries give way to that: psycopg cancels its statement.
    """


def stop_when_asked() -> None:
    """Leave whatever is done by an exception when somebody asks to stop.

    Until `Supervisor.listen`, and raises StoppedWhileStartingError.
    """

    def stop(_number: int, _frame: FrameType | None) -> None:
        for number in STOPS:
            signal.signal(number, signal.SIG_IGN)  # once: nothing interrupts the way out
        raise StoppedWhileStartingError

    for number in STOPS:
        signal.signal(number, stop)


class Supervisor:
    """Keeps parts running until it is asked to stop. Single-threaded, to be used from `main`."""

    def __init__(self, parts: Sequence[Part], *, as_json: bool) -> None:
        self.parts = parts
        self.as_json = as_json
        self.stopping = False
        self.impatient = False
        self.starting = False
        self.selector = selectors.DefaultSelector()
        self.colours = sys.stdout.isatty() and not os.environ.get("NO_COLOR")

    def listen(self) -> None:
        """Stop on Ctrl-C, SIGTERM and SIGHUP; on a second one, at once."""
        signal.signal(signal.SIGALRM, self._interrupt)
        for number in STOPS:
            signal.signal(number, self._ask_to_stop)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Leave the block by an exception, wherever it is, when somebody asks to stop.

        Raises:
            StoppedWhileStartingError: somebody did.
        """
        self.starting = True
        try:
            if self.stopping:
                raise StoppedWhileStartingError
            yield
        finally:
            self.starting = False
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _ask_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self.impatient = self.stopping
        self.stopping = True
        if self.starting:
            # Again and again: in a finaliser, for one, Python drops an exception.
            signal.setitimer(signal.ITIMER_REAL, ASK_AGAIN, ASK_AGAIN)
            raise StoppedWhileStartingError

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        if self.starting:
            raise StoppedWhileStartingError

    def say(self, message: str, *, level: str = "info") -> None:
        """Write a line of our own to the log."""
        self._write({"level": level, "part": "run", "event": message})

    def start(self, part: Part) -> None:
        """Start one part, bound to us by the kernel, in a process group of its own."""
        environment = {"LOG_FORMAT": "json", "LOG_PART": part.name, "PYTHONUNBUFFERED": "1"}
        part.process = subprocess.Popen(  # noqa: S603 - our own command lines
            part.command,
            cwd=BASE_DIR,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=bound_to_us(signal.SIGTERM),  # noqa: PLW1509 - we have one thread
        )
        part.started_at = time.monotonic()
        assert part.process.stdout is not None  # noqa: S101 - for the type checker
        os.set_blocking(part.process.stdout.fileno(), False)
        self.selector.register(part.process.stdout, selectors.EVENT_READ, part)

    def tick(self, seconds: float) -> None:
        """Pass on what the parts say for a while, and restart those that ended."""
        for key, _ in self.selector.select(seconds):
            self._read(key.data)
        for part in self.parts:
            if part.process is not None and part.process.poll() is not None:
                self._ended(part)
            if part.process is None and not self.stopping and part.start_at <= time.monotonic():
                self.start(part)

    def run(self) -> None:
        """Keep the parts running until somebody asks to stop."""
        while not self.stopping:
            self.tick(0.5)

    def stop(self) -> None:
        """Stop everything, stage by stage; what does not stop in time is killed."""
        self.stopping = True
        for stage in sorted({part.stage for part in self.parts}):
            parts = [part for part in self.parts if part.stage == stage]
            for part in parts:
                if part.process is not None and part.runs:
                    part.process.send_signal(signal.SIGTERM)
            deadline = time.monotonic() + STOP_SECONDS
            while any(part.runs for part in parts):
                self.tick(0.05)
                if self.impatient or time.monotonic() > deadline:
                    for part in parts:
                        _kill_group(part)
        for part in self.parts:
            _kill_group(part)

    def _ended(self, part: Part) -> None:
        assert part.process is not None  # noqa: S101 - for the type checker
        self._read(part)
        if part.process.stdout is not None:
            with suppress(KeyError):
                self.selector.unregister(part.process.stdout)
            part.process.stdout.close()
        code = part.process.returncode
        _kill_group(part)  # what it may have left
        part.process = None
        if self.stopping:
            return
        now = time.monotonic()
        if now - part.started_at > STEADY_SECONDS:
            part.wait = 1.0
        part.start_at = now + part.wait
        how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        self.say(f"{part.name} {how}; starting it again in {part.wait:.0f} s", level="warning")
        part.wait = min(part.wait * 2, LONGEST_WAIT)

    def _read(self, part: Part) -> None:
        stream = part.process.stdout if part.process else None
        if stream is None or stream.closed:
            return
        while chunk := stream.read(65536):
            *lines, part.rest = (part.rest + chunk).split(b"\n")
            for line in lines:
                self._pass_on(part, line.decode("utf-8", "replace").rstrip())
        if chunk == b"":
            with suppress(KeyError):
                self.selector.unregister(stream)

    def _pass_on(self, part: Part, line: str) -> None:
        if not line.strip() or line.startswith(UNSPOKEN):
            return
        if line.startswith("{"):
            with suppress(ValueError):
                event = json.loads(line)
                self._write(event)
                return
        self._write({"level": "info", "part": part.name, "event": logs.mask(line)})

    def _write(self, event: dict[str, object]) -> None:
        event.setdefault("time", datetime.now().astimezone().isoformat())
        if self.as_json:
            text = json.dumps(event, ensure_ascii=False)
        else:
            text = logs.render(event, colours=self.colours)
        try:
            sys.stdout.write(f"{text}\n")
            sys.stdout.flush()
        except (BrokenPipeError, OSError):
            self.stopping = True  # nobody reads any more: `make run | head`


def _kill_group(part: Part) -> None:
    if part.process is not None:
        # The process leads its group, so its number stays taken while anybody is left in it.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(part.process.pid, signal.SIGKILL)
