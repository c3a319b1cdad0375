"""Quoted-printable in pieces decodes to what the pieces were."""

import re
from quopri import decodestring

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from delivery.mime import quoted_printable
from delivery.mime.quoted_printable import (
    TOKEN_WIDTH,
    Dynamic,
    canonical,
    encode_pieces,
    encode_value,
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
TOKEN = b"T" * TOKEN_WIDTH
pieces = st.lists(
    st.one_of(texts, st.just(Dynamic(0, is_token=True)), texts.map(lambda text: (text,))),
    max_size=12,
)


@given(pieces)
@example(["x" * 75, ("Dewi",), "y"])
@example(["x" * 76, Dynamic(0, is_token=True), "y"])
@example(["a ", ("b",), " c\t", ("",), "d"])
@example(["a\r", ("b",), "\nc"])
@example(["é" * 60, Dynamic(0, is_token=True), "=" * 60, Dynamic(0, is_token=True)])
def test_pieces_decode_to_their_text(given_pieces):
    values = []
    plan = []
    expected = b""
    for piece in given_pieces:
        if isinstance(piece, tuple):
            plan.append(Dynamic(len(values) + 1))
            values.append(encode_value(piece[0]))
            expected += canonical(piece[0])
        elif isinstance(piece, Dynamic):
            plan.append(piece)
            expected += TOKEN
        else:
            plan.append(piece)
            expected += canonical(piece)
    encoded = b"".join(
        piece if isinstance(piece, bytes) else TOKEN if piece.is_token else values[piece.number - 1]
        for piece in encode_pieces(plan)
    )
    assert decodestring(encoded) == expected
    lines = encoded.split(b"\r\n")
    assert all(len(line) <= 76 for line in lines)
    assert not any(line.endswith((b" ", b"\t")) for line in lines)
    assert not re.search(rb"[^\t\r\n\x20-\x7e]", encoded)
    assert b"\n" not in encoded.replace(b"\r\n", b"")
    assert b"\r" not in encoded.replace(b"\r\n", b"")


@given(st.text(alphabet=" .x\n=\t\x01", max_size=400))
@example("." * 400)
@example("\x01\x02\x03\x04\x05\x06\x07\x08.\n.")
def test_no_constant_line_begins_with_a_dot(text):
    """SMTP would double it (RFC 5321 §4.5.2), and somebody would have to search every mail."""
    (encoded, *rest) = encode_pieces([text]) or [b""]
    assert not rest
    assert decodestring(encoded) == canonical(text)
    if not set("\x01\x02\x03\x04\x05\x06\x07\x08") <= set(text):
        assert not (b"\n" + encoded).count(b"\n.")
        assert all(len(line) <= 76 for line in encoded.split(b"\r\n"))


@given(
    st.lists(
        st.sampled_from([".", "..", "x" * 73 + ".", "é", " ", "\t", "\n", "word ", "=", "." * 200]),
        max_size=60,
    ),
    st.integers(300, 500),
)
def test_a_text_is_encoded_alike_in_one_window_and_in_many(words, window):
    text = "".join(words)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quoted_printable, "WINDOW", 10**9)
        whole = encode_pieces([text])
        patch.setattr(quoted_printable, "WINDOW", window)
        assert encode_pieces([text]) == whole


def test_many_dots_are_encoded_once(monkeypatch):
    encoded = 0
    usual = quoted_printable._quoted

    def counting(raw: bytes) -> bytes:
        nonlocal encoded
        encoded += len(raw)
        return usual(raw)

    monkeypatch.setattr(quoted_printable, "_quoted", counting)
    (result,) = encode_pieces(["." * 200_000])
    assert decodestring(result) == b"." * 200_000
    assert encoded < 200_000 * 40
