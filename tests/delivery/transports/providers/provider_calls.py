"""A mail to each provider, over our transport, to a server on loopback."""

from collections.abc import Callable
from typing import Any

from delivery.sandbox.provider_server import ProviderServer
from delivery.states import Provider
from delivery.transports.protocol import Outgoing
from delivery.transports.providers.backend import AnymailTransport
from delivery.transports.providers.request import ProviderSettings
from tests.delivery.transports.sending import Journal, Sent, send_over

MAIL = (
    b"From: =?utf-8?q?Kopi_S=C3=A9nja?= <news@kopisenja.example>\r\n"
    b"Reply-To: tanya@kopisenja.example\r\n"
    b"To: =?utf-8?q?B=C3=BCdi?= <reader%(n)d@example.org>\r\n"
    b"Subject: =?utf-8?q?Panen_=E2=98=95?=\r\n"
    b"Date: Wed, 25 Nov 2026 08:00:00 +0000\r\n"
    b"Message-ID: <token%(n)d@kopisenja.example>\r\n"
    b"X-Warta-Message: token%(n)d\r\n"
    b"List-Unsubscribe: <https://warta.example/u/abc%(n)d/>,\r\n"
    b" <mailto:leave@kopisenja.example>\r\n"
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    b"List-Id: News <news.kopisenja.example>\r\n"
    b"Feedback-ID: c1:w1:campaign:kopi\r\n"
    b"Precedence: bulk\r\n"
    b"MIME-Version: 1.0\r\n"
    b'Content-Type: multipart/alternative;\r\n boundary="=_x"\r\n\r\n'
    b"--=_x\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\nHalo B=C3=BCdi\r\n"
    b"--=_x\r\nContent-Type: text/html; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\n<p>Halo B=C3=BCdi</p>\r\n--=_x--\r\n"
)
KEYS: dict[Provider, dict[str, str]] = {
    Provider.AMAZON_SES: {
        "access_key_id": "AKIDEXAMPLE",
        "secret_access_key": "secret",
        "region": "eu-central-1",
    },
    Provider.MAILERSEND: {"api_token": "token"},
    Provider.MAILGUN: {"api_key": "key-1", "sender_domain": "mg.kopisenja.example"},
    Provider.MAILJET: {"api_key": "key-1", "secret_key": "secret"},
    Provider.MAILTRAP: {"api_token": "token"},
    Provider.POSTMARK: {"server_token": "token"},
    Provider.SCALEWAY: {"secret_key": "secret", "project_id": "b1f2-33", "region": "fr-par"},
}
BASES = {
    Provider.MAILERSEND: "v1/",
    Provider.MAILJET: "v3.1/",
    Provider.MAILTRAP: "api/",
}


def mail(number: int, **changes: Any) -> Outgoing:
    values: dict[str, Any] = {
        "message_id": number,
        "envelope_from": "news@kopisenja.example",
        "envelope_to": f"reader{number}@example.org",
        "data": MAIL % {b"n": number},
    }
    return Outgoing(**(values | changes))


def transport(
    server: ProviderServer, which: Provider = Provider.SENDGRID, **changes: Any
) -> AnymailTransport:
    arguments = KEYS.get(which, {"api_key": "key-1"}) | {
        "api_url": server.url + BASES.get(which, "")
    }
    values: dict[str, Any] = {"max_connections": 4, "seconds": 2.0} | changes
    return AnymailTransport(ProviderSettings(provider=which, arguments=arguments, **values))


def send(
    server: ProviderServer,
    count: int = 1,
    which: Provider = Provider.SENDGRID,
    *,
    journal: Journal | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    **changes: Any,
) -> Sent:
    used = transport(server, which, **changes)
    try:
        return send_over(
            used, [mail(n) for n in range(1, count + 1)], journal=journal, should_stop=should_stop
        )
    finally:
        used.close()
