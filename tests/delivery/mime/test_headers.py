"""Header fields hold any text, change nothing else, and read back exactly."""

import email
from email import policy
from email.header import decode_header, make_header

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from delivery.mime.headers import AddressError, ascii_address, mailbox, unstructured

anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
printable = st.text(
    st.characters(exclude_categories=["C", "Z"], include_characters=" "), max_size=300
)


def unfolded(field: bytes) -> str:
    return field.decode().removesuffix("\r\n").replace("\r\n ", " ")


def decoded(field: bytes) -> str:
    """Decode by RFC 2047 §6.2: the space between encoded words is no space."""
    value = field.decode().partition(": ")[2].removesuffix("\r\n").replace("\r\n ", " ")
    return str(make_header(decode_header(value)))


@given(anything)
@example("Subject\r\nBcc: everybody@example.com")
@example("a\x00b\x85c\u2028d")
@example("=?utf-8?q?fake?=")
@example("   ")
@example("x" * 3000)
@example("😀" * 200)
def test_no_text_makes_a_second_field_or_a_long_line(text):
    field = unstructured("Subject", text)
    assert field.endswith(b"\r\n")
    lines = field.removesuffix(b"\r\n").split(b"\r\n")
    assert all(line.startswith(b" ") and line.strip() for line in lines[1:])
    assert all(len(line) <= 998 for line in lines)
    assert field.isascii()
    assert b"\n" not in field.replace(b"\r\n", b"")
    parsed = email.message_from_bytes(field + b"\r\n", policy=policy.SMTP)
    assert parsed.keys() == ["Subject"]


@given(printable)
@example("Panen raya: the Gayo harvest is in, Dewi")
@example("word " * 40 + "end")
@example("é" * 100)
@example("日本語の件名" * 20)
@example("a =?utf-8?q?b?= c")
@example("🇮🇩👩‍👩‍👧" * 20)
def test_text_reads_back_exactly(text):
    assert decoded(unstructured("Subject", text)) == text


@given(printable)
def test_encoded_words_keep_their_limits(text):
    for line in unstructured("Subject", "é" + text).removesuffix(b"\r\n").split(b"\r\n"):
        assert len(line) <= 76
        for word in line.removeprefix(b"Subject: ").split():
            assert len(word) <= 75
            payload = str(make_header(decode_header(word.decode())))
            assert "\ufffd" not in payload or "\ufffd" in text  # no character is split


@given(printable)
@example('Dewi "the bean" Anggraini')
@example("Anggraini, Dewi")
@example("Dewi <dewi@evil.example>")
@example("back\\slash")
@example("(comment)")
@example("n" * 70 + " ü")
@example("a" * 200)
def test_a_name_reads_back_exactly_beside_its_address(name):
    field = mailbox("To", name, "dewi@example.com")
    assert all(len(line) <= 998 for line in field.split(b"\r\n"))
    parsed = email.message_from_bytes(field + b"\r\n", policy=policy.default)["To"]
    (address,) = parsed.addresses
    assert address.addr_spec == "dewi@example.com"
    phrase = field.decode().partition(": ")[2].rpartition("<")[0].replace("\r\n", "")
    # The standard library puts a space between encoded words of a phrase; RFC 2047 §6.2 has none.
    shown = (
        str(make_header(decode_header(phrase.strip())))
        if "=?utf-8?" in phrase
        else address.display_name
    )
    assert shown.split() == name.split()  # and it folds runs of spaces in a quoted string


@given(anything)
@example("x\r\nBcc: a@example.com")
@example('x" <a@evil.example>, "y')
def test_no_name_adds_a_field_or_an_address(name):
    field = mailbox("To", name, "dewi@example.com")
    parsed = email.message_from_bytes(field + b"\r\n", policy=policy.default)
    assert parsed.keys() == ["To"]
    assert [address.addr_spec for address in parsed["To"].addresses] == ["dewi@example.com"]


@pytest.mark.parametrize(
    ("address", "envelope"),
    [
        ("dewi@example.com", "dewi@example.com"),
        ("dewi@bücher.example", "dewi@xn--bcher-kva.example"),
        ("dewi@BÜCHER.example", "dewi@xn--bcher-kva.example"),
        ("dewi@例え.テスト", "dewi@xn--r8jz45g.xn--zckzah"),
        ("用户@例え.テスト", "用户@xn--r8jz45g.xn--zckzah"),
        ("dewi@faß.example", "dewi@xn--fa-hia.example"),
    ],
)
def test_domains_become_a_labels(address, envelope):
    assert ascii_address(address) == envelope


@pytest.mark.parametrize(
    "address",
    [
        "dewi@exa mple.com", "dewi@example.com>\r\nRCPT TO:<x@y.example", "a\nb@example.com",
        "no-at-sign", "üser@-bad-ü-.example", "ü@" + "ü" * 80 + ".example", "a<b@example.com", "é",
    ],
)  # fmt: skip
def test_an_address_that_could_break_out_is_refused(address):
    with pytest.raises(AddressError):
        ascii_address(address)
