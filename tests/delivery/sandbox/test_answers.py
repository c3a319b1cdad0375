"""Mails that come back are what mail servers send: the standard library reads them so."""

import email
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from typing import Any

import pytest

from delivery.sandbox import answers
from delivery.sandbox.answers import Original
from delivery.states import SandboxAnswer

NOW = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)
HEAD = (
    b"From: Kopi Senja <kabar@kopisenja.example>\r\nTo: dewi@example.org\r\n"
    b"Subject: Halo D\xc3\xa9wi\r\nX-Warta-Message: token\r\n"
    b"Message-ID: <1@kopisenja.example>"
)
BOUNCES = (
    (SandboxAnswer.NO_MAILBOX, "failed", "5.1.1"),
    (SandboxAnswer.MAILBOX_FULL, "failed", "5.2.2"),
    (SandboxAnswer.SPAM, "failed", "5.7.1"),
    (SandboxAnswer.DELAYED, "delayed", "4.4.1"),
)


def original(**changes: object) -> Original:
    fields = {
        "return_path": "bounce+abc@kopisenja.example",
        "recipient": "dewi@example.org",
        "head": HEAD,
        "received_at": NOW,
    }
    return Original(**{**fields, **changes})


def made(answer: SandboxAnswer, **changes: object) -> EmailMessage:
    raw = answers.make(answer, original(**changes), now=NOW)
    assert b"\n" not in raw.replace(b"\r\n", b"")
    read = email.message_from_bytes(raw, policy=policy.default)
    assert not read.defects
    return read


def status_of(mail: EmailMessage) -> EmailMessage:
    report = next(
        part for part in mail.iter_parts() if "delivery-status" in part.get_content_type()
    )
    blocks: Any = report.get_payload()
    assert blocks[0]["Reporting-MTA"] == "dns; mx.sandbox.example"
    second: EmailMessage = blocks[1]
    return second


@pytest.mark.parametrize(("answer", "action", "status"), BOUNCES)
def test_a_bounce_is_a_delivery_status_notification(answer, action, status):
    mail = made(answer)
    assert mail.get_content_type() == "multipart/report"
    assert mail.get_param("report-type") == "delivery-status"
    assert mail["To"] == "bounce+abc@kopisenja.example"
    assert mail["Auto-Submitted"] == "auto-replied"
    about = status_of(mail)
    assert about["Final-Recipient"] == "rfc822;dewi@example.org"
    assert (about["Action"], about["Status"]) == (action, status)
    assert ("Will-Retry-Until" in about) == (answer is SandboxAnswer.DELAYED)
    returned = list(mail.iter_parts())[2]
    assert returned.get_content_type() == "text/rfc822-headers"
    assert "X-Warta-Message: token" in returned.get_content()
    assert "Halo Déwi" in returned.get_content()


def test_a_complaint_is_a_feedback_report():
    mail = made(SandboxAnswer.COMPLAINT)
    assert mail.get_param("report-type") == "feedback-report"
    report = list(mail.iter_parts())[1]
    assert report.get_content_type() == "message/feedback-report"
    text = report.as_string()
    assert "Feedback-Type: abuse" in text
    assert "Original-Rcpt-To: <dewi@example.org>" in text


def test_an_out_of_office_reply_says_that_a_program_wrote_it():
    mail = made(SandboxAnswer.AUTO_REPLY)
    assert mail["Auto-Submitted"].startswith("auto-replied")
    assert mail["In-Reply-To"] == "<1@kopisenja.example>"
    assert mail["From"] == "dewi@example.org"
    assert mail["Subject"] == "Auto: Halo Déwi"


def test_an_address_that_is_not_ascii_gets_the_international_report():
    mail = made(SandboxAnswer.NO_MAILBOX, recipient="déwi@example.org")
    types = [part.get_content_type() for part in mail.iter_parts()]
    assert types[1] == "message/global-delivery-status"


@pytest.mark.parametrize("answer", sorted(answers.MAILED))
def test_nothing_of_a_hostile_mail_ends_a_line_or_a_part(answer):
    evil = "x>\r\nBcc: everybody@example.org\r\n\r\nhi"
    mail = made(
        SandboxAnswer(answer),
        recipient=f"{evil}@example.org",
        return_path=f"{evil}@example.org",
        head=b"Subject: a\n\nb\r\n\r\n--x\r\nMessage-ID: <a\x00>\r\n" + b"X-A: \xff\r\n" * 100_000,
    )
    assert mail["Bcc"] is None
    assert len(mail.as_bytes()) < answers.LONGEST_HEADERS * 3


def test_they_are_read_as_what_they_are():
    from delivery.bounces import reading

    wanted = {answer: "BOUNCE" for answer, _action, _status in BOUNCES[:3]} | {
        SandboxAnswer.DELAYED: "DELAY",
        SandboxAnswer.COMPLAINT: "COMPLAINT",
        SandboxAnswer.AUTO_REPLY: "AUTO_REPLY",
    }
    for answer, kind in wanted.items():
        read = reading.read(answers.make(answer, original(), now=NOW))
        assert read.kind.name == kind, answer
        if kind in {"BOUNCE", "DELAY"}:
            assert [one.recipient for one in read.reports] == ["dewi@example.org"]
