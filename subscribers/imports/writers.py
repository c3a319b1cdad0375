"""Several batches at once: threads that write them, each over a connection of its own.

Batches don't touch each other, because an address that comes twice waits for the end. What keeps
the database busy longest, deciding and inserting people, so runs on two cores; the tallies, which
every batch changes, are locked only from the end of the insertion to the commit.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, Full, Queue
from threading import Event, Lock, Thread

from django.db import connection

from subscribers.imports.batches import PATIENCE, Batch
from subscribers.imports.merge import Merger
from subscribers.imports.statistics import refresh_statistics

WRITERS = 2

Write = Callable[[Merger, Batch], None]


class Writers:
    """Takes batches and has them written, here or by threads, in any order."""

    def __init__(self, write: Write, *, make_merger: Callable[[], Merger], threads: int) -> None:
        self._write = write
        self._make_merger = make_merger
        self._queue: Queue[Batch | None] = Queue(maxsize=1)
        self._stop = Event()
        self._lock = Lock()
        self._count = 0
        self._failure: BaseException | None = None
        self._threads = [
            Thread(target=self._work, name=f"import-writer-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def put(self, batch: Batch) -> None:
        """Hand a batch over; raises what went wrong with an earlier one."""
        while True:
            self._raise_failure()
            try:
                self._queue.put(batch, timeout=PATIENCE)
            except Full:
                continue
            return

    def finish(self) -> None:
        """Wait until everything is written."""
        for _thread in self._threads:
            while self._failure is None and not self._stop.is_set():
                try:
                    self._queue.put(None, timeout=PATIENCE)
                except Full:
                    continue
                break
        self._join()
        self._raise_failure()

    def end(self) -> None:
        """Stop after the batches at hand."""
        self._stop.set()
        self._join()

    def _join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _work(self) -> None:
        try:
            merger = self._make_merger()
            merger.open()
            while not self._stop.is_set():
                try:
                    batch = self._queue.get(timeout=PATIENCE)
                except Empty:
                    continue
                if batch is None:
                    return
                self._write(merger, batch)
                del batch
                self._refresh()
        except BaseException as error:  # noqa: BLE001 - handed to the thread that reads
            self._failure = error
            self._stop.set()
        finally:
            connection.close()

    def _refresh(self) -> None:
        with self._lock:
            self._count += 1
            number = self._count
        if number & (number - 1) == 0:  # after 1, 2, 4, 8 … batches
            refresh_statistics(only_if_stale=number == 1)


@contextmanager
def running(
    write: Write, *, make_merger: Callable[[], Merger], here: Merger, threads: int
) -> Iterator[Callable[[Batch], None]]:
    """Yield what takes batches; at the block's end all are written. No threads: ``here`` writes."""
    if not threads:
        yield lambda batch: write(here, batch)
        return
    writers = Writers(write, make_merger=make_merger, threads=threads)
    try:
        yield writers.put
        writers.finish()
    finally:
        writers.end()
