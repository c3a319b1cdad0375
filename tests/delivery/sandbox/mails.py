"""Mails for the tests of the sandbox inbox: real ones of a campaign, and hostile ones."""

from typing import Any

from campaigns.models import Campaign
from delivery.mime import tokens
from delivery.mime.tokens import Purpose
from delivery.models import Message, SandboxMessage
from subscribers.models import Subscriber
from tests.delivery.makers import make_list, make_message, make_sent_campaign, make_subscriber

HTML = (
    '<!doctype html><html><head><meta name="color-scheme" content="light dark"><style>'
    "@media (prefers-color-scheme: dark) {{ p {{ color: white }} }}</style></head><body>"
    "<p>Halo Dewi</p><script>alert(1)</script>"
    '<a href="https://warta.example/c/{track}/1/">Lihat menu</a>'
    '<a href="https://warta.example/u/{leave}/">Berhenti</a>'
    '<img src="cid:logo@kopi" alt="Logo"><img src="https://pictures.example/beans.png" alt="">'
    '<img src="https://warta.example/o/{track}.gif" alt="" width="1" height="1"></body></html>'
)


def campaign_mail(message: Message, *, to: str = "dewi@example.org") -> bytes:
    """Return a mail as the product would send it for a message, by its tokens."""
    track = tokens.make(message.pk, Purpose.TRACK)
    leave = tokens.make(message.pk, Purpose.UNSUBSCRIBE)
    token = tokens.make(message.pk, Purpose.MESSAGE)
    html = HTML.format(track=track, leave=leave)
    return (
        f"From: Kopi Senja <kabar@kopisenja.example>\r\nTo: {to}\r\n"
        "Subject: =?utf-8?q?Panen_kopi_D=C3=A9wi?=\r\n"
        f"Date: Fri, 20 Nov 2026 09:00:00 +0000\r\nMessage-ID: <{token}@kopisenja.example>\r\n"
        f"X-Warta-Message: {token}\r\n"
        f"List-Unsubscribe: <https://warta.example/u/{leave}/>\r\n"
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nPrecedence: bulk\r\n"
        'MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary="r"\r\n\r\n'
        '--r\r\nContent-Type: multipart/alternative; boundary="a"\r\n\r\n'
        "--a\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        f"Halo Déwi, kopi baru dari Gayo.\r\nhttps://warta.example/c/{track}/1/\r\n"
        "--a\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
        f"{html}\r\n--a--\r\n"
        "--r\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n"
        "Content-ID: <logo@kopi>\r\nContent-Disposition: inline; filename=logo.png\r\n\r\n"
        "iVBORw0KGgo=\r\n--r--\r\n"
    ).encode()


def keep(workspace: Any, raw: bytes, **fields: Any) -> SandboxMessage:
    """Put a mail into an inbox."""
    return SandboxMessage.objects.create(
        workspace=workspace,
        raw=raw,
        size=len(raw),
        **{
            "envelope_from": "kabar@kopisenja.example",
            "envelope_to": "dewi@example.org",
            "subject": "Panen kopi",
            **fields,
        },
    )


def sent(workspace: Any) -> tuple[Campaign, Subscriber, Message, SandboxMessage]:
    """Make a campaign that was sent to Dewi through the sandbox."""
    mailing_list = make_list(workspace, "Mingguan")
    person = make_subscriber(workspace, "dewi@example.org", mailing_list)
    campaign = make_sent_campaign(workspace, mailing_list)
    message = make_message(campaign, person)
    mail = keep(workspace, campaign_mail(message), ledger_id=message.pk)
    return campaign, person, message, mail


def hostile() -> dict[str, bytes]:
    """Return mails that are made to cost time or memory, or to do harm, by what they do."""
    part = b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n"
    nested = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n)
        for n in range(2_000)
    )
    html = b"Content-Type: text/html; charset=utf-8\r\n\r\n"
    return {
        "empty": b"",
        "only line ends": b"\r\n" * 100_000,
        "10,000 parts": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + part * 10_000,
        "nested to the sky": nested,
        "3 MB of one header": b"X-A: " + b"a" * 3_000_000,
        "100,000 headers": b"X-A: a\r\n" * 100_000 + b"\r\nx",
        "a million tags": html + b"<div>" * 400_000,
        "open attributes": html + b'<a href="' * 200_000,
        "attributes without end": html + b"<a " + b"x=y " * 500_000 + b"href=q>z",
        "broken base64": (
            b"Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n!=A="
        ),
        "unknown charset": b"Content-Type: text/plain; charset=\xff\xfe\r\n\r\n\xff\xfe\x00",
        "a codec that is none": b"Content-Type: text/html; charset=unicode_escape\r\n\r\n\\q\\x",
        "folders in a name": (
            b"Content-Type: application/pdf\r\n"
            b'Content-Disposition: attachment; filename="../../etc/pass\r\n wd"\r\n\r\nx'
        ),
        "blanks": html + b" " * 1_000_000 + b"x",
        "signatures": b"DKIM-Signature: v=1; d=a; s=b; b=" + b"A" * 50_000 + b"\r\n\r\n" * 50,
    }
