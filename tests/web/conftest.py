"""A web server process on the test's own database."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

ROOT = Path(__file__).parents[2]
START_SECONDS = 60.0
ESTABLISHED = "01"  # in /proc/net/tcp


@dataclass(frozen=True, kw_only=True)
class Served:
    """A running ``python -m config.server.web``."""

    port: int
    process: "subprocess.Popen[bytes]"
    temporary: Path

    def connect(self, *, receive_buffer: int = 0) -> socket.socket:
        """Open a connection; a small buffer makes a slow reader felt at once."""
        visitor = socket.socket()
        if receive_buffer:
            visitor.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        visitor.settimeout(60)
        visitor.connect(("127.0.0.1", self.port))
        return visitor

    def ask(self, head: str, body: bytes = b"") -> bytes:
        """Send one request with ``Connection: close`` and return all that is answered."""
        with closing(self.connect()) as visitor:
            with suppress(OSError):  # refused before all of it was sent
                visitor.sendall(self.head(head, "Connection: close").encode() + body)
            return read_all(visitor)

    def head(self, first: str, *more: str) -> str:
        """Return a request's head: its first line, Host, and more lines."""
        return "\r\n".join([first, f"Host: 127.0.0.1:{self.port}", *more, "", ""])

    def visitors(self) -> int:
        """Count the connections that the server has open."""
        rows = Path("/proc/net/tcp").read_text().splitlines()[1:]
        ends = [row.split()[1:4] for row in rows]
        port = f":{self.port:04X}"
        return sum(here.endswith(port) and state == ESTABLISHED for here, _there, state in ends)


def read_all(visitor: socket.socket) -> bytes:
    """Read until the other side closes, however it does."""
    answer = b""
    with suppress(ConnectionError):
        while chunk := visitor.recv(65_536):
            answer += chunk
    return answer


def cookie_of(client: Client) -> str:
    """Return the header that makes a visitor the one who is signed in here."""
    name = settings.SESSION_COOKIE_NAME
    return f"Cookie: {name}={client.cookies[name].value}"


def _database_url() -> str:
    values = connection.settings_dict
    if values.get("HOST", "").startswith("/"):
        return f"postgres://{values['USER']}@/{values['NAME']}?host={quote(values['HOST'])}"
    user = f"{values['USER']}:{quote(values['PASSWORD'], safe='')}"
    return f"postgres://{user}@{values['HOST']}:{values['PORT'] or 5432}/{values['NAME']}"


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DATA_DIR with the static files that pages name."""
    folder = tmp_path_factory.mktemp("var")
    subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity=0"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "DATA_DIR": str(folder)},
        check=True,
    )
    return folder


@pytest.fixture
def served(transactional_db: None, tmp_path: Path, data_dir: Path) -> Iterator[Served]:
    """The web server, answering."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environment = {
        "PATH": os.environ["PATH"],
        "PORT": str(port),
        "DATA_DIR": str(data_dir),
        "DATABASE_URL": _database_url(),
        "REDIS_URL": settings.REDIS_URL,
        "SECRET_KEY": settings.SECRET_KEY,
        "SITE_URL": settings.SITE_URL,
        "ALLOWED_HOSTS": "*",
        "TMPDIR": str(tmp_path),
    }
    log = tmp_path / "web.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "config.server.web"],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=output,
        )
    try:
        until = time.monotonic() + START_SECONDS
        while True:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.05)
        yield Served(port=port, process=process, temporary=tmp_path)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        sys.stdout.write(log.read_text())  # shown with a test that fails
