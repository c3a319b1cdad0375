"""Quoted-printable (RFC 2045 §6.7) in pieces: constants once, values later.

A piece may end anywhere in a line. Before a person's value the line is broken softly and after it
again, so a value's length moves nothing else; a signed token has a fixed width and stays in line.
"""

import re
from binascii import b2a_qp
from collections.abc import Callable, Iterable
from dataclasses import dataclass

SOFT_BREAK = b"=\r\n"
MAX_LINE = 76
TOKEN_WIDTH = 22
DOT = b"=2E"
WINDOW = 2_048  # bytes of a text that are encoded at once; three lines at least

# What needs no encoding in quoted-printable, HTML or text, however it is placed.
_HARMLESS_TEXT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ,.-]{0,60}[A-Za-z0-9])?").fullmatch
_HARMLESS_WORD = re.compile(r"[A-Za-z0-9]{1,62}").fullmatch
_BREAKS = re.compile(r"\r\n?|\n")


@dataclass(frozen=True, slots=True)
class Dynamic:
    """The place of something that is filled in: its number in the pool; a token keeps the line."""

    number: int
    is_token: bool = False


Piece = bytes | Dynamic


def canonical(text: str) -> bytes:
    """Return UTF-8 with CRLF line ends."""
    return _BREAKS.sub("\r\n", text).encode("utf-8", "replace")


def encode_value(text: str) -> bytes:
    """Encode a person's value, to stand between soft line breaks; empty stays empty."""
    if not text:
        return b""
    encoded = _open_quoted(canonical(text))
    return encoded if encoded.endswith(b"\n") else encoded + SOFT_BREAK


def _quoted(raw: bytes) -> bytes:
    # binascii breaks softly with a bare line feed where the data holds no line end to copy.
    return b2a_qp(raw).replace(b"=\n", SOFT_BREAK)


def _open_quoted(raw: bytes) -> bytes:
    # One more letter makes binascii leave room on the last line for a soft break after it.
    return _quoted(raw + b"x")[:-1]


def _without_dots(raw: bytes, *, column: int, encode: Callable[[bytes], bytes]) -> bytes:
    """Encode a constant so that none of its lines begins with a dot, which SMTP would double.

    A dot that would stand there becomes ``=2E``. What follows it is encoded anew, but only as far
    as a window reaches, so that a long text of dots takes no longer than any other.
    """
    out = bytearray()
    at = 0
    while True:
        if not column and raw.startswith(b".", at):
            out += DOT
            at += 1
            column = len(DOT)
        is_last = at + WINDOW >= len(raw)
        encoded = (encode if is_last else _whole_lines)(b"x" * column + raw[at : at + WINDOW])
        encoded = encoded[column:]
        dot = encoded.find(b"\n.") + 1
        if is_last and not dot:
            return bytes(out + encoded)
        encoded = encoded[:dot] if dot else encoded
        out += encoded
        soft = encoded.count(SOFT_BREAK)
        at += len(encoded) - 3 * soft - 2 * (encoded.count(b"=") - soft)
        column = 0


def _whole_lines(raw: bytes) -> bytes:
    """Encode the beginning of a text: the lines that what follows it can no longer change."""
    encoded = _quoted(raw)
    return encoded[: encoded.rfind(b"\n", 0, encoded.rfind(b"\n")) + 1]


def slot_encoder(escape: Callable[[str], str], kind: str) -> Callable[[str], bytes]:
    """Return a function from a raw value to its bytes in the mail."""
    harmless = _HARMLESS_TEXT if kind in {"html", "text"} else _HARMLESS_WORD

    def encode(value: str) -> bytes:
        if harmless(value):
            return value.encode() + SOFT_BREAK
        return encode_value(escape(value))

    return encode


def encode_pieces(pieces: Iterable[str | Dynamic]) -> list[Piece]:
    """Encode what is constant; `Dynamic` places stay. Neighbouring bytes are joined."""
    out: list[bytearray | Dynamic] = [bytearray()]
    column = 0
    planned = list(pieces)

    def text() -> bytearray:
        if isinstance(out[-1], Dynamic):
            out.append(bytearray())
        last = out[-1]
        if isinstance(last, Dynamic):
            raise TypeError
        return last

    for index, piece in enumerate(planned):
        if isinstance(piece, str):
            encode = _open_quoted if index + 1 < len(planned) else _quoted
            encoded = _without_dots(canonical(piece), column=column, encode=encode)
            text().extend(encoded)
            column = _column(column, encoded)
        elif piece.is_token:
            if column + TOKEN_WIDTH >= MAX_LINE:
                text().extend(SOFT_BREAK)
                column = 0
            out.append(piece)
            column += TOKEN_WIDTH
        else:
            if column:
                text().extend(SOFT_BREAK)
                column = 0
            out.append(piece)
    return [piece if isinstance(piece, Dynamic) else bytes(piece) for piece in out if piece]


def _column(before: int, encoded: bytes) -> int:
    line_start = encoded.rfind(b"\n") + 1
    return len(encoded) - line_start + (0 if line_start else before)
