"""Where backups lie: a folder, or S3-compatible storage (``s3://bucket/prefix``)."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from accounts.backups.clients import BackupError

BEGINNING = "warta-"
ENDINGS = (".tar", ".tar.sealed")


@dataclass(frozen=True, kw_only=True)
class BackupPlace:
    """A folder, or a bucket with a prefix; names sort by time."""

    folder: Path | None = None
    bucket: str = ""
    prefix: str = ""

    @property
    def words(self) -> str:
        """Return where it is, for people."""
        return str(self.folder) if self.folder else f"s3://{self.bucket}/{self.prefix}"

    def put(self, file: Path) -> str:
        """Bring a finished file here and return where it lies.

        Raises:
            BackupError: it can't be brought here.
        """
        if self.folder is not None:
            target = self.folder / file.name
            file.replace(target)
            return str(target)
        key = f"{self.prefix}{file.name}"
        self._ask(lambda client: client.upload_file(str(file), self.bucket, key))
        return f"s3://{self.bucket}/{key}"

    def names(self) -> list[str]:
        """Return the backups here, oldest first."""
        if self.folder is not None:
            found = [path.name for path in self.folder.iterdir()] if self.folder.is_dir() else []
        else:
            found = self._ask(self._list)
        return sorted(name for name in found if _is_backup(name))

    def keep(self, most: int) -> list[str]:
        """Delete all but the newest; returns the names that went."""
        old = self.names()[:-most] if most > 0 else []
        for name in old:
            if self.folder is not None:
                (self.folder / name).unlink(missing_ok=True)
            else:
                key = f"{self.prefix}{name}"
                self._ask(partial(_delete, bucket=self.bucket, key=key))
        return old

    def fetch(self, name: str, into: Path) -> Path:
        """Return a backup as a file of this machine."""
        if self.folder is not None:
            return self.folder / name
        target = into / name
        key = f"{self.prefix}{name}"
        self._ask(lambda client: client.download_file(self.bucket, key, str(target)))
        return target

    def _list(self, client: Any) -> list[str]:
        pages = client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=self.prefix
        )
        keys = [row["Key"] for page in pages for row in page.get("Contents", [])]
        return [key.removeprefix(self.prefix) for key in keys]

    def _ask(self, question: Callable[[Any], Any]) -> Any:
        import boto3  # type: ignore[import-untyped]
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError

        endpoint = settings.BACKUP_S3_ENDPOINT or None
        # Other storage than Amazon's knows neither its newer checksums nor buckets in host names.
        config = Config(
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"addressing_style": "path"} if endpoint else {},
        )
        client = boto3.client("s3", endpoint_url=endpoint, config=config)
        try:
            return question(client)
        except (BotoCoreError, ClientError, boto3.exceptions.Boto3Error) as error:
            raise BackupError(f"The storage {self.words} does not do that: {error}") from error
        finally:
            client.close()


def place(given: str) -> BackupPlace:
    """Read where backups are to lie.

    Raises:
        BackupError: it is neither a folder nor ``s3://bucket/prefix``.
    """
    if given.startswith("s3://"):
        parts = urlsplit(given)
        if not parts.netloc:
            raise BackupError("Write it as s3://bucket/prefix.")
        prefix = parts.path.strip("/")
        return BackupPlace(bucket=parts.netloc, prefix=f"{prefix}/" if prefix else "")
    folder = Path(given).expanduser().absolute()
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not folder.is_dir():
        raise BackupError(f"{folder} is not a folder.")
    return BackupPlace(folder=folder)


def find(given: str, into: Path) -> Path:
    """Return a backup, named by its path or address, as a file of this machine.

    Raises:
        BackupError: there is none.
    """
    if given.startswith("s3://"):
        beginning, _, name = given.rpartition("/")
        return place(beginning).fetch(name, into)
    path = Path(given).expanduser()
    if path.is_dir():
        names = BackupPlace(folder=path).names()
        if not names:
            raise BackupError(f"There is no backup in {path}.")
        return path / names[-1]
    if not path.is_file():
        raise BackupError(f"There is no file {path}.")
    return path


def _delete(client: Any, *, bucket: str, key: str) -> None:
    client.delete_object(Bucket=bucket, Key=key)


def _is_backup(name: str) -> bool:
    return name.startswith(BEGINNING) and name.endswith(ENDINGS) and "/" not in name
