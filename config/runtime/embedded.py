"""The embedded PostgreSQL and Valkey: where they lie, and who keeps them running.

Without DATABASE_URL and REDIS_URL both come from installed wheels and run for as long as somebody
uses them. A user is any process inside `services()`; it holds a shared lock that the kernel drops
when the process ends, however it ends. A small process for each (`service_supervisor`) starts the
server and stops it when the last user is gone. So two commands may start at once, any of them
may end first, and a killed one leaves nothing behind.
"""

import fcntl
import hashlib
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote

POSTGRES = "postgres"
VALKEY = "valkey"
SOCKETS = {POSTGRES: ".s.PGSQL.5432", VALKEY: "valkey.sock"}
START_SECONDS = 120.0  # crash recovery of a large database takes its time
STOP_SECONDS = 70.0
HURRIED_SECONDS = 0.3  # whoever was interrupted lets the supervisor stop its server alone
PRIVATE_HOMES = Path("/var/lib/warta")
ELSEWHERE = "elsewhere"
# The kernel allows 107 bytes; PostgreSQL needs 13 of them for the name of its lock file.
LONGEST_SOCKET_DIR = 107 - len("/.s.PGSQL.5432.lock")
PLAIN_PATH = re.compile(r"[A-Za-z0-9._/+-]+")


class EmbeddedError(Exception):
    """An embedded service could not be started; the message says why in one sentence."""


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where the embedded services of one DATA_DIR keep their data and their sockets."""

    data_dir: Path
    home: Path
    sockets: Path

    def socket(self, service: str) -> Path:
        """Return the path of a service's socket."""
        return self.sockets / SOCKETS[service]

    def lock(self, service: str, name: str) -> Path:
        """Return the path of one of a service's lock files."""
        return self.data_dir / "locks" / f"{service}.{name}"


def open_to_others(path: Path) -> bool:
    """Say whether any user of the machine may pass through ``path`` and the folders above it.

    A folder that does not exist yet counts as open: we make it so.
    """
    for folder in (path, *path.parents):
        with suppress(FileNotFoundError, NotADirectoryError):
            if not folder.stat().st_mode & 0o001:
                return False
    return True


def places(data_dir: Path) -> Places:
    """Say where the services of ``data_dir`` lie. Reads a few folders' modes, changes nothing.

    PostgreSQL refuses to run as root, so for root the services run as another user. Where that user
    cannot enter ``data_dir`` (a checkout below a private home folder), their data lies below
    /var/lib/warta instead, and the link ``data_dir/elsewhere`` says so from then on.
    """
    data_dir = Path(os.path.realpath(data_dir))
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    link = data_dir / ELSEWHERE
    home = data_dir
    if link.is_symlink():
        home = Path(os.path.realpath(link))
    elif os.geteuid() == 0 and not open_to_others(data_dir):
        home = PRIVATE_HOMES / digest
    sockets = home / "run"
    path = str(sockets)
    if len(path) > LONGEST_SOCKET_DIR or not PLAIN_PATH.fullmatch(path):
        sockets = Path("/tmp") / f"warta-{digest}"  # noqa: S108 - made 0700 and its owner checked
    return Places(data_dir=data_dir, home=home, sockets=sockets)


def database_settings(data_dir: Path) -> dict[str, str]:
    """Return Django's database settings for the embedded PostgreSQL under ``data_dir``."""
    return {"NAME": "warta", "USER": "postgres", "HOST": str(places(data_dir).sockets)}


def redis_url(data_dir: Path) -> str:
    """Return the URL of the embedded Valkey under ``data_dir``."""
    return f"unix://{quote(str(places(data_dir).socket(VALKEY)))}"


def is_up(place: Places, service: str) -> bool:
    """Say whether something accepts connections on the service's socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(place.socket(service)))
        except OSError:
            return False
    return True


@contextmanager
def services(
    data_dir: Path, *, wanted: Sequence[str] = (POSTGRES, VALKEY), durable: bool = True
) -> Iterator[Places]:
    """Keep the embedded services running for the length of the block.

    What is not running is started (at once, if several are wanted); the last user's leaving stops
    it. ``durable=False`` trades safety against a power cut for speed and is for tests.

    Raises:
        EmbeddedError: a service did not start.
    """
    place = places(data_dir)
    try:
        (place.data_dir / "locks").mkdir(mode=0o711, parents=True, exist_ok=True)
        (place.data_dir / "log").mkdir(mode=0o711, exist_ok=True)
    except OSError as error:
        raise EmbeddedError(
            f"DATA_DIR {place.data_dir} cannot be written: {error.strerror}."
        ) from error
    with ExitStack() as stack:
        for service in wanted:
            stack.enter_context(_use(place, service, durable=durable))
        for service in wanted:
            _ensure_up(place, service, durable=durable)
        yield place


@contextmanager
def _use(place: Places, service: str, *, durable: bool) -> Iterator[None]:
    """Be a user of one service: start its supervisor if there is none; the last one waits."""
    with _open_lock(place.lock(service, "users")) as users:
        # Waits while a service supervisor that found no users is stopping its server.
        fcntl.flock(users, fcntl.LOCK_SH)
        patience = STOP_SECONDS
        try:
            _ensure_supervisor(place, service, durable=durable)
            yield
        except KeyboardInterrupt:
            patience = HURRIED_SECONDS
            raise
        finally:
            last = _try_lock(users, fcntl.LOCK_EX) or not _try_lock(users, fcntl.LOCK_SH)
            fcntl.flock(users, fcntl.LOCK_UN)
            if last:
                _wait_until_gone(place, service, seconds=patience)


def _open_lock(path: Path) -> IO[bytes]:
    try:
        return path.open("ab")
    except OSError as error:
        raise EmbeddedError(
            f"The embedded services of {path.parent.parent} belong to another user "
            f"({error.strerror}: {path}); use that user or another DATA_DIR."
        ) from error


def _try_lock(file: IO[bytes], operation: int) -> bool:
    try:
        fcntl.flock(file, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _supervisor_lives(place: Places, service: str) -> bool:
    with _open_lock(place.lock(service, "keeper")) as supervisor:
        return not _try_lock(supervisor, fcntl.LOCK_EX)


def _ensure_supervisor(place: Places, service: str, *, durable: bool) -> None:
    with _open_lock(place.lock(service, "start")) as start:
        fcntl.flock(start, fcntl.LOCK_EX)
        if not _supervisor_lives(place, service):
            _start_supervisor(place, service, durable=durable)


def _start_supervisor(place: Places, service: str, *, durable: bool) -> None:
    log = place.data_dir / "log" / f"{service}.log"
    command = [
        sys.executable,
        "-m",
        "config.runtime.service_supervisor",
        service,
        str(place.data_dir),
    ]
    with log.open("ab") as errors:
        supervisor = subprocess.Popen(  # noqa: S603 - our own module
            command if durable else [*command, "--fast"],
            cwd=Path(__file__).parent.parent.parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,  # Ctrl-C is for the users; it goes after the last one
        )
    assert supervisor.stdout is not None  # noqa: S101 - for the type checker
    try:
        with supervisor.stdout as answer:
            line = answer.readline()
    except KeyboardInterrupt:
        supervisor.terminate()  # what it was making goes with it, and is made anew
        raise
    if not line:
        raise EmbeddedError(f"The embedded {service} did not start; its log is {log}.")
    reason = json.loads(line)["error"]
    if reason:
        raise EmbeddedError(reason)
    # Our child, but not ours to wait for: it may outlive us.
    supervisor.returncode = 0


def _ensure_up(place: Places, service: str, *, durable: bool) -> None:
    """Wait for the service; if its supervisor was being killed when we looked, start another."""
    deadline = time.monotonic() + START_SECONDS
    while not (is_up(place, service) and _supervisor_lives(place, service)):
        _ensure_supervisor(place, service, durable=durable)
        if time.monotonic() > deadline:
            log = place.data_dir / "log" / f"{service}.log"
            raise EmbeddedError(f"The embedded {service} does not answer; its log is {log}.")
        time.sleep(0.02)


def _wait_until_gone(place: Places, service: str, *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while _supervisor_lives(place, service) and time.monotonic() < deadline:
        time.sleep(0.02)
