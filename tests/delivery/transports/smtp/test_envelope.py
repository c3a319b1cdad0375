"""Commands and bodies: RFC 5321 §4.1.1, §4.5.2; RFC 1870, 3461, 6152, 6531."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.transports.smtp.envelope import DOT, UnsendableError, body, envelope
from delivery.transports.smtp.reply import Capabilities
from tests.delivery.transports.sending import mail

ALL = Capabilities(size=True, eight_bit=True, utf8=True, dsn=True)


def test_a_plain_server_gets_plain_commands():
    made = envelope(mail(7), Capabilities())
    assert made.mail == b"MAIL FROM:<bounce+7@news.example>\r\n"
    assert made.rcpt == b"RCPT TO:<reader7@example.org>\r\n"


def test_parameters_follow_what_is_offered():
    letter = mail(7, data=b"x" * 10, envelope_to="jörg@example.org", needs_smtputf8=True)
    made = envelope(letter, ALL, dsn=True)
    assert made.mail == (b"MAIL FROM:<bounce+7@news.example> SIZE=10 SMTPUTF8 RET=HDRS ENVID=7\r\n")
    assert made.rcpt == "RCPT TO:<jörg@example.org> NOTIFY=FAILURE\r\n".encode()


def test_eight_bits_are_declared():
    made = envelope(mail(7, data="é".encode()), Capabilities(eight_bit=True))
    assert made.mail.endswith(b" BODY=8BITMIME\r\n")


def test_a_domain_is_written_in_ascii():
    made = envelope(mail(7, envelope_to="info@bücher.example"), Capabilities())
    assert made.rcpt == b"RCPT TO:<info@xn--bcher-kva.example>\r\n"


def test_the_null_return_path():
    assert envelope(mail(7, envelope_from=""), Capabilities()).mail == b"MAIL FROM:<>\r\n"


@pytest.mark.parametrize(
    ("changes", "server", "enhanced"),
    [
        ({"envelope_to": "jörg@example.org", "needs_smtputf8": True}, Capabilities(), "5.6.7"),
        ({"envelope_to": "jörg@example.org"}, ALL, "5.6.7"),
        ({"data": b"x" * 11}, Capabilities(size=True, largest=10), "5.3.4"),
        ({"data": "é".encode()}, Capabilities(), "5.6.3"),
        ({"envelope_to": "a@b\r\nRSET"}, ALL, "5.1.3"),
        ({"envelope_to": "a@b> SIZE=1"}, ALL, "5.1.3"),
        ({"envelope_from": "a\0@b"}, ALL, "5.1.3"),
        ({"envelope_to": ""}, ALL, "5.1.3"),
        ({"envelope_to": "a@\u2603-.example"}, ALL, "5.1.2"),
    ],
)
def test_what_a_server_can_never_take_is_not_tried(changes, server, enhanced):
    with pytest.raises(UnsendableError) as caught:
        envelope(mail(7, **changes), server)
    assert caught.value.enhanced == enhanced


@given(st.binary(max_size=60), st.lists(st.sampled_from([b".", b"\r\n", b"\n", b"\r", b"a"])))
def test_nothing_in_a_body_looks_like_its_end(noise, pieces):
    data = body(noise + b"".join(pieces) + b"\r\n") + DOT
    for end in (b"\r\n.\r\n", b"\n.\n", b"\r.\r", b"\n.\r\n", b"\r\n.\n", b"\r\n.\r"):
        inside = data[: -len(DOT)]
        assert not inside.startswith(end.lstrip(b"\r\n"))
        assert end not in inside


@given(st.lists(st.text("ab. ", max_size=8).map(str.encode)))
def test_a_server_gets_back_what_was_sent(lines):
    sent = b"".join(line + b"\r\n" for line in lines)
    received = b"".join(
        line.removeprefix(b".") if line.startswith(b".") else line
        for line in body(sent).splitlines(keepends=True)
    )
    assert received == sent


def test_a_body_without_its_last_line_end_gets_one():
    assert body(b"a") == b"a\r\n"
    assert body(b"") == b""
