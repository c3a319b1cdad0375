"""Reading ahead: a thread cuts and checks rows while the database takes the batch before."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from queue import Empty, Full, Queue
from threading import Event, Thread

from django.utils import translation

from subscribers.imports.errors import ErrorFile, is_ours, unsafe
from subscribers.imports.reader import BrokenRow, Rows
from subscribers.imports.rows import RowMaker, RowRefused

ROWS_A_BATCH = 50_000  # about 8 MB of lines; three batches exist at a time
READ_AHEAD = 1
PATIENCE = 0.2  # seconds between looks at whether anybody still wants batches


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Lines for COPY, and where the reading stands behind them."""

    lines: bytes
    last_row: int
    rows: int  # with an address or without, so far
    invalid: int  # so far


def read(
    rows: Rows, *, maker: RowMaker, errors: ErrorFile, has_header: bool
) -> Generator[Batch, None, None]:
    """Yield batches; reading happens in a thread of its own, which ends with this generator."""
    ahead = _ReadAhead(cut(rows, maker=maker, errors=errors, has_header=has_header))
    try:
        while (item := ahead.queue.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        ahead.end()


class _ReadAhead:
    def __init__(self, source: Iterator[Batch]) -> None:
        self.queue: Queue[Batch | BaseException | None] = Queue(maxsize=READ_AHEAD)
        self._source = source
        self._stop = Event()
        self._language = translation.get_language()
        self._thread = Thread(target=self._work, name="import-reader", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Make the thread end, and wait for it."""
        self._stop.set()
        while self._thread.is_alive():
            try:
                self.queue.get(timeout=PATIENCE)
            except Empty:
                continue
        self._thread.join()

    def _work(self) -> None:
        if self._language:
            translation.activate(self._language)
        try:
            for batch in self._source:
                self._put(batch)
                if self._stop.is_set():
                    return
            self._put(None)
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            self._put(error)

    def _put(self, item: Batch | BaseException | None) -> None:
        while not self._stop.is_set():
            try:
                self.queue.put(item, timeout=PATIENCE)
            except Full:
                continue
            return


def cut(rows: Rows, *, maker: RowMaker, errors: ErrorFile, has_header: bool) -> Iterator[Batch]:
    """Yield batches, reading in the caller's thread; the last one may hold no lines."""
    lines: list[str] = []
    count = last = yielded = 0
    source = iter(rows)
    mend = False
    if has_header:
        header = next(source, None)
        mend = header is not None and not isinstance(header, BrokenRow) and is_ours(header[1])
    for row in source:
        if count - yielded == ROWS_A_BATCH:
            yield _batch(lines, last, count, errors)
            lines, yielded = [], count
        count += 1
        if isinstance(row, BrokenRow):
            last = row.number
            errors.refuse_broken(row)
            continue
        last, cells = row
        if mend:
            cells = list(map(unsafe, cells))
        try:
            lines.append(maker.line(last, cells))
        except RowRefused as refused:
            errors.refuse(last, refused.faults, cells)
    yield _batch(lines, last, count, errors)


def _batch(lines: list[str], last: int, count: int, errors: ErrorFile) -> Batch:
    return Batch(lines="".join(lines).encode(), last_row=last, rows=count, invalid=errors.count)
