"""Files of pictures: put away under their names, read, and deleted. On disk or in S3."""

from contextlib import suppress
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import storages

from campaigns.media import names


class NotStoredError(Exception):
    """The storage does not take or give files now: a full disk, S3 that does not answer."""


def place(file: str) -> str:
    """Return where a file lies in the storage: never more than a few thousand in a folder."""
    return f"{file[:2]}/{file}"


def put(file: str, content: bytes) -> None:
    """Store a file under its name; one that is there holds the same.

    Raises:
        NotStoredError: the storage does not take it.
    """
    storage = _storage()
    try:
        if storage.exists(place(file)):
            return
        saved = storage.save(place(file), ContentFile(content, name=file))
        if saved != place(file):  # somebody stored the same at the same moment
            storage.delete(saved)
    except _failures() as error:
        raise NotStoredError from error


def read(file: str) -> bytes | None:
    """Return a file's content; None: there is none of this name.

    Raises:
        NotStoredError: the storage does not answer.
    """
    if not names.FILE.fullmatch(file):
        return None
    try:
        with _storage().open(place(file)) as opened:
            return bytes(opened.read())
    except FileNotFoundError:
        return None
    except _failures() as error:
        raise NotStoredError from error


def delete(*files: str) -> None:
    """Delete files; it is fine if they are gone, and what can't be deleted now stays."""
    for file in files:
        with suppress(*_failures()):
            _storage().delete(place(file))


def _storage() -> Any:
    return storages["pictures"]


def _failures() -> tuple[type[Exception], ...]:
    from botocore.exceptions import BotoCoreError, ClientError

    return (OSError, BotoCoreError, ClientError)
