"""Starts the whole product in a data directory of its own and stops it again."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 120
CHECKOUT = Path(__file__).parent.parent.parent


@dataclass(frozen=True, kw_only=True)
class Product:
    """A running Warta."""

    address: str
    email: str
    password: str
    data_dir: Path
    environment: dict[str, str]

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a management command beside the running product."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=CHECKOUT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )


def free_port() -> int:
    """Return a TCP port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(data_dir: Path, **settings: str) -> Iterator[Product]:
    """Start `make run`'s own program, wait for its greeting, and end it with SIGTERM."""
    port = free_port()
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in {"DJANGO_SETTINGS_MODULE", "TEST_DATA_DIR", "DATA_DIR", "SITE_URL"}
    }
    environment |= {"DATA_DIR": str(data_dir), "PORT": str(port), "NO_COLOR": "1", **settings}
    log = data_dir / "run.log"
    data_dir.mkdir(parents=True, exist_ok=True)
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "config.run"],
            cwd=CHECKOUT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        greeting = _wait(process, log)
        yield Product(
            address=f"http://127.0.0.1:{port}",
            email=_said(greeting, "User"),
            password=_said(greeting, "Password"),
            data_dir=data_dir,
            environment=environment,
        )
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def _wait(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        text = log.read_text()
        if "Ctrl-C stops everything" in text:
            return text
        if process.poll() is not None:
            raise AssertionError(f"The product ended at its start:\n{text}")
        time.sleep(0.2)
    raise AssertionError(f"The product did not start:\n{log.read_text()}")


def _said(greeting: str, word: str) -> str:
    found = re.search(rf"^\s+{word}\s+(\S+)", greeting, re.MULTILINE)
    assert found, greeting
    return found.group(1)
