"""Whole mails, for anybody with any name, address and subject, as Python's parser reads them."""

import email
from email import policy

from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from delivery.mime import tokens
from delivery.mime.render import render
from delivery.mime.tokens import Purpose
from delivery.transports.smtp import envelope
from tests.delivery.mime.test_render import NOON, SITE, message, person

anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
words = st.text(st.characters(categories=["L", "N"], include_characters="._+-"), min_size=1)
locals_ = words.filter(lambda word: len(word.encode()) <= 64).map(lambda word: word.strip("."))
domains = st.sampled_from(
    ["example.com", "münchen.example", "例え.テスト", f"{'a' * 63}.{'b' * 63}.{'c' * 63}.example"]
)
ONCE = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "X-Warta-Message",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-Id",
    "Feedback-ID",
    "Precedence",
    "Auto-Submitted",
    "MIME-Version",
    "Content-Type",
]


@hypothesis_settings(max_examples=150, deadline=None)
@given(first=anything, last=anything, subject=anything, local=locals_, domain=domains)
@example(first=".", last=".\r\n.", subject=".", local="x", domain="example.com")
@example(first="\r\n.\r\nMAIL FROM:<x>", last="\n.", subject="\r.", local="x", domain="example.com")
@example(first="é" * 500, last="", subject="Ü " * 300, local="ü" * 32, domain="münchen.example")
@example(first="a, b <c@d.example>", last='"', subject="=?utf-8?q?x?=", local="o'x", domain="a.b")
def test_every_field_is_there_once_and_says_what_it_should(first, last, subject, local, domain):
    compiled = message(
        ".{{ first_name }}.\n\n. {{ last_name }}\n\n.\n\n.. {{ city }}\n",
        subject="{{ city }}",
        from_name=subject[:50],
        list_id="letter",
        list_name=first[:80] or "The letter",
        feedback_id=("c1", "w1", "campaign", "kopi-senja"),
        unsubscribe_mailto="leave@kopisenja.example",
        auto_submitted=True,
    )
    address = f"{local or 'x'}@{domain}"
    sent = render(
        compiled,
        person(email=address, first_name=first, last_name=last, city=subject),
        at=NOON,
    )
    lines = sent.data.split(b"\r\n")
    assert all(len(line) <= 998 for line in lines)
    assert b"\n" not in b"".join(lines)
    assert b"\r" not in b"".join(lines)
    mail = email.message_from_string(sent.data.decode(), policy=policy.SMTPUTF8)
    assert {name: len(mail.get_all(name, [])) for name in ONCE} == dict.fromkeys(ONCE, 1)
    assert len(mail.keys()) == len(ONCE)
    (reader,) = mail["To"].addresses
    assert f"{reader.username}@{reader.domain}" == sent.envelope_to
    token = tokens.make(1, Purpose.UNSUBSCRIBE)
    assert mail["List-Unsubscribe"] == (
        f"<{SITE}/u/{token}/>, <mailto:leave@kopisenja.example?subject={token}>"
    )
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["Message-ID"] == f"<{tokens.make(1, Purpose.MESSAGE)}@kopisenja.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert sent.needs_smtputf8 is not address.rpartition("@")[0].isascii()
    assert [part.get_content_type() for part in mail.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
    assert all(not part.defects for part in mail.walk())


@hypothesis_settings(max_examples=150, deadline=None)
@given(first=anything, last=anything)
@example(first=".", last=".\r\n.")
@example(first="\n.", last="\r.")
@example(first="x" * 71 + ".", last="." * 300)
def test_a_mail_that_promises_to_have_no_dots_has_none(first, last):
    """The transport does not search such a mail: a dot that ends it would begin commands."""
    compiled = message("{{ first_name }}\n\nand {{ last_name }}\n", subject="{{ last_name }}")
    sent = render(compiled, person(first_name=first, last_name=last), at=NOON)
    if sent.has_no_dots:
        assert envelope.body(sent.data) == sent.data
    usual = render(compiled, person(), at=NOON)
    assert usual.has_no_dots
    assert envelope.body(usual.data) == usual.data
