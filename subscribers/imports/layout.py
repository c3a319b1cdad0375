"""How a text file is written: encoding, delimiter, whether its first row names the columns."""

import codecs
import csv
import io
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from subscribers.imports.encodings import Guess, guess, guess_seven_bits

BLOCK = 4 * 1024 * 1024
SAMPLE_BYTES = 256 * 1024
SAMPLE_ROWS = 200
EXAMPLES = 8
LONGEST_EXAMPLE = 40
DELIMITERS = (",", ";", "\t", "|", "^", "~", "\x1f", ":")
RARE = frozenset({"~", ":"})  # also found inside cells: only if every row agrees
UTF8, UTF16 = "utf-8", "utf-16"
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is its beginning
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, UTF16),
    (codecs.BOM_UTF16_BE, UTF16),
)
FEWEST_NULS = 0.2  # of the bytes in every second place: line ends and addresses are ASCII
# What Excel reads, and some tools write, in front of everything else.
SEPARATOR_LINE = re.compile('\ufeff?"?sep=([^"\r\n])\\1*"?\\1*(?:\r\n|\r|\n|$)', re.IGNORECASE)
BROKEN = re.compile("[\udc80-\udcff]")
BEYOND_ASCII = re.compile("[^\x00-\x7f\udc80-\udcff]")


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What `detect` found out."""

    encoding: str
    delimiter: str
    has_header: bool
    is_certain: bool = field(default=True, compare=False)  # of the encoding


@dataclass(frozen=True, kw_only=True)
class _Seen:
    broken: int = 0  # bytes that are no UTF-8
    beyond_ascii: int = 0  # characters that are good UTF-8
    sample: bytes = b""  # the first lines that are no UTF-8


def detect(path: Path, *, encoding: str = "") -> Layout:
    """Look at a file (all of it for the encoding, block by block) and say how it is written.

    ``encoding``: what it is written in, if that is known.
    """
    found = Guess(encoding=encoding, is_certain=True) if encoding else detect_encoding(path)
    with path.open("rb") as file:
        text = decode_sample(file.read(SAMPLE_BYTES), found.encoding)
    named = SEPARATOR_LINE.match(text)
    if named:
        text = text[named.end() :]
    delimiter = named[1] if named else detect_delimiter(text)
    rows = [row for row in _rows(text, delimiter) if any(row)]
    return Layout(
        encoding=found.encoding,
        delimiter=delimiter,
        has_header=has_header(rows),
        is_certain=found.is_certain,
    )


def detect_encoding(path: Path) -> Guess:
    """Tell the encoding: by mark, by NULs, by whether all of it is UTF-8.

    A file with more good UTF-8 than broken bytes stays UTF-8, and the damaged cells are reported
    when they are read. What is more broken than good is in an older encoding (`encodings`).
    """
    with path.open("rb") as file:
        start = file.read(SAMPLE_BYTES)
    for mark, encoding in MARKS:
        if start.startswith(mark):
            return Guess(encoding=encoding, is_certain=True)
    if wide := _by_nuls(start):
        return Guess(encoding=wide, is_certain=True)
    seen = _look(path)
    if not seen.broken and not seen.beyond_ascii and (switched := guess_seven_bits(start)):
        return switched
    if seen.beyond_ascii >= seen.broken:
        return Guess(encoding=UTF8, is_certain=not seen.broken)
    return guess(seen.sample)


def _by_nuls(start: bytes) -> str:
    """Tell UTF-16 and UTF-32 without a mark by where NULs stand, or return ""."""
    start = start[: len(start) // 4 * 4]
    quarter = len(start) // 4
    if not quarter:
        return ""
    nuls = [start[place::4].count(0) / quarter for place in range(4)]
    if min(nuls[:2]) > 1 - FEWEST_NULS > nuls[3]:
        return "utf-32-be"
    if min(nuls[2:]) > 1 - FEWEST_NULS > nuls[0]:
        return "utf-32-le"
    even, odd = (nuls[0] + nuls[2]) / 2, (nuls[1] + nuls[3]) / 2
    if max(even, odd) < FEWEST_NULS or min(even, odd) * 10 > max(even, odd):
        return ""
    encoding = "utf-16-be" if even > odd else "utf-16-le"
    try:
        codecs.getincrementaldecoder(encoding)().decode(start)
    except UnicodeDecodeError:
        return ""
    return encoding


def _look(path: Path) -> _Seen:
    decoder = codecs.getincrementaldecoder(UTF8)("surrogateescape")
    broken = beyond_ascii = 0
    sample = b""
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            text = decoder.decode(block)
            if text.isascii():
                continue
            here = len(BROKEN.findall(text))
            broken += here
            beyond_ascii += len(BEYOND_ASCII.findall(text))
            if here and len(sample) < SAMPLE_BYTES:
                sample += b"\n".join(line for line in block.splitlines() if not line.isascii())
    broken += len(BROKEN.findall(decoder.decode(b"", final=True)))
    return _Seen(broken=broken, beyond_ascii=beyond_ascii, sample=sample[:SAMPLE_BYTES])


def examples(path: Path, found: Layout) -> list[str]:
    """Return some cells that an encoding decides about, each once, to be looked at by people."""
    with path.open("rb") as file:
        text = decode_sample(file.read(BLOCK), found.encoding, size=BLOCK)
    chosen: dict[str, None] = {}
    for line in text.splitlines():
        if line.isascii():
            continue
        for row in _rows(line, found.delimiter):
            chosen |= dict.fromkeys(cell[:LONGEST_EXAMPLE] for cell in row if not cell.isascii())
        if len(chosen) >= EXAMPLES:
            break
    return list(chosen)[:EXAMPLES]


def decode_sample(start: bytes, encoding: str, *, size: int = SAMPLE_BYTES) -> str:
    """Decode the first ``size`` bytes of a file, up to their last whole line."""
    text = codecs.getincrementaldecoder(encoding)("replace").decode(start)
    if len(start) < size:
        return text
    return text[: text.rfind("\n") + 1] or text[:1000]


def detect_delimiter(text: str) -> str:
    """Tell the delimiter: the one that cuts most rows like the first, into as many cells."""
    best, best_score = ",", 0.0
    for delimiter in DELIMITERS:
        cut = [row for row in _rows(text, delimiter) if row]
        if not cut:
            continue
        widths = Counter(len(row) for row in cut)
        width, rows = widths.most_common(1)[0]
        if width == 1:
            continue
        # How alike the rows are decides; the number of columns only between equals.
        score = rows / widths.total() + min(width, 50) / 1000
        if delimiter in RARE and rows < widths.total():
            continue
        if len(cut[0]) == width:
            score += 1  # decimal commas cut every row but the first, which names the columns
        if score > best_score:
            best, best_score = delimiter, score
    return best


def has_header(rows: list[list[str]]) -> bool:
    """Say whether the first row names the columns: it holds no address, and a later one does."""
    if not rows:
        return False
    return not any("@" in cell for cell in rows[0])


def _rows(text: str, delimiter: str) -> list[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows: list[list[str]] = []
    try:
        for row in reader:
            rows.append(row)
            if len(rows) == SAMPLE_ROWS:
                break
    except csv.Error:
        pass  # a cell that never ends; what came before it is sample enough
    return rows
