"""The transport of providers' APIs, against a server on loopback that answers as they do."""

import json
import time
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import pytest
from botocore import exceptions
from botocore.httpsession import URLLib3Session

from delivery.sandbox.provider_server import ProviderServer, Reply, Request, running, usual
from delivery.states import Provider
from delivery.transports.protocol import JournalClosedError, Outgoing, Verdict
from delivery.transports.providers import session
from delivery.transports.providers.request import ProviderClient
from tests.delivery.transports.providers.provider_calls import MAIL, mail, send, transport
from tests.delivery.transports.sending import Journal, TimedJournal, send_over


@pytest.fixture(autouse=True)
def _own_provider(settings: Any) -> None:
    settings.OWN_PROVIDERS = ["127.0.0.1"]


@pytest.fixture
def provider() -> Iterator[ProviderServer]:
    with running() as server:
        yield server


def test_provider_ids_are_stored(provider):
    done = send(provider, 3, Provider.BREVO)
    assert done.verdicts == [Verdict.SENT] * 3
    assert {done.outcomes[n].provider_id for n in (1, 2, 3)} == {"id-1", "id-2", "id-3"}


@pytest.mark.parametrize("which", list(Provider))
def test_every_provider_gets_what_makes_a_newsletter(provider, which):
    done = send(provider, 1, which)
    assert done.trouble is None
    assert done.verdicts == [Verdict.SENT]
    assert done.outcomes[1].provider_id
    request = provider.requests[0]
    body = request.body.decode()
    if which in {Provider.AMAZON_SES, Provider.POSTAL}:
        raw = request.json["data"] if which is Provider.POSTAL else _raw(request)
        body = b64decode(raw).decode()
    for word in ("reader1@example.org", "List-Unsubscribe-Post", "One-Click", "u/abc1", "token1"):
        assert word in body, word


def _raw(request: Request) -> str:
    return str(request.json["Content"]["Raw"]["Data"])


def test_headers_of_a_newsletter_reach_the_provider(provider):
    send(provider)
    body = provider.requests[0].json
    headers = body["headers"]
    assert headers["List-Unsubscribe"] == (
        "<https://warta.example/u/abc1/>, <mailto:leave@kopisenja.example>"
    )
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert headers["List-Id"] == "News <news.kopisenja.example>"
    assert headers["Feedback-ID"] == "c1:w1:campaign:kopi"
    assert headers["X-Warta-Message"] == "token1"
    assert headers["Message-ID"] == "<token1@kopisenja.example>"
    assert "Date" not in headers
    assert "Content-Type" not in headers


def test_people_and_words_are_decoded(provider):
    send(provider)
    body = provider.requests[0].json
    assert body["from"] == {"email": "news@kopisenja.example", "name": "Kopi Sénja"}
    assert body["personalizations"][0]["to"] == [{"email": "reader1@example.org", "name": "Büdi"}]
    assert body["subject"] == "Panen ☕"
    assert body["reply_to_list"] == [{"email": "tanya@kopisenja.example"}]
    assert [part["value"].strip() for part in body["content"]] == ["Halo Büdi", "<p>Halo Büdi</p>"]


def test_webhooks_can_be_matched_and_the_providers_tracking_is_off(provider):
    send(provider)
    body = provider.requests[0].json
    assert body["custom_args"]["warta_message"] == "token1"
    assert body["tracking_settings"]["click_tracking"] == {"enable": False}
    assert body["tracking_settings"]["open_tracking"] == {"enable": False}


def test_postmark_keeps_our_message_id(provider):
    send(provider, 1, Provider.POSTMARK)
    body = provider.requests[0].json
    headers = {item["Name"]: item["Value"] for item in body["Headers"]}
    assert headers["Message-ID"] == "<token1@kopisenja.example>"
    assert headers["X-PM-KeepID"] == "true"
    assert body["Metadata"] == {"warta_message": "token1"}
    assert body["TrackOpens"] is False
    assert body["TrackLinks"] == "None"


def test_amazon_gets_the_mail_as_we_made_it(provider):
    done = send(provider, 1, Provider.AMAZON_SES)
    assert done.verdicts == [Verdict.SENT]
    assert done.outcomes[1].provider_id == "id-1"
    body = provider.requests[0].json
    assert b64decode(_raw(provider.requests[0])) == MAIL % {b"n": 1}
    assert body["Destination"] == {"ToAddresses": ["reader1@example.org"]}


def test_mailgun_gets_the_mail_as_we_made_it(provider):
    done = send(provider, 1, Provider.MAILGUN)
    assert done.outcomes[1].provider_id == "<id-1>"
    request = provider.requests[0]
    assert request.path == "/mg.kopisenja.example/messages.mime"
    form = request.form()
    assert form["message"] == MAIL % {b"n": 1}
    assert form["o:tracking-clicks"] == b"no"
    assert form["v:warta_message"] == b"token1"


def test_postal_gets_the_mail_as_we_made_it(provider):
    done = send(provider, 1, Provider.POSTAL)
    assert done.outcomes[1].provider_id == "id-1"
    body = provider.requests[0].json
    assert b64decode(body["data"]) == MAIL % {b"n": 1}
    assert body["mail_from"] == "news@kopisenja.example"


@pytest.mark.parametrize("which", [Provider.RESEND, Provider.BREVO])
def test_each_attempt_carries_the_same_key_and_each_mail_its_own(provider, which):
    send(provider, 2, which)
    send(provider, 2, which)

    def key(request: Request) -> str:
        given = request.headers.get("idempotency-key") or request.json["headers"]["idempotencyKey"]
        return str(given)

    keys = sorted(map(key, provider.requests))
    assert keys[0] == keys[1] != keys[2] == keys[3]


def test_as_many_requests_are_open_as_there_may_be():
    with running(usual(0.1)) as server:
        done = send(server, 24, max_connections=6)
        assert done.count(Verdict.SENT) == 24
        assert server.most_open == 6
        assert server.connections == 6


def test_no_request_begins_before_its_moment(provider):
    moment = time.monotonic() + 0.5
    used = transport(provider)
    journal = TimedJournal()
    done = send_over(used, [mail(1), mail(2, not_before=moment)], journal=journal)
    used.close()
    assert done.verdicts == [Verdict.SENT, Verdict.SENT]
    assert journal.left_at[2] >= moment


def test_connections_are_kept_between_sends(provider):
    used = transport(provider, max_connections=2)
    for _ in range(3):
        send_over(used, [mail(1), mail(2)])
    used.close()
    assert provider.connections <= 2


def test_too_many_requests_make_the_account_wait_as_long_as_it_says():
    reply = Reply(status=429, body={"message": "Too many requests"}, headers={"Retry-After": "37"})
    with running(lambda _request: reply) as server:
        done = send(server, 8)
    assert done.trouble.is_patience
    assert done.trouble.retry_after == 37
    assert "SendGrid" in done.trouble.sentence
    assert set(done.verdicts) == {Verdict.NOT_SENT}
    assert len(done.pulled) <= 4


def test_amazons_throttling_is_no_fault_of_a_person():
    reply = Reply(
        status=400,
        body={"message": "Maximum sending rate exceeded."},
        headers={"x-amzn-ErrorType": "ThrottlingException"},
    )
    with running(lambda _request: reply) as server:
        done = send(server, 1, Provider.AMAZON_SES)
        assert len(server.requests) == 1
    assert done.trouble.is_patience
    assert done.verdicts == [Verdict.NOT_SENT]


@pytest.mark.parametrize("status", [500, 503])
def test_a_failing_provider_defers_few_and_stops_the_account(status):
    with running(lambda _request: Reply(status=status, body={"m": "We are sorry"})) as server:
        done = send(server, 100)
    assert set(done.verdicts) == {Verdict.DEFERRED}
    assert len(done.pulled) <= 4 + 3
    assert f"HTTP {status}" in done.trouble.sentence
    assert not done.trouble.permanent


def test_one_failure_among_many_stops_nothing():
    answer, count = usual(), iter(range(1000))

    def sometimes(request: Request) -> Reply:
        return Reply(status=503) if next(count) == 5 else answer(request)

    with running(sometimes) as server:
        done = send(server, 40)
    assert done.trouble is None
    assert done.count(Verdict.SENT) == 39
    assert done.count(Verdict.DEFERRED) == 1


def test_a_gateway_that_lost_the_answer_leaves_it_unknown():
    with running(lambda _request: Reply(status=504)) as server:
        done = send(server)
    assert done.verdicts == [Verdict.UNKNOWN]


def test_a_refused_key_stops_the_account_and_names_the_provider():
    said = {"errors": [{"message": "The provided authorization grant is invalid"}]}
    with running(lambda _request: Reply(status=401, body=said)) as server:
        done = send(server, 10)
    assert set(done.verdicts) == {Verdict.NOT_SENT}
    assert done.trouble.permanent
    assert done.trouble.sentence == (
        "SendGrid rejects our key or its permissions: The provided authorization grant is invalid"
    )


def test_a_refused_address_fails_with_the_reason():
    said = {"errors": [{"message": "The address reader1@example.org does not exist."}]}
    with running(lambda _request: Reply(status=400, body=said)) as server:
        done = send(server)
    assert done.trouble is None
    assert done.verdicts == [Verdict.FAILED]
    assert done.outcomes[1].text == said["errors"][0]["message"]
    assert done.outcomes[1].code == 400


def test_an_address_that_postmark_keeps_suppressed_fails():
    said = {
        "ErrorCode": 406,
        "Message": "You tried to send to a recipient that has been marked as inactive.\n"
        "Found inactive addresses: reader1@example.org.\nInactive recipients are ones that have "
        "generated a hard bounce or a spam complaint.",
    }
    with running(lambda _request: Reply(status=422, body=said)) as server:
        done = send(server, 1, Provider.POSTMARK)
    assert done.verdicts == [Verdict.FAILED]
    assert "marked as inactive" in done.outcomes[1].text


def test_refusals_that_name_nobody_use_up_no_audience():
    with running(lambda _request: Reply(status=400, body={"m": "Wrong in every way"})) as server:
        done = send(server, 200)
    assert Verdict.FAILED not in done.verdicts
    assert len(done.pulled) <= 4 + 3
    assert "Wrong in every way" in done.trouble.sentence


def test_a_connection_lost_after_the_request_leaves_it_unknown():
    with running(lambda _request: Reply(drop="read")) as server:
        done = send(server)
        assert len(server.requests) == 1
    assert done.verdicts == [Verdict.UNKNOWN]


def test_where_the_same_key_is_safe_a_lost_answer_is_asked_for_again():
    answer, count = usual(), iter(range(1000))

    def drops_once(request: Request) -> Reply:
        return Reply(drop="read") if next(count) == 0 else answer(request)

    with running(drops_once) as server:
        done = send(server, 1, Provider.RESEND)
        first, second = server.requests
    assert done.verdicts == [Verdict.SENT]
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert first.body == second.body


@pytest.mark.parametrize(
    "repeat",
    [
        Reply(status=429, body={"m": "Slow down, please"}),
        Reply(status=401, body={"m": "Invalid API key"}),
        Reply(status=503),
        Reply(status=409, body={"m": "Concurrent requests with one key"}),
        Reply(status=422, body={"m": "The domain is missing"}),
        Reply(drop="reading"),
    ],
    ids=["429", "401", "503", "409", "422", "gone"],
)
@pytest.mark.parametrize("which", [Provider.BREVO, Provider.RESEND])
def test_a_repetition_that_fails_takes_no_doubt_away(which, repeat):
    count = iter(range(1000))
    with running(lambda _request: repeat if next(count) else Reply(drop="read")) as server:
        done = send(server, 1, which)
        assert len(server.requests) == 2
    assert done.verdicts == [Verdict.UNKNOWN]


def test_a_repetition_that_refuses_the_person_settles_it():
    said = {"message": "The address reader1@example.org does not exist."}
    refused, count = Reply(status=422, body=said), iter(range(1000))
    with running(lambda _request: refused if next(count) else Reply(drop="read")) as server:
        done = send(server, 1, Provider.RESEND)
    assert done.verdicts == [Verdict.FAILED]


def test_silence_leaves_it_unknown_and_is_not_asked_again():
    with running(usual(3.0)) as server:
        done = send(server, 1, Provider.RESEND, seconds=0.3)
        assert len(server.requests) == 1
    assert done.verdicts == [Verdict.UNKNOWN]


def test_drops_in_a_row_leave_few_in_doubt():
    with running(lambda _request: Reply(drop="read")) as server:
        done = send(server, 500)
    assert done.count(Verdict.UNKNOWN) <= 4 + 3
    assert "does not answer" in done.trouble.sentence


def test_nobody_there_means_not_sent():
    with running() as server:
        port = server.port
    gone = ProviderServer(usual())
    gone.port = port
    done = send(gone, 5)
    assert set(done.verdicts) == {Verdict.NOT_SENT}
    assert "SendGrid cannot be reached" in done.trouble.sentence


def test_amazon_is_never_asked_twice_for_one_mail():
    with running(usual(3.0)) as server:
        settings = {"seconds": 1.0}
        used = transport(server, Provider.AMAZON_SES, **settings)
        done = send_over(used, [mail(1)])
        used.close()
        assert len(server.requests) == 1
    assert done.verdicts == [Verdict.UNKNOWN]


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (exceptions.NoCredentialsError(), Verdict.NOT_SENT),
        (exceptions.PartialCredentialsError(provider="x", cred_var="y"), Verdict.NOT_SENT),
        (exceptions.EndpointProviderError(msg="Invalid Configuration"), Verdict.NOT_SENT),
        (exceptions.NoRegionError(), Verdict.NOT_SENT),
        (exceptions.EndpointConnectionError(endpoint_url="https://x"), Verdict.NOT_SENT),
        (
            exceptions.SSLError(endpoint_url="x", error="CERTIFICATE_VERIFY_FAILED"),
            Verdict.NOT_SENT,
        ),
        (exceptions.ParamValidationError(report="x"), Verdict.DEFERRED),
        (exceptions.SSLError(endpoint_url="x", error="UNEXPECTED_EOF"), Verdict.UNKNOWN),
        (exceptions.ReadTimeoutError(endpoint_url="https://x"), Verdict.UNKNOWN),
        (exceptions.ConnectionClosedError(endpoint_url="https://x"), Verdict.UNKNOWN),
        (RuntimeError("tripped over the answer"), Verdict.UNKNOWN),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value.value,
)
def test_amazons_library_says_whether_a_mail_can_have_left(provider, monkeypatch, error, verdict):
    used = transport(provider, Provider.AMAZON_SES)

    def fails(*_args: object, **_kwargs: object) -> None:
        raise error

    monkeypatch.setattr(URLLib3Session, "send", fails)
    done = send_over(used, [mail(1)])
    used.close()
    assert done.verdicts == [verdict]


@pytest.mark.parametrize(
    ("is_written", "verdict"), [(True, Verdict.UNKNOWN), (False, Verdict.NOT_SENT)]
)
def test_a_thread_that_fails_answers_all_the_same(provider, monkeypatch, is_written, verdict):
    def fails(_client: ProviderClient, _mail: Outgoing) -> None:
        session.mark.is_written = is_written
        raise SystemExit

    monkeypatch.setattr(ProviderClient, "ask", fails)
    assert set(send(provider, 2).verdicts) == {verdict}


def test_it_is_kept_alive_until_the_last_answer():
    calls: list[float] = []
    with running(usual(1.5)) as server:
        used = transport(server)
        done = send_over(
            used,
            [mail(1)],
            should_stop=lambda: bool(calls),
            keep_alive=lambda: calls.append(time.monotonic()),
        )
        used.close()
    assert done.verdicts == [Verdict.SENT]
    assert calls[-1] - calls[0] > 1


def test_an_answer_that_nobody_can_read_leaves_it_unknown():
    with running(lambda _request: Reply(body="<html>Welcome</html>")) as server:
        done = send(server, 1, Provider.POSTMARK)
    assert done.verdicts == [Verdict.UNKNOWN]


def test_a_redirect_is_not_followed():
    with running() as elsewhere:
        reply = Reply(status=307, headers={"Location": elsewhere.url})
        with running(lambda _request: reply) as server:
            done = send(server, 100, Provider.POSTAL)
        assert not elsewhere.requests
    assert set(done.verdicts) == {Verdict.NOT_SENT}
    assert done.trouble.permanent
    assert len(done.pulled) <= 4 + 3


def test_no_machine_of_the_inner_network_is_asked(provider, settings):
    settings.OWN_PROVIDERS = []
    done = send(provider, 2)
    assert not provider.requests
    assert set(done.verdicts) == {Verdict.NOT_SENT}
    assert "no address of the internet" in done.trouble.sentence


def test_every_mail_is_announced_before_its_request_and_settled_after():
    order: list[str] = []
    answer = usual()

    def noting(request: Request) -> Reply:
        order.append("request")
        return answer(request)

    class Noting(Journal):
        def confirm(self, message_id: int) -> None:
            order.append("confirm")
            super().confirm(message_id)

    with running(noting) as server:
        done = send(server, 3, journal=Noting(), max_connections=1)
    assert order == ["confirm", "request"] * 3
    assert done.count(Verdict.SENT) == 3


def test_a_closed_journal_ends_it(provider):
    with pytest.raises(JournalClosedError):
        send(provider, 10, journal=Journal(closes_at=2), max_connections=1)
    assert len(provider.requests) == 2


def test_a_stop_pulls_no_more_and_loses_nothing():
    pulls = iter(range(1000))
    with running(usual(0.05)) as server:
        done = send(server, 100, should_stop=lambda: next(pulls) >= 10)
    assert done.trouble is None
    assert len(done.pulled) <= 10
    assert set(done.verdicts) == {Verdict.SENT}


def test_a_name_cannot_bring_a_header_of_its_own(provider):
    evil = MAIL.replace(b"Subject: ", b"Subject: =?utf-8?q?a=0D=0ABcc=3A_x=40y.example?= ")
    used = transport(provider)
    done = send_over(used, [mail(1, data=evil % {b"n": 1})])
    used.close()
    bodies = [json.dumps(request.json) for request in provider.requests]
    assert not any("Bcc" in name for body in bodies for name in json.loads(body)["headers"])
    assert done.trouble is None
