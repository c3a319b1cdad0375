"""What cannot work is said in one sentence on stderr, with a code that is not zero."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.runtime.conftest import ROOT, clean_environment, free_port


def run(tmp_path: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    settings = {"DATA_DIR": str(tmp_path / "var"), "PORT": str(free_port()), **environment}
    return subprocess.run(
        [sys.executable, "-m", "config.run"],
        cwd=ROOT,
        env=clean_environment(**settings),
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("WORKERS", "abc", "WORKERS has a wrong value: 'abc' is not a whole number"),
        ("DATABASE_URL", "mysql://u:s3cret@h/x", "DATABASE_URL has a wrong value: it must look"),
        ("HOST", "no such host", "HOST has a wrong value: 'no such host' is not an address."),
        (
            "DATABASE_URL",
            "postgresql://u:s3cret@127.0.0.1:1/x",
            "The PostgreSQL of DATABASE_URL (127.0.0.1:1) cannot be used: Connection refused.",
        ),
        ("SECRET_KEY", "a", "SECRET_KEY can be guessed, and who knows it can sign in as anybody"),
        ("SECRET_KEY", "0123456789" * 5, "SECRET_KEY can be guessed"),
        ("SECRET_KEY_FILE", "/no/such/file", "SECRET_KEY_FILE cannot be read: No such file"),
    ],
)
def test_a_wrong_variable(tmp_path: Path, name: str, value: str, sentence: str) -> None:
    done = run(tmp_path, **{name: value})
    assert done.returncode == 1
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "s3cret" not in done.stderr + done.stdout
    # Whether a server answers is found out last, when the embedded one beside it runs.
    assert done.stdout == "" or "Connection refused" in sentence


def test_a_redis_that_is_not_there(tmp_path: Path) -> None:
    done = run(tmp_path, REDIS_URL="redis://:s3cret@127.0.0.1:1/0", DEMO="false")
    assert done.returncode == 1
    assert done.stderr.startswith("Warta cannot start. The Redis of REDIS_URL cannot be used: ")
    assert "s3cret" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = run(tmp_path, PORT=str(port))
    assert done.returncode == 1
    assert done.stderr == (
        f"Warta cannot start. Port {port} on 127.0.0.1 cannot be used (Address already in use): "
        "stop what runs there, or choose another one with PORT=…\n"
    )


def test_a_data_dir_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run(tmp_path, DATA_DIR=str(tmp_path / "file" / "var"))
    assert done.returncode == 1
    assert "cannot be used: Not a directory" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk takes root")
def test_a_full_disk(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["/usr/bin/mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)],
        check=False,
        capture_output=True,
    )
    if mounted.returncode:
        pytest.skip("this machine does not let us mount")
    try:
        done = run(tmp_path, DATA_DIR=str(disk / "var"))
    finally:
        subprocess.run(["/usr/bin/umount", str(disk)], check=True)
    assert done.returncode == 1
    assert f"The disk of DATA_DIR {disk / 'var'} is full" in done.stderr
