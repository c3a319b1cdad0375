"""A refused upload leaves no file, and a damaged one no error of ours."""

import io
import os
import time
import zipfile
from pathlib import Path

import pytest
from django.conf import settings as configured
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

import config.celery  # noqa: F401 - its tasks know of commits
from accounts.models import Workspace
from subscribers import tasks
from subscribers.imports import files
from subscribers.models import Import, MailingList, ToolMigration

ROWS = b"email\ndewi@example.org\nbudi@example.org\n" * 50


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path


def kept() -> list[Path]:
    return sorted(files.folder().iterdir())


def archive(name: str = "a.csv", content: bytes = ROWS, *, method: int = zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as made:
        made.writestr(name, content)
    return buffer.getvalue()


def damaged() -> dict[str, bytes]:
    """Return archives that lie, each in another way."""
    whole = archive()
    start = whole.index(b"a.csv") + 5
    flipped = bytearray(whole)
    for place in range(start, start + 8):
        flipped[place] ^= 0xFF
    sizes = bytearray(whole)
    central = whole.index(b"PK\x01\x02")
    sizes[central + 24 : central + 28] = b"\xff\xff\xff\x7f"  # what it unpacks to
    method = bytearray(whole)
    method[central + 10 : central + 12] = b"\x63\x00"
    locked = bytearray(whole)
    locked[central + 8] |= 1
    offset = bytearray(whole)
    offset[central + 42 : central + 46] = b"\xff\xff\xff\x7f"
    return {
        "data": bytes(flipped),
        "sizes": bytes(sizes),
        "method": bytes(method),
        "password": bytes(locked),
        "offset": bytes(offset),
        "cut": whole[: len(whole) // 2],
        "end alone": b"PK\x03\x04" + b"\0" * 40,
        "lzma": archive(method=zipfile.ZIP_LZMA)[:-60] + whole[-60:],
        "no csv": archive("a.txt"),
        "empty": archive(content=b""),
        "binary": archive(content=bytes(range(256)) * 20),
        "nothing": b"",
        "NULs": b"\0" * 500,
        "one quote": b'"' * 5000,
    }


CASES = damaged()


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("called", ["a.zip", "a.xlsx", "a.csv"])
def test_imports_refuse_what_is_damaged(owner_client: Client, name: str, called: str) -> None:
    upload = SimpleUploadedFile(called, CASES[name])
    answer = owner_client.post("/subscribers/import/", {"file": upload})
    assert answer.status_code in (302, 422)
    if answer.status_code == 422:
        assert kept() == []
        assert not Import.objects.exists()


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("source", ["mailchimp", "listmonk", "mautic", "suppressions"])
def test_moves_refuse_what_is_damaged(
    owner_client: Client, workspace: Workspace, name: str, source: str
) -> None:
    upload = SimpleUploadedFile("a.zip", CASES[name])
    answer = owner_client.post(
        f"/subscribers/migrate/new/?from={source}",
        {"uploads": upload, "new_list": "Baru", "statement": "Yes", "reason": "imported"},
    )
    assert answer.status_code in (302, 422)
    if not ToolMigration.objects.exists():
        assert kept() == []
        assert not MailingList.objects.filter(workspace=workspace, name="Baru").exists()


def test_an_upload_that_breaks_off_leaves_nothing() -> None:
    def broken():
        yield b"email\n"
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        files.store(broken())
    assert kept() == []


def test_files_that_nothing_names_go_after_a_day(owner_client: Client) -> None:
    owner_client.post("/subscribers/import/", {"file": SimpleUploadedFile("a.csv", ROWS)})
    named = Path(Import.objects.get().path)
    young, old = files.new_path(".csv"), files.new_path(".report.csv")
    other = files.folder() / "README"
    for path in (young, old, other):
        path.write_bytes(b"x")
    day = time.time() - 2 * 86_400
    for path in (named, old, other):
        os.utime(path, (day, day))
    tasks.forget_old_import_files()
    assert kept() == sorted([named, young, other])
    assert str(configured.DATA_DIR) in str(named)
