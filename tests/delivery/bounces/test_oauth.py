"""Access tokens are got with the refresh token, from where we may connect to, and kept."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest

from accounts.installation import secrets
from delivery.bounces.mailboxes import fetching, oauth, trouble
from delivery.models import BounceMailbox
from tests.delivery.bounces import mails
from tests.delivery.bounces.dovecot import TOKEN, Dovecot

MakeMailbox = Callable[..., BounceMailbox]


class TokenServer:
    """A token address (RFC 6749, section 6) that answers what a test wants."""

    def __init__(self) -> None:
        self.status = 200
        self.answer: Any = {"access_token": TOKEN, "expires_in": 3600}
        self.asked: list[dict[str, list[str]]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                size = int(self.headers.get("Content-Length", 0))
                outer.asked.append(parse_qs(self.rfile.read(size).decode()))
                body = json.dumps(outer.answer).encode()
                self.send_response(outer.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_words: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/token"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def tokens(settings: Any) -> Iterator[TokenServer]:
    settings.OWN_PROVIDERS = ["127.0.0.1"]
    server = TokenServer()
    yield server
    server.server.shutdown()
    server.server.server_close()


@pytest.fixture
def mailbox(make_mailbox: MakeMailbox, tokens: TokenServer) -> BounceMailbox:
    stored = {"client_secret": "shh", "refresh_token": "again"}
    return make_mailbox(
        auth="xoauth2",
        client_id="warta",
        token_url=tokens.url,
        scope="mail",
        encrypted_secret=secrets.encrypt(json.dumps(stored)),
    )


def test_a_token_is_got_and_kept(
    mailbox: BounceMailbox, tokens: TokenServer, dovecot: Dovecot
) -> None:
    dovecot.put(mails.bounce())
    assert fetching.fetch(mailbox.pk, owner="test", seconds=60).mails == 1
    assert tokens.asked == [
        {
            "grant_type": ["refresh_token"],
            "refresh_token": ["again"],
            "client_id": ["warta"],
            "client_secret": ["shh"],
            "scope": ["mail"],
        }
    ]
    fetching.fetch(mailbox.pk, owner="test", seconds=60)
    assert len(tokens.asked) == 1
    mailbox.refresh_from_db()
    assert TOKEN.encode() not in bytes(mailbox.encrypted_token)


def test_a_refused_token_is_replaced_once(
    mailbox: BounceMailbox, tokens: TokenServer, dovecot: Dovecot
) -> None:
    tokens.answer = {"access_token": "stale", "expires_in": 3600}
    fetching.fetch(mailbox.pk, owner="test", seconds=60)
    mailbox.refresh_from_db()
    assert "the access token is refused" in mailbox.trouble
    assert mailbox.is_refused
    assert len(tokens.asked) == 2
    tokens.answer = {"access_token": TOKEN, "refresh_token": "newer"}
    fetching.fetch(mailbox.pk, owner="test", seconds=60)
    mailbox.refresh_from_db()
    assert mailbox.trouble == ""
    assert json.loads(secrets.decrypt(mailbox.encrypted_secret))["refresh_token"] == "newer"


@pytest.mark.parametrize(
    ("status", "answer", "words"),
    [
        (400, {"error": "invalid_grant", "error_description": "it was revoked"}, "it was revoked"),
        (200, {"token": "?"}, "sent no access token"),
        (200, [1], "sent no access token"),
        (500, {}, "HTTP 500"),
    ],
)
def test_what_the_token_address_says_is_said(
    mailbox: BounceMailbox, tokens: TokenServer, status: int, answer: Any, words: str
) -> None:
    tokens.status, tokens.answer = status, answer
    with pytest.raises(trouble.MailboxError, match=words) as raised:
        oauth.access_token(mailbox)
    assert raised.value.is_refused == (status < 500)


def test_no_token_from_the_inner_network(
    mailbox: BounceMailbox, tokens: TokenServer, settings: Any
) -> None:
    settings.OWN_PROVIDERS = []
    with pytest.raises(trouble.MailboxError, match="cannot be reached"):
        oauth.access_token(mailbox)
    assert tokens.asked == []
