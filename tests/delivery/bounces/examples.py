"""Mails that come back, made for these tests."""

from email.header import Header

OURS = "\r\n".join(  # noqa: FLY002 - a line each
    [
        "Return-Path: <bounce+abcdefghijklmnopqrstuvwxyz@bounces.example.com>",
        "Received: from app.example.com by mx.example.net; Mon, 2 Nov 2026 08:00:00 +0000",
        "From: Kopi <news@example.com>",
        "To: nina@example.org",
        "Subject: October",
        "Message-ID: <AAAAAAAAAAAAAAAAAAAAAA@example.com>",
        "X-Warta-Message: AAAAAAAAAAAAAAAAAAAAAA",
        "List-Unsubscribe: <https://warta.example/u/BBBBBBBBBBBBBBBBBBBBBB/>",
        "",
        "Hello Nina",
    ]
)
DAEMON = "Mail Delivery System <MAILER-DAEMON@mx.example.net>"
RETURNED = "Undelivered Mail Returned to Sender"
NOTE = "This is the mail system at host mx.example.net. Your message could not be delivered."


def mail(
    text: str,
    *,
    sender: str = DAEMON,
    subject: str = RETURNED,
    headers: str = "",
    charset: str = "utf-8",
) -> bytes:
    """A mail of one part."""
    encoded = Header(subject, "ascii" if subject.isascii() else "utf-8").encode()
    head = [
        f"From: {sender}",
        "To: bounces@example.com",
        f"Subject: {encoded}",
        "Date: Mon, 2 Nov 2026 09:00:00 +0100",
        *headers.splitlines(),
        "MIME-Version: 1.0",
        f"Content-Type: text/plain; charset={charset}",
        "Content-Transfer-Encoding: 8bit",
    ]
    return "\r\n".join([*head, "", ""]).encode() + text.encode(charset)


def report(  # noqa: PLR0913 - a mail has many parts
    fields: str,
    *,
    note: str = NOTE,
    ours: str = OURS,
    kind: str = "delivery-status",
    part: str = "",
    sender: str = DAEMON,
    subject: str = RETURNED,
    headers: str = "",
) -> bytes:
    """A multipart/report (RFC 6522) with these fields and a copy of our mail."""
    part = part or f"message/{kind}"
    lines = [
        f"From: {sender}",
        "To: bounces@example.com",
        f"Subject: {subject}",
        *headers.splitlines(),
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type={kind}; boundary="=_x"',
        "",
        "This is a MIME-encapsulated message.",
        "",
        "--=_x",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
        "",
        note,
        "",
        "--=_x",
        f"Content-Type: {part}",
        "Content-Transfer-Encoding: 8bit",
        "",
        fields.strip("\n"),
        "",
    ]
    if ours:
        lines += ["--=_x", "Content-Type: message/rfc822", "", ours]
    return "\r\n".join([*lines, "--=_x--", ""]).replace("\r\n", "\n").replace("\n", "\r\n").encode()
