"""Mails that come back, made as a recipient's mail server would make them.

Delivery status notifications (RFC 3464, RFC 6522), spam complaints (ARF, RFC 5965) and
out-of-office replies (RFC 3834), with the returned headers of the mail that they answer. Bytes are
joined by hand, because the returned headers must come back as they were, however broken.
"""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Final

from delivery.sandbox.addresses import DOMAIN
from delivery.states import SandboxAnswer

SERVER: Final = f"mx.{DOMAIN}"
LONGEST_HEADERS: Final = 32 * 1024  # bytes that are returned
LONGEST_ADDRESS: Final = 320
LONGEST_SUBJECT: Final = 200
_TRIED_FOR: Final = timedelta(days=5)


@dataclass(frozen=True, kw_only=True, slots=True)
class Original:
    """The mail that is answered: its envelope, its headers as they came, when it arrived."""

    return_path: str
    recipient: str
    head: bytes
    received_at: datetime

    @property
    def message_id(self) -> str:
        """The Message-ID with its brackets; "" without one."""
        return _header(self.head, b"message-id")


@dataclass(frozen=True, slots=True)
class _Refusal:
    status: str
    reply: str
    sentence: str
    action: str = "failed"


_REFUSALS: Final = {
    SandboxAnswer.NO_MAILBOX: _Refusal(
        "5.1.1",
        "550 5.1.1 <{recipient}>: Recipient address rejected: User unknown in local table",
        "The address does not exist on this server.",
    ),
    SandboxAnswer.MAILBOX_FULL: _Refusal(
        "5.2.2",
        "552 5.2.2 <{recipient}>: Mailbox full, the recipient is over quota",
        "The recipient's mailbox is full and takes no more mail for now.",
    ),
    SandboxAnswer.SPAM: _Refusal(
        "5.7.1",
        "550 5.7.1 Message rejected as spam by content filtering",
        "The message was refused, because it looks like spam.",
    ),
    SandboxAnswer.DELAYED: _Refusal(
        "4.4.1",
        "connect to mail.sandbox.example[192.0.2.25]:25: Connection timed out",
        "This is a warning only. You need not send the message again: we keep trying for 5 days.",
        action="delayed",
    ),
}
MAILED: Final = frozenset({*_REFUSALS, SandboxAnswer.COMPLAINT, SandboxAnswer.AUTO_REPLY})


def make(answer: SandboxAnswer, original: Original, *, now: datetime) -> bytes:
    """Return the mail that comes back, with CRLF at each line's end.

    Raises:
        KeyError: this answer is no mail (`MAILED` are).
    """
    if answer is SandboxAnswer.COMPLAINT:
        return _complaint(original, now)
    if answer is SandboxAnswer.AUTO_REPLY:
        return _auto_reply(original, now)
    return _status_notification(_REFUSALS[answer], original, now)


def _status_notification(refusal: _Refusal, original: Original, now: datetime) -> bytes:
    recipient, is_plain = _address(original.recipient), original.recipient.isascii()
    kind = "rfc822" if is_plain else "utf-8"
    is_delay = refusal.action == "delayed"
    report = [
        f"Reporting-MTA: dns; {SERVER}",
        f"Arrival-Date: {format_datetime(original.received_at)}",
        "",
        f"Original-Recipient: {kind};{recipient}",
        f"Final-Recipient: {kind};{recipient}",
        f"Action: {refusal.action}",
        f"Status: {refusal.status}",
        f"Diagnostic-Code: {'X-Postfix' if is_delay else 'smtp'}; "
        + refusal.reply.format(recipient=recipient),
    ]
    if is_delay:
        report.append(f"Will-Retry-Until: {format_datetime(now + _TRIED_FOR)}")
    else:
        report.insert(6, f"Remote-MTA: dns; mail.{DOMAIN}")
    text = [
        f"This is the mail system at host {SERVER}.",
        "",
        "I'm sorry to have to inform you that your message could not be delivered"
        + (" yet." if is_delay else " to one or more recipients."),
        "",
        f"<{recipient}>: {refusal.sentence}",
        f"    {refusal.reply.format(recipient=recipient)}",
    ]
    subject = (
        "Delayed Mail (still being retried)" if is_delay else "Undelivered Mail Returned to Sender"
    )
    return _report(
        [
            f"From: Mail Delivery System <MAILER-DAEMON@{SERVER}>",
            f"To: {_address(original.return_path)}",
            f"Subject: {subject}",
            "Auto-Submitted: auto-replied",
            *_envelope(now),
        ],
        text,
        ("message/delivery-status" if is_plain else "message/global-delivery-status", report),
        original,
    )


def _complaint(original: Original, now: datetime) -> bytes:
    report = [
        "Feedback-Type: abuse",
        "User-Agent: SandboxFeedback/1.0",
        "Version: 1",
        f"Original-Mail-From: <{_address(original.return_path)}>",
        f"Original-Rcpt-To: <{_address(original.recipient)}>",
        f"Arrival-Date: {format_datetime(original.received_at)}",
        f"Reporting-MTA: dns; {SERVER}",
        "Source-IP: 192.0.2.25",
    ]
    text = [
        "This is an email abuse report for an email message received by one of our users,",
        "who pressed the button that says it is spam.",
    ]
    return _report(
        [
            f"From: Feedback Loop <fbl@{SERVER}>",
            f"To: {_address(original.return_path)}",
            "Subject: FW: " + (_header(original.head, b"subject") or "(no subject)"),
            *_envelope(now),
        ],
        text,
        ("message/feedback-report", report),
        original,
    )


def _auto_reply(original: Original, now: datetime) -> bytes:
    message_id = original.message_id
    head = [
        f"From: {_address(original.recipient)}",
        f"To: {_address(original.return_path)}",
        "Subject: Auto: " + (_header(original.head, b"subject") or "(no subject)"),
        "Auto-Submitted: auto-replied (vacation)",
        *([f"In-Reply-To: {message_id}", f"References: {message_id}"] if message_id else []),
        *_envelope(now),
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
    ]
    body = [
        "Thank you for your message.",
        "",
        "I am out of the office until next Monday and will read it then.",
    ]
    return _lines([*head, "", *body])


def _report(
    head: list[str], text: list[str], report: tuple[str, list[str]], original: Original
) -> bytes:
    """Return a multipart/report: words for people, ``report`` for programs, the headers."""
    boundary = f"=_{secrets.token_hex(16)}"
    returned = original.head[:LONGEST_HEADERS].strip(b"\r\n")
    returned = re.sub(rb"\r\n|\r|\n", b"\r\n", returned.replace(b"\0", b""))
    opening = [
        *head,
        "Content-Type: multipart/report;",
        f"\treport-type={report[0].rpartition('/')[2].removeprefix('global-')};",
        f'\tboundary="{boundary}"',
        "",
        f"--{boundary}",
        "Content-Description: Notification",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
        "",
        *text,
        "",
        f"--{boundary}",
        f"Content-Type: {report[0]}",
        "",
        *report[1],
        "",
        f"--{boundary}",
        "Content-Description: Headers of the undelivered message",
        "Content-Type: text/rfc822-headers; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
        "",
    ]
    return _lines(opening) + returned + _lines(["", "", f"--{boundary}--"])


def _envelope(now: datetime) -> list[str]:
    return [
        f"Date: {format_datetime(now)}",
        f"Message-ID: <{secrets.token_hex(12)}@{SERVER}>",
        "MIME-Version: 1.0",
    ]


def _lines(lines: list[str]) -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode("utf-8", "replace")


def _address(address: str) -> str:
    """Return an address that can end neither a line nor a bracket."""
    kept = (one for one in address[:LONGEST_ADDRESS] if one.isprintable() and one not in "<> ,;")
    return "".join(kept)


def _header(head: bytes, name: bytes) -> str:
    """Return a header's value as it stands there, unfolded, in one bounded line."""
    found = re.search(
        rb"^" + re.escape(name) + rb":[ \t]*([^\r\n]{0,998}+(?:\r?\n[ \t][^\r\n]{0,998}+){0,20}+)",
        head,
        re.IGNORECASE | re.MULTILINE,
    )
    if not found:
        return ""
    text = " ".join(found[1].decode("utf-8", "replace").split())
    return "".join(one for one in text if one.isprintable())[: LONGEST_SUBJECT * 2]
