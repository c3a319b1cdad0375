"""Returned mails of our own making."""

from delivery.mime import tokens
from delivery.mime.tokens import Purpose


def bounce(  # noqa: PLR0913 - what a bounce may say
    recipient: str = "nina@resep.example",
    *,
    message: int | None = None,
    status: str = "5.1.1",
    words: str = "550 5.1.1 there is no such mailbox",
    number: int = 1,
    verp: bool = False,
    action: str = "failed",
) -> bytes:
    """Make a delivery status notification (RFC 3464) about one recipient."""
    to, header = "bounces@kopisenja.example", ""
    if message is not None and verp:
        to = f"bounce+{tokens.make(message, Purpose.BOUNCE)}@kopisenja.example"
    elif message is not None:
        header = f"X-Warta-Message: {tokens.make(message, Purpose.MESSAGE)}\n"
    return f"""\
From: Mail Delivery System <MAILER-DAEMON@mx.resep.example>
To: {to}
Subject: Undelivered Mail Returned to Sender
Message-ID: <returned-{number}-{recipient}>
Date: Fri, 20 Nov 2026 10:00:00 +0000
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="part"

--part
Content-Type: text/plain; charset=utf-8

Your message could not be delivered to {recipient}: {words}
--part
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.resep.example

Final-Recipient: rfc822; {recipient}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {words}

--part
Content-Type: text/rfc822-headers

From: Kopi Senja <news@kopisenja.example>
To: {recipient}
Subject: Panen raya
{header}
--part--
""".encode()


def plain(subject: str, text: str, *, number: int = 1) -> bytes:
    """Make an ordinary mail that no rule understands."""
    return f"""\
From: Somebody <postmaster@resep.example>
To: bounces@kopisenja.example
Subject: {subject}
Message-ID: <plain-{number}@resep.example>
Content-Type: text/plain; charset=utf-8

{text}
""".encode()


def absence(*, number: int = 1) -> bytes:
    """Make an absence note (RFC 3834)."""
    return plain("Out of office", "I am back on Monday.", number=number).replace(
        b"Content-Type", b"Auto-Submitted: auto-replied\nContent-Type"
    )
