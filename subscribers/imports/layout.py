"""How a text file is written: encoding, delimiter, whether its first row names the columns."""

import codecs
import csv
import io
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from subscribers.imports import encodings

BLOCK = 4 * 1024 * 1024
SAMPLE_BYTES = 256 * 1024
SAMPLE_ROWS = 200
DELIMITERS = (",", ";", "\t", "|", "^", "~", "\x1f", ":")
RARE = frozenset({"~", ":"})  # also found inside cells: only if every row agrees
UTF8, UTF16, CP1252, LATIN1 = "utf-8", "utf-16", "cp1252", "latin-1"
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, UTF16),
    (codecs.BOM_UTF16_BE, UTF16),
)
UNDEFINED_IN_CP1252 = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")
BROKEN = re.compile("[\udc80-\udcff]")
BEYOND_ASCII = re.compile("[^\x00-\x7f\udc80-\udcff]")


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What `detect` found out."""

    encoding: str
    delimiter: str
    has_header: bool


@dataclass(frozen=True, kw_only=True)
class _Seen:
    broken: int = 0  # bytes that are no UTF-8
    beyond_ascii: int = 0  # characters that are good UTF-8
    outside_cp1252: bool = False
    sample: bytes = b""  # the first lines that are no UTF-8


def detect(path: Path) -> Layout:
    """Look at a file (all of it for the encoding, block by block) and say how it is written."""
    encoding = detect_encoding(path)
    with path.open("rb") as file:
        text = decode_sample(file.read(SAMPLE_BYTES), encoding)
    delimiter = detect_delimiter(text)
    rows = [row for row in _rows(text, delimiter) if row]
    return Layout(encoding=encoding, delimiter=delimiter, has_header=has_header(rows))


def detect_encoding(path: Path) -> str:
    """Tell the encoding: by mark, by NULs, by whether all of it is UTF-8.

    A file that is UTF-8 but for a few damaged places stays UTF-8, and the damaged rows are reported
    when they are read. What is more broken than good is in an older encoding (`encodings`).
    """
    with path.open("rb") as file:
        start = file.read(SAMPLE_BYTES)
    for mark, encoding in MARKS:
        if start.startswith(mark):
            return encoding
    even, odd = start[::2].count(0), start[1::2].count(0)
    # Western text as UTF-16 without a mark has a NUL in nearly every second place.
    if max(even, odd) > len(start) // 2 * 0.4:
        return "utf-16-be" if even > odd else "utf-16-le"
    seen = _look(path)
    if not seen.broken or seen.beyond_ascii > seen.broken * 4:
        return UTF8
    guessed = encodings.guess(seen.sample)
    return LATIN1 if guessed == CP1252 and seen.outside_cp1252 else guessed


def _look(path: Path) -> _Seen:
    decoder = codecs.getincrementaldecoder(UTF8)("surrogateescape")
    broken = beyond_ascii = 0
    outside = False
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
            outside = outside or (here > 0 and UNDEFINED_IN_CP1252.search(block) is not None)
    broken += len(BROKEN.findall(decoder.decode(b"", final=True)))
    return _Seen(
        broken=broken,
        beyond_ascii=beyond_ascii,
        outside_cp1252=outside,
        sample=sample[:SAMPLE_BYTES],
    )


def decode_sample(start: bytes, encoding: str) -> str:
    """Decode the beginning of a file, up to its last whole line."""
    text = codecs.getincrementaldecoder(encoding)("replace").decode(start)
    if len(start) < SAMPLE_BYTES:
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
