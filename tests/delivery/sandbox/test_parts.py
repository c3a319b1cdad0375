"""Mails are read within bounds, whatever they are, and what they say is found."""

import resource
from email import message_from_bytes, policy

import pytest

from delivery.sandbox import frame, links_in, parts
from delivery.sandbox.frame import View
from tests.delivery.sandbox.mails import hostile


def test_headers_are_unfolded_and_decoded():
    mail = parts.read(b"Subject: =?utf-8?q?Halo_?=\r\n =?utf-8?q?D=C3=A9wi?=\r\nX-A: 1\r\n\r\nx")
    assert mail.get("subject") == "Halo Déwi"
    assert [field.name for field in mail.fields] == ["Subject", "X-A"]


@pytest.mark.parametrize("line_end", [b"\r\n", b"\n"])
def test_parts_are_numbered_as_imap_does(line_end):
    raw = (
        b"Content-Type: multipart/mixed; boundary=m\r\n\r\nThis is for old programs.\r\n"
        b"--m\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n"
        b"--a\r\n\r\nText\r\n--a\r\nContent-Type: text/html\r\n\r\n<b>Bold</b>\r\n--a--\r\n"
        b"--m\r\nContent-Type: application/pdf; name*=utf-8''m%C3%A9nu.pdf\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\nUERG\r\n--m--\r\nAnd this, too.\r\n"
    ).replace(b"\r\n", line_end)
    mail = parts.read(raw)
    assert [part.number for part in mail.parts] == ["0", "1", "1.1", "1.2", "2"]
    assert mail.text == "Text"
    assert mail.html == "<b>Bold</b>"
    pdf = mail.part("2")
    assert (pdf.file_name, pdf.is_attachment) == ("ménu.pdf", True)
    assert parts.content_of(mail.raw, pdf) == b"PDF"


@pytest.mark.parametrize("name", sorted(hostile()))
def test_a_hostile_mail_costs_bounded_time_and_memory(name):
    raw = hostile()[name]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    mail = parts.read(raw)
    for look in frame.LOOKS:
        page = frame.page(mail, View(look=look))
        assert len(page) < 4 * parts.LONGEST_TEXT
    found, _more = links_in.links_of(mail, 1, {})
    assert len(found) <= links_in.MOST
    assert len(mail.parts) <= parts.MOST_PARTS
    assert len(mail.fields) <= parts.MOST_FIELDS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000


def test_a_mail_that_is_too_long_is_read_to_the_bound():
    raw = b"Subject: long\r\nContent-Type: text/html\r\n\r\n" + b"<p>" * 10_000_000
    mail = parts.read(raw)
    assert mail.is_cut
    assert mail.parts[0].is_cut
    assert len(mail.raw) == parts.MOST_BYTES
    assert len(mail.html) == parts.LONGEST_TEXT


def test_a_file_name_has_no_folders():
    mail = parts.read(hostile()["folders in a name"])
    assert "/" not in mail.parts[0].file_name
    assert mail.parts[0].file_name == "pass wd"


def test_it_reads_what_the_standard_library_reads():
    raw = (
        b"Content-Type: multipart/mixed; boundary=m\r\n\r\n"
        b"--m\r\nContent-Type: text/plain; charset=iso-8859-1\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\nCaf=E9 =\r\nsenja\r\n--m--\r\n"
    )
    theirs = message_from_bytes(raw, policy=policy.default).get_body(("plain",)).get_content()
    assert parts.read(raw).text.split() == theirs.split() == ["Café", "senja"]
