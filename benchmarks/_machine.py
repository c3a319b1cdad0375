"""What the benchmarks of sending measure with: a sink, CPU time and memory of processes."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SINK = "/usr/sbin/smtp-sink"
SOURCE = "/usr/sbin/smtp-source"
TICKS = os.sysconf("SC_CLK_TCK")


def figure(name: str, value: float, unit: str) -> None:
    """Print one figure."""
    sys.stdout.write(json.dumps({"name": name, "value": round(value, 3), "unit": unit}) + "\n")
    sys.stdout.flush()


@contextmanager
def sink() -> Iterator[int]:
    """Run Postfix's smtp-sink, which accepts everything, and return its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    process = subprocess.Popen([SINK, *user, f"127.0.0.1:{port}", "200"])  # noqa: S603 - our own words
    try:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield port
    finally:
        process.kill()
        process.wait()


def smtp_source(port: int, *, messages: int, size: int) -> float:
    """Return how many messages a second Postfix's smtp-source brings to the same sink."""
    started = time.perf_counter()
    subprocess.run(  # noqa: S603 - our own words
        [SOURCE, "-d", "-s", "10", "-l", str(size), "-m", str(messages), f"127.0.0.1:{port}"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return messages / (time.perf_counter() - started)


def tree(pid: int) -> list[int]:
    """Return a process and its living descendants."""
    return [pid, *(member for child in children(pid) for member in tree(child))]


def children(pid: int) -> list[int]:
    """Return a process's living children."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*"):
        try:
            found += [int(word) for word in (task / "children").read_text().split()]
        except OSError:
            continue
    return found


def command(pid: int) -> str:
    """Return a process's command line."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def megabytes(pid: int) -> float:
    """Return the memory that a process and its descendants have of their own, and their shares."""
    total = 0
    for member in tree(pid):
        try:
            lines = Path(f"/proc/{member}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process, its living descendants and those it has waited for."""
    total = 0
    for member in tree(pid):
        try:
            words = Path(f"/proc/{member}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        total += sum(int(word) for word in words[11:15])
    return total / TICKS


def peak_megabytes(pid: int) -> float:
    """Return the most memory a process has had in RAM at once."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0.0


def postmaster(data_dir: Path) -> int:
    """Return the process id of an installation's PostgreSQL."""
    from config.runtime import embedded

    home = embedded.places(data_dir).home
    return int((home / "postgres" / "postmaster.pid").read_text().split()[0])


def valkey(data_dir: Path) -> int:
    """Return the process id of an installation's Valkey."""
    from config.runtime import embedded

    return int((embedded.places(data_dir).home / "valkey" / "valkey.pid").read_text())
