"""Mails are handed in: by HTTP to an address of ours, by SMTP for a return-path domain."""

import asyncio
import io
import smtplib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.db import OperationalError
from django.test import Client

from accounts.input.limits import Limit
from accounts.models import Workspace
from delivery.bounces import intake, keeping, pipes, smtp_listener, smtp_quotas
from delivery.mime import tokens
from delivery.models import BounceMailbox, Message, ReturnedMail, SendingAccount
from delivery.states import MailboxProtocol, ReturnedState
from tests.delivery.bounces import mails


@pytest.fixture
def pipe(workspace: Workspace) -> BounceMailbox:
    mailbox = BounceMailbox(workspace=workspace, name="MTA", protocol=MailboxProtocol.PIPE)
    pipes.renew(mailbox)
    mailbox.save()
    return mailbox


def hand_in(client: Client, word: str, raw: bytes, query: str = "") -> Any:
    return client.post(f"/bounces/{word}/{query}", raw, content_type="message/rfc822")


def test_a_mail_is_handed_in_by_http(client: Client, pipe: BounceMailbox, message: Message) -> None:
    raw = mails.bounce(message=message.pk)
    for _twice in range(2):
        assert hand_in(client, pipes.word_of(pipe), raw).status_code == 200
    row = ReturnedMail.objects.get()
    assert (row.state, row.message_id, row.mailbox) == (
        ReturnedState.APPLIED,
        message.pk,
        pipe,
    )


@pytest.mark.parametrize("plus", ["%2B", "+"])
def test_whom_it_was_for_may_be_said(
    client: Client, pipe: BounceMailbox, message: Message, plus: str
) -> None:
    token = tokens.make(message.pk, tokens.Purpose.BOUNCE)
    query = f"?to=bounce{plus}{token}@kopisenja.example"
    hand_in(client, pipes.word_of(pipe), mails.bounce(), query)
    assert ReturnedMail.objects.get().message_id == message.pk


def test_nobody_else_hands_anything_in(client: Client, pipe: BounceMailbox) -> None:
    word = pipes.word_of(pipe)
    assert hand_in(client, "x" + word, mails.bounce()).status_code == 404
    assert client.get(f"/bounces/{word}/").status_code == 405
    assert hand_in(client, word, b"  ").status_code == 400
    pipes.renew(pipe)
    pipe.save()
    assert hand_in(client, word, mails.bounce()).status_code == 404
    BounceMailbox.objects.update(is_paused=True)
    assert hand_in(client, pipes.word_of(pipe), mails.bounce()).status_code == 503
    assert not ReturnedMail.objects.exists()


def test_of_a_large_mail_the_beginning_is_kept(client: Client, pipe: BounceMailbox) -> None:
    raw = mails.plain("Large", "x" * 70 + "\n") + b"y" * 3_000_000
    assert hand_in(client, pipes.word_of(pipe), raw).status_code == 200
    row = ReturnedMail.objects.get()
    assert (row.size, len(row.raw)) == (len(raw), keeping.LARGEST)


@pytest.mark.django_db(transaction=True)
def test_the_web_server_takes_large_mails_only_to_known_addresses(pipe: BounceMailbox) -> None:
    from config.server import bodies, uploads

    def most(word: str) -> int:
        return uploads.most_bytes(
            {
                "REQUEST_METHOD": "POST",
                "PATH_INFO": f"/bounces/{word}/",
                "wsgi.input": io.BytesIO(),
            }
        )

    assert most(pipes.word_of(pipe)) > 8_000_000
    assert most("unknown") == bodies.ANYBODY_BYTES


def test_the_mail_server_comes_again_while_the_database_is_away(
    client: Client, pipe: BounceMailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_args: Any, **_fields: Any) -> Any:
        raise OperationalError("away")

    monkeypatch.setattr(intake, "take", away)
    response = hand_in(client, pipes.word_of(pipe), mails.bounce())
    assert (response.status_code, response["Retry-After"]) == (503, "60")


@pytest.fixture
def listening(transactional_db: None) -> Iterator[int]:
    """A server for bounces on loopback, in a thread."""
    loop = asyncio.new_event_loop()
    handler = smtp_listener.Handler()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = loop.run_until_complete(smtp_listener.listen("127.0.0.1", port, handler))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield port

    async def end() -> None:
        server.close()
        tasks = [one for one in asyncio.all_tasks() if one is not asyncio.current_task()]
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run_coroutine_threadsafe(end(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    handler.threads.shutdown()
    loop.close()


@pytest.fixture
def account(workspace: Workspace) -> SendingAccount:
    return SendingAccount.objects.create(
        workspace=workspace, name="Own", return_path_domain="bounce.kopisenja.example"
    )


def send(port: int, address: str, raw: bytes) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
        client.sendmail("", [address], raw)


def test_a_return_path_of_ours_takes_mail_by_smtp(
    listening: int, account: SendingAccount, message: Message
) -> None:
    token = tokens.make(message.pk, tokens.Purpose.BOUNCE)
    send(listening, f"bounce+{token}@bounce.kopisenja.example", mails.bounce())
    send(listening, f"bounce+{token}@elsewhere.example", mails.bounce(number=2))
    send(listening, "postmaster@bounce.kopisenja.example", mails.bounce("b@b.example", number=3))
    rows = ReturnedMail.objects.order_by("pk")
    assert [row.message_id for row in rows] == [message.pk, message.pk, None]
    assert {row.workspace_id for row in rows} == {account.workspace_id}


@pytest.mark.parametrize(
    "address",
    [
        "someone@gmail.example",
        f"bounce+{'a' * 26}@elsewhere.example",
        "bounce+@elsewhere.example",
        "x@shared.example",
    ],
)
def test_it_is_no_relay_and_no_sink(
    listening: int, workspace: Workspace, other_workspace: Workspace, address: str
) -> None:
    for owner in (workspace, other_workspace):
        SendingAccount.objects.create(
            workspace=owner, name="Shared", return_path_domain="shared.example"
        )
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        send(listening, address, mails.bounce())
    assert refused.value.recipients[address][0] == 550
    assert not ReturnedMail.objects.exists()


def test_too_large_too_many_and_away(
    listening: int, account: SendingAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "x@bounce.kopisenja.example"
    with pytest.raises(smtplib.SMTPException):
        send(listening, address, b"x" * 100 + b"\r\n" + b"y" * smtp_listener.LARGEST)
    opened = [
        smtplib.SMTP("127.0.0.1", listening, timeout=20)
        for _each in range(smtp_listener.MOST_OF_AN_ADDRESS)
    ]
    with pytest.raises(smtplib.SMTPConnectError, match="421"):
        smtplib.SMTP("127.0.0.1", listening, timeout=20)
    for one in opened:
        one.quit()

    def away(*_args: Any, **_fields: Any) -> Any:
        raise OperationalError("away")

    monkeypatch.setattr(intake, "take", away)
    with pytest.raises(smtplib.SMTPDataError) as refused:
        send(listening, address, mails.bounce())
    assert refused.value.smtp_code == 451


@pytest.fixture
def nothing_counted() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.mark.usefixtures("nothing_counted")
def test_of_what_no_token_proves_little_is_kept_and_little_a_day(
    listening: int,
    account: SendingAccount,
    message: Message,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(smtp_quotas, "UNPROVEN", Limit(most=2, seconds=3_600))
    junk = b"\r\n" + b"y" * 70_000 + b"\r\n" + b"z" * 70_000
    for number in range(2):
        send(listening, "x@bounce.kopisenja.example", mails.bounce(number=number) + junk)
    kept = [len(raw) for raw in ReturnedMail.objects.values_list("raw", flat=True)]
    assert kept == [smtp_listener.UNPROVEN_BYTES] * 2
    assert min(ReturnedMail.objects.values_list("size", flat=True)) > 140_000
    with pytest.raises(smtplib.SMTPDataError) as refused:
        send(listening, "x@bounce.kopisenja.example", mails.bounce(number=3))
    assert refused.value.smtp_code == 452
    token = tokens.make(message.pk, tokens.Purpose.BOUNCE)
    send(listening, f"bounce+{token}@bounce.kopisenja.example", mails.bounce(number=4) + junk)
    assert len(ReturnedMail.objects.latest("pk").raw) > 140_000


@pytest.mark.usefixtures("nothing_counted")
@pytest.mark.parametrize("limit", ["OF_A_WORKSPACE", "OF_A_MESSAGE", "OF_A_NETWORK"])
def test_mails_are_counted(
    account: SendingAccount, message: Message, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(smtp_quotas, limit, Limit(most=1, seconds=3_600))
    token = tokens.make(message.pk, tokens.Purpose.BOUNCE)
    address = f"bounce+{token}@bounce.kopisenja.example"
    handler = smtp_listener.Handler()
    handler.take(mails.bounce(), [address], "198.41.0.4")
    with pytest.raises(smtp_listener.TooMuchError):
        handler.take(mails.bounce(number=2), [address], "198.41.0.200")
    assert ReturnedMail.objects.count() == 1


@pytest.mark.parametrize(
    ("peer", "network"),
    [
        ("198.41.0.4", "198.41.0.0/24"),
        ("::ffff:198.41.0.4", "198.41.0.0/24"),
        ("2001:503:ba3e::2:30", "2001:503:ba3e::/56"),
        ("127.0.0.1", ""),
        ("10.2.3.4", ""),
        ("fe80::1%eth0", ""),
        ("?", ""),
    ],
)
def test_networks_are_counted_as_one(peer: str, network: str) -> None:
    assert smtp_quotas.network_of(peer) == network
