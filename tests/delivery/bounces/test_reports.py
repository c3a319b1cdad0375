"""Delivery reports (RFC 3464, RFC 6522, RFC 6533), complaints (RFC 5965), and what they return."""

import base64

import pytest

from delivery.bounces.reading import MailKind, read
from delivery.refusals.causes import Cause
from delivery.states import Effect, EventKind
from tests.delivery.bounces.examples import DAEMON, OURS, mail, report

UNKNOWN = """
Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; nina@example.org
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 <nina@example.org>: User unknown
"""


def test_a_report_is_read():
    reading = read(report(UNKNOWN))
    assert reading.kind is MailKind.BOUNCE
    [told] = reading.reports
    assert (told.recipient, told.kind) == ("nina@example.org", EventKind.BOUNCED)
    assert (told.cause, told.effect) == (Cause.USER_UNKNOWN, Effect.ADDRESS_INVALID)
    assert (told.code, told.enhanced) == (550, "5.1.1")
    assert told.text == "550 5.1.1 <nina@example.org>: User unknown"


def test_it_names_our_mail_in_several_ways():
    reading = read(report(UNKNOWN))
    assert reading.header_id == "AAAAAAAAAAAAAAAAAAAAAA@example.com"
    assert reading.tokens == (
        "abcdefghijklmnopqrstuvwxyz",
        "AAAAAAAAAAAAAAAAAAAAAA",
        "BBBBBBBBBBBBBBBBBBBBBB",
    )


def test_the_address_it_came_to_names_it_too():
    headers = "Delivered-To: bounce+ZYXWVUTSRQPONMLKJIHGFEDCBA@bounces.example.com"
    reading = read(report(UNKNOWN, ours="", headers=headers))
    assert reading.tokens == ("zyxwvutsrqponmlkjihgfedcba",)


def test_each_recipient_has_a_fate_of_their_own():
    fields = """
Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; gone@example.org
Action: failed
Status: 5.1.1

Final-Recipient: rfc822; full@example.org
Action: failed
Status: 5.2.2

Final-Recipient: rfc822; slow@example.org
Action: delayed
Status: 4.4.1

Final-Recipient: rfc822; good@example.org
Action: delivered
Status: 2.0.0

Final-Recipient: rfc822; list@example.org
Action: expanded
Status: 2.0.0
"""
    reading = read(report(fields))
    assert reading.kind is MailKind.BOUNCE
    assert {told.recipient: (told.kind, told.effect) for told in reading.reports} == {
        "gone@example.org": (EventKind.BOUNCED, Effect.ADDRESS_INVALID),
        "full@example.org": (EventKind.BOUNCED, Effect.MAILBOX_FULL),
        "slow@example.org": (EventKind.DELAYED, Effect.DELAY),
        "good@example.org": (EventKind.DELIVERED, Effect.NONE),
        "list@example.org": (EventKind.DELIVERED, Effect.NONE),
    }


@pytest.mark.parametrize(
    ("action", "kind"), [("delayed", MailKind.DELAY), ("relayed", MailKind.DELIVERY_NOTE)]
)
def test_a_report_that_is_no_bounce_is_none(action, kind):
    fields = f"Final-Recipient: rfc822; nina@example.org\nAction: {action}\nStatus: 4.0.0"
    reading = read(report(fields))
    assert reading.kind is kind
    assert all(told.effect is not Effect.ADDRESS_INVALID for told in reading.reports)


def test_the_address_that_led_there_is_told_beside():
    fields = UNKNOWN + "Original-Recipient: rfc822;info@example.org\n"
    [told] = read(report(fields)).reports
    assert (told.recipient, told.mailed) == ("nina@example.org", "info@example.org")


def test_a_recipient_without_a_domain_is_the_one_we_mailed():
    fields = """
Original-Recipient: rfc822;nina@example.org
Final-Recipient: rfc822;nina@mailhub
Action: failed
Status: 5.1.1
"""
    assert [told.recipient for told in read(report(fields)).reports] == ["nina@example.org"]


@pytest.mark.parametrize(
    ("field", "recipient"),
    [
        ("rfc822; <nina@example.org>", "nina@example.org"),
        ("RFC822;nina@example.org (Nina)", "nina@example.org"),
        ("nina@example.org", "nina@example.org"),
        ("utf-8; nína@exämple.org", "nína@exämple.org"),
        (r"utf-8; n\x{ED}na@example.org", "nína@example.org"),
        ("rfc822; nina+2Bnews@example.org", "nina+news@example.org"),
        ('rfc822; "nina k"@example.org', '"nina k"@example.org'),
    ],
)
def test_a_recipient_is_read_however_it_is_written(field, recipient):
    fields = f"Final-Recipient: {field}\nAction: failed\nStatus: 5.1.1"
    part = "message/global-delivery-status"
    assert [told.recipient for told in read(report(fields, part=part)).reports] == [recipient]


def test_a_report_without_an_empty_line_between_recipients_is_read():
    fields = """
Final-Recipient: rfc822; a@example.org
Action: failed
Status: 5.1.1
Final-Recipient: rfc822; b@example.org
Action: failed
Status: 5.2.2
"""
    assert [told.recipient for told in read(report(fields)).reports] == [
        "a@example.org",
        "b@example.org",
    ]


def test_a_report_pasted_into_text_is_read():
    text = "----- forwarded -----\n" + UNKNOWN.replace("\n", "\n> ")
    reading = read(mail(text, sender="Nina <nina@example.net>", subject="Fwd: Returned mail"))
    assert [told.recipient for told in reading.reports] == ["nina@example.org"]


def test_a_report_wrapped_by_a_gateway_is_read():
    inner = report(UNKNOWN).decode()
    outer = (
        "From: gateway@example.net\r\nTo: bounces@example.com\r\nSubject: Message\r\n"
        "Content-Type: multipart/mixed; boundary=outer\r\n\r\n"
        "--outer\r\nContent-Type: text/plain\r\n\r\nScanned.\r\n"
        f"--outer\r\nContent-Type: message/rfc822\r\n\r\n{inner}\r\n--outer--\r\n"
    )
    reading = read(outer.encode())
    assert [told.recipient for told in reading.reports] == ["nina@example.org"]
    assert reading.header_id == "AAAAAAAAAAAAAAAAAAAAAA@example.com"


def test_the_servers_words_are_found_in_the_note_when_the_fields_have_none():
    fields = "Final-Recipient: rfc822; nina@example.org\nAction: failed\nStatus: 5.0.0"
    note = (
        "<nina@example.org>: host mx.example.org said: 552 5.2.2 over quota (in reply to RCPT TO)"
    )
    [told] = read(report(fields, note=note)).reports
    assert (told.effect, told.code) == (Effect.MAILBOX_FULL, 552)


def test_supplementary_words_of_gateways_count():
    fields = """
Final-Recipient: rfc822; nina@example.org
Action: failed
Status: 5.0.0
X-Supplementary-Info: <mx.example.org #5.0.0 smtp;
 554 5.7.1 blocked using a blocklist>
"""
    assert [told.effect for told in read(report(fields)).reports] == [Effect.SENDER_BLOCKED]


def test_absence_in_a_report_is_no_bounce():
    fields = "Final-Recipient: rfc822; nina@example.org\nAction: failed\nStatus: 5.0.0"
    reading = read(
        report(
            fields,
            sender="Nina <nina@example.org>",
            subject="Out of Office: October",
            note="I am out of the office until Monday.",
        )
    )
    assert reading.kind is MailKind.AUTO_REPLY
    assert [told.effect for told in reading.reports] == [Effect.AUTO_REPLY]


def test_our_own_subject_says_nothing_of_what_a_mail_is():
    ours = OURS.replace("Subject: October", "Subject: Out of office? Our vacation offers")
    subject = "Undeliverable: Out of office? Our vacation offers"
    assert read(report(UNKNOWN, ours=ours, subject=subject)).kind is MailKind.BOUNCE


def test_a_challenge_in_a_report_is_no_bounce():
    fields = "Final-Recipient: rfc822; nina@example.org\nStatus: 4.7.0"
    reading = read(
        report(
            fields,
            sender="guests@guestlist.example",
            subject="Re: October (Action Required)",
            note="Please add yourself to my guest list: confirm that you sent this message.",
        )
    )
    assert reading.kind is MailKind.CHALLENGE


def test_a_receipt_is_no_bounce():
    fields = "Final-Recipient: rfc822; nina@example.org\nDisposition: automatic-action; deleted"
    reading = read(
        report(
            fields,
            kind="disposition-notification",
            sender="nina@example.org",
            subject="Not read: October",
        )
    )
    assert (reading.kind, reading.reports) == (MailKind.OTHER, ())


ABUSE = """
Feedback-Type: abuse
User-Agent: SomeGenerator/1.0
Version: 1
Original-Mail-From: <news@example.com>
"""


def complaint(fields: str = ABUSE, **more: str) -> bytes:
    return report(
        fields, kind="feedback-report", sender="fbl@example.net", subject="FW: October", **more
    )


def test_a_complaint_is_read():
    reading = read(complaint())
    assert (reading.kind, reading.feedback_type) == (MailKind.COMPLAINT, "abuse")
    [told] = reading.reports
    assert (told.recipient, told.kind) == ("nina@example.org", EventKind.COMPLAINED)
    assert told.effect is Effect.COMPLAINT


def test_a_complaint_that_hides_its_reader_still_names_our_mail():
    hidden = OURS.replace("To: nina@example.org", "To: redacted@example.org")
    reading = read(complaint(ours=hidden))
    assert [told.recipient for told in reading.reports] == [""]
    assert "AAAAAAAAAAAAAAAAAAAAAA" in reading.tokens


def test_the_recipient_of_the_envelope_is_preferred():
    reading = read(complaint(ABUSE + "Original-Rcpt-To: <nina+news@example.org>\n"))
    assert [told.recipient for told in reading.reports] == ["nina+news@example.org"]


@pytest.mark.parametrize(
    ("feedback", "kind"),
    [
        ("fraud", MailKind.COMPLAINT),
        ("virus", MailKind.COMPLAINT),
        ("opt-out", MailKind.UNSUBSCRIBE_REQUEST),
        ("not-spam", MailKind.OTHER),
        ("auth-failure", MailKind.OTHER),
    ],
)
def test_only_complaints_are_complaints(feedback, kind):
    reading = read(complaint(ABUSE.replace("abuse", feedback)))
    assert (reading.kind, reading.feedback_type) == (kind, feedback)
    assert bool(reading.reports) is (kind is not MailKind.OTHER)


def test_a_complaint_whose_parts_were_lost_is_read():
    reading = read(mail(f"Somebody complained.\n{ABUSE}Original-Rcpt-To: nina@example.org\n"))
    assert (reading.kind, reading.feedback_type) == (MailKind.COMPLAINT, "abuse")
    assert [told.recipient for told in reading.reports] == ["nina@example.org"]


def test_outlooks_complaints_of_old_are_read():
    raw = (
        b"From: staff@hotmail.com\r\nTo: abuse@example.com\r\n"
        b"Subject: complaint about message from 192.0.2.1\r\n"
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n"
        b"--x\r\nContent-Type: message/rfc822\r\n\r\n"
        b"X-HmXmrOriginalRecipient: nina@outlook.example\r\n" + OURS.encode() + b"\r\n--x--\r\n"
    )
    reading = read(raw)
    assert reading.kind is MailKind.COMPLAINT
    assert [told.recipient for told in reading.reports] == ["nina@outlook.example"]


def test_amazons_notifications_by_mail_are_read():
    text = (
        '{"notificationType":"Bounce","bounce":{"bounceType":"Permanent","bouncedRecipients":'
        '[{"emailAddress":"nina@example.org","status":"5.1.1","action":"failed",'
        '"diagnosticCode":"smtp; 550 5.1.1 user unknown"}]},'
        '"mail":{"messageId":"0100018b-0000"}}\n--\nTo stop these, unsubscribe.'
    )
    reading = read(
        mail(text, sender="AWS <no-reply@sns.example>", subject="AWS Notification Message")
    )
    assert (reading.kind, reading.provider_ids) == (MailKind.BOUNCE, ("0100018b-0000",))
    assert [told.effect for told in reading.reports] == [Effect.ADDRESS_INVALID]


def test_a_mail_to_unsubscribe_carries_its_token():
    reading = read(mail("", sender="Nina <nina@example.org>", subject="CCCCCCCCCCCCCCCCCCCCCC"))
    assert reading.tokens == ("CCCCCCCCCCCCCCCCCCCCCC",)


def test_parts_in_base64_and_broken_charsets_are_read():
    fields = base64.b64encode(UNKNOWN.strip().encode()).decode()
    raw = report(fields).replace(
        b"message/delivery-status\r\nContent-Transfer-Encoding: 8bit",
        b"message/delivery-status; charset=no-such-charset\r\nContent-Transfer-Encoding: base64",
    )
    assert [told.recipient for told in read(raw).reports] == ["nina@example.org"]


def test_when_it_was_written_is_believed_within_reason():
    assert str(read(mail("x")).at) == "2026-11-02 08:00:00+00:00"
    for date in (
        "Mon, 1 Jan 99999 00:00:00 +0000",
        "yesterday",
        "1",
        "Thu, 1 Jan 1970 00:00:00 +0000",
    ):
        raw = mail("x").replace(b"Mon, 2 Nov 2026 09:00:00 +0100", date.encode())
        assert read(raw).at is None


def test_html_alone_is_read():
    html = (
        "<style>p{color:red}</style><p>Your message could not be delivered to</p>"
        "<p>&lt;nina@example.org&gt;: 550 5.1.1 user&nbsp;unknown</p>"
    )
    raw = mail(html, sender=DAEMON).replace(b"text/plain", b"text/html")
    [told] = read(raw).reports
    assert (told.recipient, told.effect) == ("nina@example.org", Effect.ADDRESS_INVALID)
