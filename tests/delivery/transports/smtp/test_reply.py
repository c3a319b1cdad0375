"""The reply parser: RFC 5321 §4.2, RFC 3463."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.transports.smtp.reply import LONGEST_LINE, ReplyError, ReplyParser, make

words = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12).filter(
    lambda word: not word[0].isdigit()
)
lines = st.lists(st.lists(words, max_size=4).map(" ".join), min_size=1, max_size=5)
codes = st.integers(2, 5).flatmap(lambda first: st.integers(first * 100, first * 100 + 59))
replies = st.lists(st.tuples(codes, lines), max_size=6)


def written(code: int, text: list[str], end: bytes = b"\r\n") -> bytes:
    last = len(text) - 1
    return b"".join(
        f"{code}{' ' if number == last else '-'}{line}".encode() + end
        for number, line in enumerate(text)
    )


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[start:end] for start, end in pairwise(edges)]


@given(replies, st.lists(st.integers(0, 10_000), max_size=20))
def test_it_finds_the_same_replies_however_the_bytes_are_cut(sent, places):
    data = b"".join(written(code, text) for code, text in sent)
    parser = ReplyParser()
    found = [reply for piece in cut(data, places) for reply in parser.feed(piece)]
    assert [(reply.code, list(reply.lines)) for reply in found] == [
        (code, [line.strip() for line in text]) for code, text in sent
    ]
    assert parser.is_empty


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=5))
def test_junk_is_either_replies_or_one_error(data, places):
    parser = ReplyParser()
    try:
        found = [reply for piece in cut(data, places) for reply in parser.feed(piece)]
    except ReplyError:
        return
    assert all(200 <= reply.code <= 559 for reply in found)


@pytest.mark.parametrize(
    ("line", "code", "enhanced", "text"),
    [
        (b"250 2.1.0 Ok\r\n", 250, "2.1.0", "Ok"),
        (b"250 Ok\r\n", 250, "", "Ok"),
        (b"250\r\n", 250, "", ""),
        (b"354 \r\n", 354, "", ""),
        (b"250 Ok\n", 250, "", "Ok"),
        (b"550 5.1.10 null MX\r\n", 550, "5.1.10", "null MX"),
        (b"550 5.7.509 Access denied\r\n", 550, "5.7.509", "Access denied"),
        (b"450 2001 tries\r\n", 450, "", "2001 tries"),
        (b"550 5.1.1\r\n", 550, "5.1.1", ""),
        ("550 caf\u00e9 \u2028 fermé\r\n".encode(), 550, "", "café   fermé"),
        (b"550 caf\xe9\x07\r\n", 550, "", "caf\ufffd"),
    ],
)
def test_it_reads_one_line(line, code, enhanced, text):
    [reply] = ReplyParser().feed(line)
    assert (reply.code, reply.enhanced, reply.text) == (code, enhanced, text)


def test_lines_are_joined_without_their_enhanced_codes():
    [reply] = ReplyParser().feed(
        b"550-5.1.1 The account\r\n550-5.1.1 that you\r\n550 5.1.1 tried\r\n"
    )
    assert (reply.enhanced, reply.text) == ("5.1.1", "The account that you tried")
    assert reply.words == "550 5.1.1 The account that you tried"


@pytest.mark.parametrize(
    "data",
    [
        b"hello\r\n",
        b"\r\n",
        b"650 no such class\r\n",
        b"150 no such class\r\n",
        b"2500 too long\r\n",
        b"250-one\r\n550 two\r\n",
        b"250+no\r\n",
        b"<html>\r\n",
        b"250 " + b"x" * LONGEST_LINE + b"\r\n",
        b"x" * (LONGEST_LINE + 1),
        b"250-again\r\n" * 1000,
    ],
)
def test_what_is_no_reply_is_an_error(data):
    with pytest.raises(ReplyError):
        ReplyParser().feed(data)


def test_it_is_not_empty_while_a_reply_is_under_way():
    parser = ReplyParser()
    parser.feed(b"250-one\r\n")
    assert not parser.is_empty
    parser.feed(b"250 two\r\n2")
    assert not parser.is_empty


def test_a_line_said_again_is_the_same_reply():
    first, second = ReplyParser().feed(b"250 2.1.0 Ok\r\n250 2.1.0 Ok\r\n")
    assert first is second
    assert first == make(250, ("2.1.0 Ok",))
