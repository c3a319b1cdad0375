"""A copy of the checkout in an awkward place, and a way to run it as people do."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from config.runtime import embedded

ROOT = Path(__file__).parents[2]
COPIED = (
    "manage.py",
    "config",
    "accounts",
    "subscribers",
    "campaigns",
    "delivery",
    "reports",
    "api",
    "templates",
    "static",
    "locale",
)
START_SECONDS = 900.0  # a bound for what hangs: whoever dies is noticed at once


def clean_environment(**extra: str) -> dict[str, str]:
    """Return an environment that says nothing about services or settings."""
    return {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **extra}


@dataclass(kw_only=True)
class Checkout:
    """A copy of the product, without .git."""

    path: Path
    port: int
    running: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    @property
    def log(self) -> Path:
        """Where the last `start` writes."""
        return self.path / "run.log"

    def words(self) -> str:
        """Return what it said so far."""
        return self.log.read_text(encoding="utf-8")

    def start(self, **environment: str) -> "subprocess.Popen[bytes]":
        """Start everything and wait until it says that it is ready."""
        process = self.begin(**environment)
        self.wait_for("Warta is ready.", process)
        return process

    def begin(self, **environment: str) -> "subprocess.Popen[bytes]":
        """Start everything and wait for nothing."""
        settings = {"PORT": str(self.port), "WORKERS": "1", "DEMO": "false", **environment}
        with self.log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "config.run"],
                cwd=self.path,
                env=clean_environment(**settings),
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.running.append(process)
        return process

    def wait_for(self, words: str, process: "subprocess.Popen[bytes]") -> None:
        """Wait until the log holds these words."""
        deadline = time.monotonic() + START_SECONDS
        while words not in self.words():
            assert process.poll() is None, self.words()
            assert time.monotonic() < deadline, self.words()
            time.sleep(0.05)

    def manage(self, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Run a management command."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=self.path,
            env=clean_environment(**environment),
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )

    def processes(self) -> dict[int, str]:
        """Return the processes that work in this checkout or on its data, with their commands."""
        homes = (str(self.path), str(embedded.places(self.path / "var").home))
        found = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                folder = str((entry / "cwd").readlink())
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue
            here = any(home in command or folder.startswith(home) for home in homes)
            if here and state != "Z":
                found[int(entry.name)] = command
        return found

    def left_after(self, seconds: float) -> dict[int, str]:
        """Wait until no process is left, and return those that are.

        ``seconds`` on an idle machine; a busy one gets ten times as many.
        """
        deadline = time.monotonic() + 10 * seconds
        while (left := self.processes()) and time.monotonic() < deadline:
            time.sleep(0.1)
        return left

    def remove(self, tmp_path: Path) -> None:
        """End what a failed test left running, and remove what lies outside its folder."""
        for process in self.running:
            if process.poll() is None:
                process.kill()
                process.wait()
        for pid in self.left_after(20):
            os.kill(pid, signal.SIGKILL)
        place = embedded.places(self.path / "var")
        for folder in (place.home, place.sockets):
            if not folder.is_relative_to(tmp_path):
                shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def make_checkout(tmp_path: Path) -> Iterator[Callable[[], Checkout]]:
    """Return a function that copies the checkout below a folder that only its owner may enter."""
    made: list[Checkout] = []

    def make() -> Checkout:
        path = tmp_path / f"Sari's files, {len(made)}" / "warta"
        path.mkdir(mode=0o700, parents=True)
        path.parent.chmod(0o700)
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                ignored = shutil.ignore_patterns("__pycache__", "node_modules")
                shutil.copytree(source, path / name, ignore=ignored)
            elif source.exists():
                shutil.copy(source, path / name)
        made.append(Checkout(path=path, port=free_port()))
        return made[-1]

    yield make
    for checkout in made:
        checkout.remove(tmp_path)


@pytest.fixture
def checkout(make_checkout: Callable[[], Checkout]) -> Checkout:
    """One copy of the checkout."""
    return make_checkout()
