"""Senders are understood as people type them."""

from email.utils import parseaddr

import pytest

from accounts.input.senders import Sender, SenderError, understand


@pytest.mark.parametrize(
    ("typed", "name", "address"),
    [
        ("news@example.com", "", "news@example.com"),
        ("<news@example.com>", "", "news@example.com"),
        ("mailto:news@example.com", "", "news@example.com"),
        ("Kopi Senja <news@example.com>", "Kopi Senja", "news@example.com"),
        ("Kopi Senja<news@example.com>", "Kopi Senja", "news@example.com"),
        ("News @ Kopi <news@example.test>", "News @ Kopi", "news@example.test"),
        ("Nëws, Ltd <news@example.com>", "Nëws, Ltd", "news@example.com"),
        ('"Nëws, Ltd" <news@example.com>', "Nëws, Ltd", "news@example.com"),
        ("“Kopi” <news@example.com>", "Kopi", "news@example.com"),
        ("'Kopi' <news@example.com>", "Kopi", "news@example.com"),
        (r'"Kopi \"Senja\"" <news@example.com>', 'Kopi "Senja"', "news@example.com"),
        ('Kopi "Senja" <news@example.com>', 'Kopi "Senja"', "news@example.com"),
        ("Anna (Kopi) <news@example.com>", "Anna (Kopi)", "news@example.com"),
        ("Kopi: News; <news@example.com>", "Kopi: News;", "news@example.com"),
        ("a@b.example <news@example.com>", "a@b.example", "news@example.com"),
        ("news@example.com (Kopi Senja)", "Kopi Senja", "news@example.com"),
        ("Kopi Senja (news@example.com)", "Kopi Senja", "news@example.com"),
        ("Kopi Senja [news@example.com]", "Kopi Senja", "news@example.com"),
        ("Kopi, Senja news@example.com", "Kopi, Senja", "news@example.com"),
        ("=?utf-8?q?N=C3=ABws=2C_Ltd?= <news@example.com>", "Nëws, Ltd", "news@example.com"),
        ("コピ ＜news＠example.com＞", "コピ", "news@example.com"),
        ("  Kopi\tSenja \r\n <  news@example.com > ", "Kopi Senja", "news@example.com"),
        ("Kopi <info@münchen.example>", "Kopi", "info@münchen.example"),
    ],
)
def test_a_name_and_an_address(typed, name, address):
    assert understand(typed) == Sender(name, address)


@pytest.mark.parametrize(
    "typed",
    ["", "Kopi", "Kopi <>", "Kopi <news>", "a@example.com, b@example.com", "a@example.com;b@c.d",
     "A <a@example.com>, B <b@example.com>", "news@", "@example.com", "Kopi <a b@example.com>",
     "Kopi <a@b@example.com>", "<Kopi> news@example.com", "Kopi\x00 <news@example.com>"],
)  # fmt: skip
def test_what_names_nobody_or_several_is_refused(typed):
    with pytest.raises(SenderError):
        understand(typed)


@pytest.mark.parametrize(
    "sender",
    [Sender("", "a@b.example"), Sender("Kopi", "a@b.example"), Sender("N @ K", "a@b.example"),
     Sender("Nëws, Ltd", "a@b.example"), Sender('Kopi "S" \\', "a@b.example")],
)  # fmt: skip
def test_what_is_stored_reads_the_same_by_any_reader(sender):
    assert understand(str(sender)) == sender
    assert parseaddr(str(sender)) == (sender.name, sender.address)
