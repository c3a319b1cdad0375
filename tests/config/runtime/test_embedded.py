"""The embedded services: one supervisor each, last user out, nothing lost, nothing left."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from config import broker
from config.runtime import embedded

USER = """
import sys, time
from pathlib import Path
from config.runtime import embedded
with embedded.services(Path(sys.argv[1]), durable=False):
    print("up", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def pids(data_dir: Path) -> list[int]:
    """Return the processes whose command line names the folder or that work in it."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            here = str(data_dir).encode() in (entry / "cmdline").read_bytes()
            here |= str((entry / "cwd").readlink()).startswith(str(data_dir))
        except OSError:
            continue
        if here and int(entry.name) != os.getpid():
            found.append(int(entry.name))
    return found


def wait_until_empty(data_dir: Path) -> list[int]:
    deadline = time.monotonic() + 300
    while (left := pids(data_dir)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def connect(data_dir: Path) -> psycopg.Connection:
    where = embedded.database_settings(data_dir)
    return psycopg.connect(
        host=where["HOST"], user=where["USER"], dbname=where["NAME"], autocommit=True
    )


def start_user(data_dir: Path, seconds: float) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", USER, str(data_dir), str(seconds)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(embedded.__file__).parent.parent.parent,
    )


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    # A path with spaces, an apostrophe, a comma, and a folder that only its owner may enter.
    folder = tmp_path / "Sari's files, 2026"
    folder.mkdir(mode=0o700)
    yield folder / "var"
    place = embedded.places(folder / "var")
    for path in (place.home, place.sockets):
        if not path.is_relative_to(tmp_path):
            shutil.rmtree(path, ignore_errors=True)


def test_data_stays_between_starts_and_nothing_stays_running(data_dir: Path) -> None:
    with embedded.services(data_dir, durable=False), connect(data_dir) as database:
        database.execute("CREATE TABLE cup (size int)")
        database.execute("INSERT INTO cup VALUES (3)")
    assert wait_until_empty(data_dir) == []
    with embedded.services(data_dir, durable=False), connect(data_dir) as database:
        assert database.execute("SELECT size FROM cup").fetchall() == [(3,)]


def test_valkey_keeps_what_it_was_told_through_a_kill(data_dir: Path) -> None:
    with embedded.services(data_dir, wanted=[embedded.VALKEY]):
        with redis.from_url(embedded.redis_url(data_dir)) as client:
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
            assert client.config_get("appendfsync") == {"appendfsync": "everysec"}
            client.set("cup", "full")
            pid = client.info("server")["process_id"]
        os.kill(pid, signal.SIGKILL)
        retry = Retry(ConstantBackoff(0.05), 200, supported_errors=(redis.ConnectionError,))
        with redis.from_url(embedded.redis_url(data_dir), retry=retry) as client:
            assert client.get("cup") == b"full"
            assert client.info("server")["process_id"] != pid


def test_the_last_user_stops_the_services_whoever_started_them(data_dir: Path) -> None:
    first = start_user(data_dir, 60)
    assert first.stdout is not None
    assert first.stdout.readline() == "up\n"
    with embedded.services(data_dir, durable=False):
        first.kill()
        first.communicate()
        time.sleep(0.5)
        with connect(data_dir) as database:
            assert database.execute("SELECT 1").fetchone() == (1,)
    assert wait_until_empty(data_dir) == []


def test_two_users_may_start_at_once(data_dir: Path) -> None:
    users = [start_user(data_dir, 0.5) for _ in range(4)]
    assert [user.communicate(timeout=600)[0] for user in users] == ["up\n"] * 4
    assert [user.returncode for user in users] == [0] * 4
    assert wait_until_empty(data_dir) == []


def test_killing_everything_leaves_a_start_that_works(data_dir: Path) -> None:
    user = start_user(data_dir, 60)
    assert user.stdout is not None
    assert user.stdout.readline() == "up\n"
    with connect(data_dir) as database:
        database.execute("CREATE TABLE cup (size int)")
    for pid in pids(data_dir):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    user.communicate()
    assert wait_until_empty(data_dir) == []  # SIGKILL takes a moment
    with embedded.services(data_dir, durable=False), connect(data_dir) as database:
        assert database.execute("SELECT count(*) FROM cup").fetchone() == (0,)


def test_a_pid_file_with_a_strangers_number_is_no_obstacle(data_dir: Path) -> None:
    with embedded.services(data_dir, durable=False) as place:
        postgres = place.home / "postgres"
        words = (postgres / "postmaster.pid").read_text().splitlines()
    words[0] = str(os.getpid())
    (postgres / "postmaster.pid").write_text("\n".join(words))
    with embedded.services(data_dir, durable=False), connect(data_dir) as database:
        assert database.execute("SELECT 1").fetchone() == (1,)


def test_saying_where_the_services_lie_changes_nothing(tmp_path: Path) -> None:
    embedded.database_settings(tmp_path / "var")
    embedded.redis_url(tmp_path / "var")
    assert list(tmp_path.iterdir()) == []


def test_socket_paths_fit_into_the_kernels_limit(tmp_path: Path) -> None:
    place = embedded.places(tmp_path / ("deep/" * 30) / "var")
    longest = max(len(str(place.socket(name))) for name in embedded.SOCKETS) + len(".lock")
    assert longest <= 107


def test_two_checkouts_do_not_share_sockets(tmp_path: Path) -> None:
    one, two = (embedded.places(tmp_path / name / "var") for name in ("a b", "a c"))
    assert one.sockets != two.sockets


def test_a_data_dir_that_cannot_be_written_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(embedded.EmbeddedError, match=r"DATA_DIR .*file/var cannot be written"):
        embedded.services(tmp_path / "file" / "var").__enter__()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("redis://user:pass@host:6379/2", "redis://user:pass@host:6379/2"),
        ("unix:///var/run/v.sock", "redis+socket:///var/run/v.sock?virtual_host=0"),
        ("unix:///a%20b/v.sock?db=3", "redis+socket:///a%20b/v.sock?virtual_host=3"),
    ],
)
def test_celery_gets_its_own_spelling_of_the_redis_url(given: str, expected: str) -> None:
    assert broker.url(given) == expected
