"""What fault tests stand on: a product of their own, and a server that writes down what it took."""

import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from itertools import pairwise
from pathlib import Path

import pytest

from tests.faults.product import BASE, Product

Run = Callable[..., AbstractContextManager[Product]]


class Recorder:
    """The recording mail server, which can be stopped and started with other options."""

    def __init__(self, log: Path) -> None:
        self.log = log
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *options: str) -> None:
        """Start, or start again with other options."""
        self.stop()
        command = [sys.executable, "-m", "tests.faults.recorder", str(self.port), str(self.log)]
        self.process = subprocess.Popen([*command, *options], cwd=BASE)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)

    def stop(self) -> None:
        """Be down."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def mails(self) -> Counter[str]:
        """Count the mails that were taken, by person."""
        if not self.log.exists():
            return Counter()
        return Counter(self.log.read_text().split())

    def trace(self) -> list[tuple[str, float, int]]:
        """Return what happened and when, and how many connections were open at that moment."""
        lines = Path(f"{self.log}.trace").read_text().splitlines()
        return [(what, float(at), int(count)) for what, at, count in map(str.split, lines)]

    @property
    def most_connections(self) -> int:
        """The most connections that were open at once."""
        return max((count for _what, _at, count in self.trace()), default=0)

    @property
    def mail_times(self) -> list[float]:
        """When each mail was taken."""
        return [at for what, at, _count in self.trace() if what == "mail"]

    @property
    def longest_gap(self) -> float:
        """The longest time between two mails, in seconds."""
        return max((after - before for before, after in pairwise(self.mail_times)), default=0.0)


@pytest.fixture
def data_dir(request: pytest.FixtureRequest) -> Iterator[Path]:
    folder = BASE / "var" / "faults" / request.node.name.replace("[", "-").strip("]")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    yield folder
    if not request.session.testsfailed:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def cluster() -> Path:
    """A PostgreSQL cluster with a migrated database, made once; each test begins with a copy."""
    from config.runtime import embedded

    folder = BASE / "var" / "faults" / "migrated"
    shutil.rmtree(folder, ignore_errors=True)
    with embedded.services(folder):
        Product(folder).manage("migrate", "--verbosity", "0")
    return embedded.places(folder).home / "postgres"


@pytest.fixture
def recorder(data_dir: Path) -> Iterator[Recorder]:
    recorder = Recorder(data_dir / "mails.log")
    recorder.start()
    yield recorder
    recorder.stop()


@pytest.fixture
def run(data_dir: Path, cluster: Path) -> Run:
    """Run the product for the length of a block; settings as in its environment."""

    def start(*, sending: int = 2, **settings: str) -> AbstractContextManager[Product]:
        return Product(data_dir, **settings).running(sending=sending, cluster=cluster)

    return start
