"""SendGrid, Mailgun and Postmark, as they document their APIs: sent to, and heard of again."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from delivery.events.webhooks import judging, reading
from delivery.mime import tokens
from delivery.sandbox.provider_server import ProviderServer, Reply, Request, running
from delivery.states import EventKind, Provider
from delivery.transports.protocol import Outgoing, Verdict
from tests.delivery.transports.providers.provider_calls import KEYS, MAIL, mail, send, transport
from tests.delivery.transports.providers.strict_apis import APIS, Wrong, check_sendgrid
from tests.delivery.transports.sending import Sent, send_over

THREE = list(APIS)


@pytest.fixture(autouse=True)
def _own_provider(settings: Any) -> None:
    settings.OWN_PROVIDERS = ["127.0.0.1"]


def send_one(server: ProviderServer, which: Provider, one: Outgoing, **changes: Any) -> Sent:
    used = transport(server, which, **changes)
    try:
        return send_over(used, [one])
    finally:
        used.close()


@pytest.mark.parametrize("which", THREE)
def test_every_request_is_as_the_provider_wants_it(which):
    with running(APIS[which]()) as server:
        done = send(server, 20, which)
    assert done.trouble is None
    assert done.verdicts == [Verdict.SENT] * 20
    assert len({outcome.provider_id for outcome in done.outcomes.values()}) == 20


ODD: dict[str, Callable[[bytes], bytes]] = {
    "no name": lambda data: data.replace(b"=?utf-8?q?B=C3=BCdi?= ", b""),
    "quoted name": lambda data: data.replace(b"=?utf-8?q?B=C3=BCdi?=", b'"Budi, \\"Kopi\\" (x)"'),
    "no text part": lambda data: data.replace(b"Halo B=C3=BCdi\r\n--", b"x\r\n--"),
    "long header": lambda data: data.replace(
        b"Feedback-ID: c1", b"Feedback-ID: " + b"c" * 200 + b"\r\n  :c1"
    ),
    "long words": lambda data: data.replace(
        b"Subject: =?utf-8?q?Panen_=E2=98=95?=", b"Subject: " + b" ".join([b"harvest"] * 200)
    ),
    "many lines": lambda data: data.replace(b"<p>Halo", b"<p>" + b"x=\r\n" * 20_000 + b"Halo"),
}


@pytest.mark.parametrize("odd", list(ODD))
@pytest.mark.parametrize("which", THREE)
def test_odd_mails_are_as_the_provider_wants_them(which, odd):
    with running(APIS[which]()) as server:
        done = send_one(server, which, mail(1, data=ODD[odd](MAIL % {b"n": 1})))
    assert done.trouble is None
    assert done.verdicts == [Verdict.SENT], done.outcomes


@pytest.mark.parametrize("which", THREE)
def test_a_wrong_key_stops_the_account_and_fails_nobody(which, monkeypatch):
    given = KEYS.get(which, {"api_key": ""})
    wrong = {name: value if name == "sender_domain" else "wrong" for name, value in given.items()}
    monkeypatch.setitem(KEYS, which, wrong)
    with running(APIS[which]()) as server:
        done = send(server, 3, which)
    assert set(done.verdicts) == {Verdict.NOT_SENT}
    assert done.trouble.permanent


@pytest.mark.parametrize("which", THREE)
def test_an_address_that_is_none_fails_with_the_providers_words(which):
    one = mail(1, envelope_to="reader@nowhere")
    with running(APIS[which]()) as server:
        used = transport(server, which)
        done = send_over(used, [mail(2), one])
        used.close()
    assert done.outcomes[2].verdict is Verdict.SENT
    assert done.outcomes[1].verdict in {Verdict.FAILED, Verdict.DEFERRED}
    assert done.outcomes[1].text


def busy_at(which: Provider, at: int, reply: Reply) -> Callable[[Request], Reply]:
    strict, seen = APIS[which](), []

    def answer(request: Request) -> Reply:
        seen.append(request)
        return reply if len(seen) == at else strict(request)

    return answer


@pytest.mark.parametrize("which", THREE)
def test_too_many_requests_wait_as_long_as_the_provider_says(which):
    reply = Reply(status=429, body={"message": "Too many requests"}, headers={"Retry-After": "37"})
    with running(busy_at(which, 3, reply)) as server:
        done = send(server, 8, which, max_connections=1)
    assert done.trouble.is_patience
    assert done.trouble.retry_after == 37
    assert Verdict.FAILED not in done.verdicts
    assert done.verdicts.count(Verdict.SENT) == 2


@pytest.mark.parametrize("status", [500, 502, 503])
@pytest.mark.parametrize("which", THREE)
def test_a_failure_of_the_provider_fails_nobody(which, status):
    reply = Reply(status=status, body={"message": "Internal error"})
    with running(busy_at(which, 2, reply)) as server:
        done = send(server, 5, which, max_connections=1)
    kinds = {Verdict.SENT, Verdict.DEFERRED, Verdict.UNKNOWN}
    assert set(done.verdicts) <= kinds
    assert done.verdicts.count(Verdict.SENT) == 4


# What each provider gives back in its events of what it was given with the mail.
def echo_of_sendgrid(request: Request, number: str) -> dict[str, Any]:
    body = request.json
    person = body["personalizations"][0]
    echoed = {**body.get("custom_args", {}), **person.get("custom_args", {})}
    return {
        "event": "bounce",
        "email": person["to"][0]["email"],
        "sg_event_id": "e1",
        "sg_message_id": f"{number}.filter-1",
        "smtp-id": body["headers"]["Message-ID"],
        "reason": "550 5.1.1 no such user",
        "status": "5.1.1",
        **echoed,
    }


def echo_of_mailgun(request: Request, number: str) -> dict[str, Any]:
    form = request.form()
    variables = {name[2:]: value.decode() for name, value in form.items() if name[:2] == "v:"}
    inner = {
        "event": "failed",
        "severity": "permanent",
        "id": "e1",
        "timestamp": 1_764_000_000.1,
        "recipient": form["to"].decode().rpartition("<")[2].strip("> "),
        "message": {"headers": {"message-id": number.strip("<>")}},
        "user-variables": variables,
        "delivery-status": {"code": 550, "message": "550 5.1.1 no such user"},
    }
    return {"event-data": inner, "signature": {"token": "t"}}


def echo_of_postmark(request: Request, number: str) -> dict[str, Any]:
    body = request.json
    return {
        "RecordType": "Bounce",
        "Type": "HardBounce",
        "ID": 1,
        "MessageID": number,
        "Email": body["To"].rpartition("<")[2].strip("> "),
        "Details": "smtp;550 5.1.1 no such user",
        "Metadata": body.get("Metadata", {}),
    }


ECHOES = {
    Provider.SENDGRID: echo_of_sendgrid,
    Provider.MAILGUN: echo_of_mailgun,
    Provider.POSTMARK: echo_of_postmark,
}


@pytest.mark.parametrize("which", THREE)
def test_what_goes_out_with_a_mail_comes_back_and_proves_which_it_was(which):
    token = tokens.make(4711, tokens.Purpose.MESSAGE)
    data = MAIL.replace(b"token%(n)d", token.encode()) % {b"n": 1}
    with running(APIS[which]()) as server:
        done = send_one(server, which, mail(1, data=data))
        request = server.requests[0]
    given = done.outcomes[1].provider_id
    (said,) = reading.read(which, json.loads(json.dumps(ECHOES[which](request, given))))
    assert said.kind is EventKind.BOUNCED
    assert said.recipient == "reader1@example.org"
    assert said.provider_id.strip("<>") == given.strip("<>")
    assert judging.proven(said) == 4711


def test_the_checks_refuse_what_the_provider_would():
    """The answerers would prove nothing if they took everything."""
    with running(APIS[Provider.SENDGRID]()) as server:
        send(server, 1)
        good = server.requests[0]
    for change in (
        {"subject": ""},
        {"content": []},
        {"personalizations": []},
        {"personalizations": [{"to": [{"email": f"r{n}@a.example"} for n in range(1_001)]}]},
        {"custom_args": {"x": "y" * 10_001}},
        {"headers": {"Subject": "x"}},
        {"from": {"email": "nobody"}},
        {"more": 1},
    ):
        body = json.dumps(good.json | change).encode()
        wrong = Request(method="POST", path="/mail/send", headers=good.headers, body=body)
        with pytest.raises(Wrong):
            check_sendgrid(wrong)
