"""A backup is one file that can be proven, restored, and read without Warta."""

import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.db import connection
from moto.server import ThreadedMotoServer

from accounts import tasks
from accounts.backups import clients, loading, places, sealed, taking
from accounts.backups.clients import BackupError
from accounts.models import Installation, SetAside, User
from tests.campaigns import makers
from tests.delivery import sending

PASSWORD = "kopi senja di Bandung"


def quiet(_words: str) -> None:
    pass


@pytest.fixture
def filled(transactional_db: None, settings: Any, tmp_path: Path) -> Iterator[Path]:
    """An installation with people, an uploaded file and a folder for backups."""
    from accounts.installation import watch
    from accounts.workspaces.workspaces import create

    settings.MEDIA_ROOT = tmp_path / "media"
    settings.DATA_DIR = tmp_path
    (tmp_path / "media" / "imports").mkdir(parents=True)
    (tmp_path / "media" / "imports" / "people.csv").write_text("a@b.example")
    owner = User.objects.create_user("owner@kopi.example")
    workspace = create(name="Kopi", owner=owner)
    sending.make_people(workspace, makers.make_list(workspace), 50)
    watch.look()
    yield tmp_path
    connection.close()


def test_what_was_taken_is_proven_and_a_changed_one_is_not(filled: Path, settings: Any) -> None:
    place = places.place(str(filled / "backups"))
    done = taking.take(place, say=quiet)
    proof = loading.verify(done["file"], say=quiet)
    assert proof["rows"] == done["rows"] > 50
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_database WHERE datname LIKE 'warta_drill_%'")
        assert cursor.fetchone() == (0,)
    with loading.opened(done["file"]) as found:
        found.manifest["rows"]["accounts_user"] += 1
        loading._make("warta_drill_of_test")
        try:
            loading._load(found, name="warta_drill_of_test")
            wrong = loading._differences(found, "warta_drill_of_test")
        finally:
            loading._drop("warta_drill_of_test")
    assert wrong == ["accounts_user has 1 rows instead of 2"]
    path = Path(done["file"])
    data = bytearray(path.read_bytes())
    middle = data.index(b"PGDMP") + 2_000  # in the dump itself
    data[middle] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(BackupError, match="damaged"):
        loading.verify(str(path), say=quiet)


def test_it_is_restored_with_its_files_and_then_nothing_is_sent(
    filled: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.BACKUP_PASSWORD = PASSWORD
    call_command("backup", str(filled / "backups"))
    name = places.place(str(filled / "backups")).names()[0]
    assert b"kopi" not in (filled / "backups" / name).read_bytes()
    User.objects.create_user("later@kopi.example")
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE newer (who bigint REFERENCES accounts_user)")
    (filled / "media" / "imports" / "people.csv").write_text("changed since")
    with pytest.raises(CommandError, match="--replace"):
        call_command("restore", str(filled / "backups"))
    with psycopg.connect(**_reach()), pytest.raises(CommandError, match="other connections"):
        call_command("restore", str(filled / "backups"), "--replace")
    settings.BACKUP_PASSWORD = "another password"
    with pytest.raises(CommandError, match="password is another"):
        call_command("restore", str(filled / "backups"), "--replace")
    assert User.objects.count() == 2
    settings.BACKUP_PASSWORD = PASSWORD
    call_command("restore", str(filled / "backups"), "--replace")
    assert list(User.objects.values_list("email", flat=True)) == ["owner@kopi.example"]
    assert "newer" not in connection.introspection.table_names()
    assert (filled / "media" / "imports" / "people.csv").read_text() == "a@b.example"
    assert Installation.objects.get().held_because == Installation.Because.RESTORED


def _reach() -> dict[str, Any]:
    found = connection.get_connection_params()
    return {name: found[name] for name in ("dbname", "user", "host") if name in found}


def test_only_the_newest_are_kept(filled: Path) -> None:
    place = places.place(str(filled / "backups"))
    for day in range(1, 5):
        (filled / "backups" / f"warta-2026110{day}-000000.tar").write_text("x")
    (filled / "backups" / "notes.txt").write_text("mine")
    done = taking.take(place, keep=2, say=quiet)
    assert len(done["deleted"]) == 3
    assert len(place.names()) == 2
    assert (filled / "backups" / "notes.txt").exists()


def test_one_is_taken_when_it_is_due(filled: Path, settings: Any) -> None:
    settings.BACKUP_TO, settings.BACKUP_EVERY = str(filled / "backups"), timedelta(hours=24)
    place = places.place(settings.BACKUP_TO)
    tasks.back_up()
    assert len(place.names()) == 1
    tasks.back_up()
    assert len(place.names()) == 1  # not due again
    name = place.names()[0]
    (filled / "backups" / name).rename(filled / "backups" / "warta-20200101-000000.tar")
    tasks.back_up()
    assert len(place.names()) == 2
    settings.BACKUP_PASSWORD = "short"
    settings.BACKUP_EVERY = timedelta(seconds=0.001)
    tasks.back_up()
    assert "too short" in SetAside.objects.get(kind="backup").reason


def test_a_backup_of_a_newer_warta_is_refused_in_words(filled: Path) -> None:
    place = places.place(str(filled / "backups"))
    done = taking.take(place, say=quiet)
    with loading.opened(done["file"]) as found:
        manifest = found.manifest | {
            "migrations": [*found.manifest["migrations"], "accounts.9999_x"]
        }
    with pytest.raises(BackupError, match=r"does not know accounts\.9999_x"):
        loading._refuse_newer(manifest)


def test_missing_programs_are_said_in_words() -> None:
    with pytest.raises(BackupError, match="postgresql-client-99"):
        clients.find(99)


@pytest.mark.parametrize("size", [0, 1, sealed.CHUNK - 1, sealed.CHUNK, sealed.CHUNK + 1])
def test_what_is_sealed_is_read_by_a_program_of_its_own(size: int, tmp_path: Path) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    path = tmp_path / "sealed"
    with path.open("wb") as target:
        sealed.seal(io.BytesIO(data[:size]), target, PASSWORD)
    with path.open("rb") as source:
        found = io.BytesIO()
        sealed.unseal(source, found, PASSWORD)
    assert found.getvalue() == data[:size]
    for damaged in (path.read_bytes()[:-1], path.read_bytes()[: -sealed.CHUNK // 2]):
        if damaged.startswith(sealed.MAGIC):
            (tmp_path / "damaged").write_bytes(damaged)
            with (tmp_path / "damaged").open("rb") as source, pytest.raises(sealed.SealError):
                sealed.unseal(source, io.BytesIO(), PASSWORD)


def test_a_file_cut_between_two_chunks_is_noticed(tmp_path: Path) -> None:
    whole = io.BytesIO()
    sealed.seal(io.BytesIO(b"x" * 2 * sealed.CHUNK), whole, PASSWORD)
    data = whole.getvalue()
    (tmp_path / "cut").write_bytes(data[: -(sealed.CHUNK + 16 + 4)])
    with (tmp_path / "cut").open("rb") as source, pytest.raises(sealed.SealError):
        sealed.unseal(source, io.BytesIO(), PASSWORD)


def test_the_module_needs_nothing_of_warta() -> None:
    code = f"import runpy; runpy.run_path({sealed.__file__!r})"
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd="/", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


DEBIAN = Path("/usr/lib/postgresql/15/bin")


@pytest.mark.skipif(not DEBIAN.is_dir(), reason="PostgreSQL 15 is not installed (postgresql-15)")
def test_from_the_embedded_server_to_an_older_one_and_back(filled: Path) -> None:
    """The embedded one is 18; Debian's own programs could not even dump it."""
    done = taking.take(places.place(str(filled / "backups")), say=quiet)
    as_user: list[str | Path] = (
        ["/usr/sbin/runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    )
    data = Path(tempfile.mkdtemp())
    if as_user:
        shutil.chown(data, "postgres")
    initdb: list[str | Path] = [*as_user, DEBIAN / "initdb", "--auth=trust", "--username=postgres"]
    subprocess.run([*initdb, "-D", data / "db"], check=True, capture_output=True)
    options = f"-c listen_addresses='' -c unix_socket_directories={data} -c fsync=off"
    control: list[str | Path] = [
        *as_user,
        DEBIAN / "pg_ctl",
        "-w",
        "-D",
        data / "db",
        "-l",
        data / "log",
    ]
    subprocess.run([*control, "-o", options, "start"], check=True, stdout=subprocess.DEVNULL)
    other = connection.copy("other")
    other.settings_dict = {**connection.settings_dict, "HOST": str(data), "USER": "postgres"}
    here = {**other.settings_dict, "NAME": "postgres"}
    try:
        subprocess.run(
            [DEBIAN / "createdb", other.settings_dict["NAME"]], env=clients.where(here), check=True
        )
        with loading.opened(done["file"]) as found:
            before = connection.settings_dict
            connection.close()
            connection.settings_dict = other.settings_dict
            try:
                loading._load(found)
                with connection.cursor() as cursor:
                    assert taking.count_rows(cursor) == found.manifest["rows"]
                assert clients.server_major() == 15
                back = taking.take(places.place(str(filled / "back")), say=quiet)
            finally:
                connection.close()
                connection.settings_dict = before
        assert back["postgresql"] == 15
        assert loading.verify(back["file"], say=quiet)["rows"] == back["rows"] == done["rows"]
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=True, capture_output=True)
        shutil.rmtree(data)


@pytest.fixture
def storage() -> Iterator[str]:
    """Run a server that speaks S3."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def test_storage_that_speaks_s3(
    filled: Path, settings: Any, monkeypatch: pytest.MonkeyPatch, storage: str
) -> None:
    import boto3  # type: ignore[import-untyped]

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    settings.BACKUP_S3_ENDPOINT = storage
    boto3.client("s3", endpoint_url=storage).create_bucket(Bucket="backups")
    place = places.place("s3://backups/kopi")
    first = taking.take(place, say=quiet)
    assert first["file"].startswith("s3://backups/kopi/warta-")
    assert loading.verify(first["file"], say=quiet)["rows"] == first["rows"]
    boto3.client("s3", endpoint_url=storage).put_object(
        Bucket="backups", Key="kopi/warta-20200101-000000.tar", Body=b"x"
    )
    assert place.keep(1) == ["warta-20200101-000000.tar"]
    assert place.names() == [first["file"].rpartition("/")[2]]
    with pytest.raises(BackupError, match="s3://nowhere"):
        taking.take(places.place("s3://nowhere/x"), say=quiet)


def test_json_is_one_object(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("backup", str(filled / "backups"), "--verify", "--json")
    found = json.loads(capsys.readouterr().out)
    assert found["verified"]["rows"] == found["rows"]
    assert django_settings.MEDIA_ROOT
