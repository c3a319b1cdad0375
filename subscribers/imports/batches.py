"""Reading ahead: a thread cuts and checks rows while the database takes the batches before."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from queue import Empty, Full, Queue
from threading import Event, Thread

from django.utils import translation

from subscribers.addresses import addresses
from subscribers.fields.problems import Problem
from subscribers.imports.error_file import REPEATS, ErrorFile, is_ours, unsafe
from subscribers.imports.mapping import ERROR_COLUMNS, own_columns
from subscribers.imports.reader import BrokenRow, Rows
from subscribers.imports.rows import RowMaker, RowRefused, ValueFault

ROWS_A_BATCH = 25_000  # about 4 MB of lines; five batches exist at a time
ROWS_A_PIECE = 2_500  # encoded together: bytes take a third of the memory of many strings
READ_AHEAD = 1
PATIENCE = 0.2  # seconds between looks at whether anybody still wants batches


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Lines for COPY, and where the reading stands behind them."""

    lines: list[bytes]  # rows whose address is new to the file
    doubtful: bytes  # rows whose address may have come before
    seen: bytes  # every address with its row
    last_row: int
    rows: int  # with an address or without, so far
    invalid: int  # so far


def read(
    rows: Rows, *, maker: RowMaker, errors: ErrorFile, has_header: bool, size: int
) -> Generator[Batch, None, None]:
    """Yield batches; reading happens in a thread of its own, which ends with this generator."""
    ahead = _ReadAhead(cut(rows, maker=maker, errors=errors, has_header=has_header, size=size))
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


def cut(
    rows: Rows, *, maker: RowMaker, errors: ErrorFile, has_header: bool, size: int
) -> Iterator[Batch]:
    """Yield batches of ``size`` rows, reading in the caller's thread; the last may be empty.

    The same file is always cut at the same places: an import that goes on relies on it.
    """
    pieces = _Pieces(maker)
    count = last = yielded = 0
    source = iter(rows)
    is_safe = corrects = False  # whether cells were made safe here; whether it was an error file
    header = next(source, None) if has_header else None
    if header is not None and not isinstance(header, BrokenRow):
        is_safe, corrects = is_ours(header[1]), own_columns(header[1]) > len(ERROR_COLUMNS)
    for row in source:
        if count - yielded == size:
            yield pieces.batch(last=last, rows=count, invalid=errors.count)
            yielded = count
        count += 1
        if isinstance(row, BrokenRow):
            last = row.number
            errors.refuse_broken(row)
            continue
        last, cells = row
        if is_safe:
            cells[:] = map(unsafe, cells)
        _take(last, cells, maker=maker, errors=errors, corrects=corrects)
        if not count % ROWS_A_PIECE:
            pieces.take()
    yield pieces.batch(last=last, rows=count, invalid=errors.count)


def _take(
    number: int, cells: list[str], *, maker: RowMaker, errors: ErrorFile, corrects: bool
) -> None:
    try:
        if corrects:
            _refuse_uncorrected(cells, email=cells[maker.email_index])
        maker.add(number, cells)
    except RowRefused as refused:
        errors.refuse(number, refused.faults, cells)
    else:
        if maker.dropped:
            errors.spare(number, maker.dropped, cells)


def _refuse_uncorrected(cells: list[str], *, email: str) -> None:
    """Refuse a row of an error file that repeated an address, and still does.

    The address was taken in from an earlier row, whose values were kept.
    """
    value, of_import = cells[2], cells[len(ERROR_COLUMNS)]
    if not of_import.endswith(REPEATS):
        return
    try:
        same = addresses.key(addresses.repair(email)) == addresses.key(value)
    except Problem:
        return
    if same:
        problem = Problem("duplicate_kept")
        raise RowRefused([ValueFault(field="email", value=email, problem=problem)])


class _Pieces:
    """What a maker made, as bytes."""

    def __init__(self, maker: RowMaker) -> None:
        self._maker = maker
        self._lines: list[bytes] = []
        self._seen: list[bytes] = []

    def take(self) -> None:
        """Encode the newest lines."""
        if self._maker.lines:
            self._lines.append("".join(self._maker.lines).encode())
            self._maker.lines.clear()
        if self._maker.seen:
            self._seen.append("".join(self._maker.seen).encode())
            self._maker.seen.clear()

    def batch(self, *, last: int, rows: int, invalid: int) -> Batch:
        """Return everything since the last call."""
        self.take()
        doubtful = "".join(self._maker.doubtful).encode()
        self._maker.doubtful.clear()
        made = Batch(
            lines=self._lines,
            doubtful=doubtful,
            seen=b"".join(self._seen),
            last_row=last,
            rows=rows,
            invalid=invalid,
        )
        self._lines, self._seen = [], []
        return made
