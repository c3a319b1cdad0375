"""Hits in a file of this machine, while Redis is away: appended, read in order, gone when sent.

A file belongs to the process that writes it, which holds its lock; whoever finds one without an
owner (its process was killed) sends it on. What a killed process had not written to the end was
not answered either, and is left out. A record is a line ``number count bytes`` and the lines.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SUFFIX = ".hits"
MOST_BYTES = 1_000_000_000  # of all files of a folder: some seven million hits
LARGEST_RECORD = 4_000_000


@dataclass(frozen=True, slots=True)
class Batch:
    """Some hits of an origin; ``number``: how many it had written before."""

    number: int
    count: int
    lines: bytes


class FullError(Exception):
    """There is no room left for hits."""


class Spool:
    """One origin's file. The file exists only while something stands in it."""

    def __init__(self, folder: Path, origin: str) -> None:
        self.path = folder / f"{origin}{SUFFIX}"
        self._file: int | None = None
        self._size = 0
        self._room = 0

    def __bool__(self) -> bool:
        return self._file is not None

    def append(self, batch: Batch, *, is_durable: bool = False) -> None:
        """Write one more; it survives the end of this process, with ``is_durable`` the machine's.

        Raises:
            FullError: the folder holds as much as it may.
            OSError: the disk is full or away. Nothing of it counts as written.
        """
        record = b"%d %d %d\n%s\n" % (batch.number, batch.count, len(batch.lines), batch.lines)
        if self._file is None:
            self._open()
        assert self._file is not None  # noqa: S101 - for the type checker
        if self._size + len(record) > self._room:
            raise FullError
        try:
            view = memoryview(record)
            while view:
                view = view[os.write(self._file, view) :]
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._file, self._size)
            raise
        self._size += len(record)
        if is_durable:
            os.fdatasync(self._file)

    def _open(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._room = MOST_BYTES - sum(
            one.stat().st_size for one in self.path.parent.glob(f"*{SUFFIX}")
        )
        # Under its own name only when it is locked: what has no owner is taken away by others.
        begun = self.path.with_suffix(".begun")
        self._file = os.open(begun, os.O_CREAT | os.O_RDWR | os.O_APPEND | os.O_TRUNC, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        begun.rename(self.path)
        self._size = 0

    @property
    def size(self) -> int:
        """How many bytes stand in it."""
        return self._size

    def clear(self) -> None:
        """Forget everything: it was sent on."""
        if self._file is not None:
            self.path.unlink(missing_ok=True)
            os.close(self._file)
            self._file = None
            self._size = 0


def read(path: Path, *, since: int = 0) -> Iterator[tuple[int, Batch]]:
    """Read the batches behind a place of a file, each with the place behind it.

    A torn or damaged end is left out.
    """
    with path.open("rb") as file:
        file.seek(since)
        while head := file.readline(64):
            try:
                number, count, size = map(int, head.split())
            except ValueError:
                return
            if not 0 <= size <= LARGEST_RECORD:
                return
            lines = file.read(size + 1)
            if len(lines) != size + 1:
                return
            yield file.tell(), Batch(number=number, count=count, lines=lines[:-1])


class Left:
    """A file that its process left behind, ours as long as we hold it."""

    def __init__(self, path: Path, file: int) -> None:
        self.path = path
        self.origin = path.name.removesuffix(SUFFIX)
        self._file = file

    def release(self, *, is_sent: bool) -> None:
        """Give it back, or remove it."""
        if is_sent:
            self.path.unlink(missing_ok=True)
        os.close(self._file)


def left_behind(folder: Path) -> Iterator[Left]:
    """Take the files of processes that are gone, one after the other."""
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            file = os.open(path, os.O_RDONLY)
        except OSError:
            continue
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
            continue
        yield Left(path, file)
