"""What providers post is kept: once, whatever else came with it, and only from who proves it."""

import gzip
import json
import zlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from delivery.events.webhooks import credentials, intake, splitting
from delivery.models import ProviderEvent, WebhookAddress
from delivery.states import EventKind, Provider, ProviderEventState
from tests.delivery.events.webhooks import signing
from tests.delivery.events.webhooks.posting import (
    PASSWORD,
    account_at,
    address_at,
    basic,
    post,
    sendgrid,
)


def kept() -> list[ProviderEvent]:
    return list(ProviderEvent.objects.order_by("pk"))


def trouble(address: WebhookAddress) -> str:
    address.refresh_from_db()
    return address.trouble


def test_a_batch_is_kept_and_says_what_it_is_about(workspace):
    address = address_at(workspace)
    assert post(address, [sendgrid(n) for n in range(1, 4)]).status_code == 200
    first = kept()[0]
    assert (first.workspace_id, first.account_id) == (workspace.pk, address.account_id)
    assert (first.kind, first.state) == (EventKind.DELIVERED, ProviderEventState.WAITING)
    assert (first.recipient, first.provider_id) == ("reader1@example.org", "anymail-1")
    assert len(kept()) == 3
    address.refresh_from_db()
    assert address.first_event_at == address.last_event_at is not None


def test_the_same_batch_again_is_kept_once_even_at_the_same_moment(workspace):
    address = address_at(workspace)
    events = [sendgrid(n) for n in range(50)]
    assert post(address, events + events).status_code == 200
    assert post(address, list(reversed(events))).status_code == 200
    assert len(kept()) == 50


@pytest.mark.django_db(transaction=True)
def test_the_same_batch_from_four_sides_is_kept_once(workspace):
    address = address_at(workspace)
    events = [sendgrid(n) for n in range(200)]

    def one(_number: int) -> int:
        try:
            return int(post(address, events).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(one, range(8))) == {200}
    assert len(kept()) == 200


POISON: list[Any] = [
    None,
    "event",
    7,
    [],
    {},
    {"event": None, "email": {"a": 1}},
    {"event": "bounce", "email": "x@y.example", "reason": "nul \0 \ud800 end", "timestamp": "soon"},
    {"event": "bounce", "email": "x\0y@y.example", "timestamp": 10**30},
    {"event": "delivered", "timestamp": -(10**18), "sg_event_id": "\0"},
    {"event": "delivered", "timestamp": float("inf"), "email": "z@z.example"},
    {"event": "bounce", "email": "w@w.example", "reason": "x" * 400_000},
]


@pytest.mark.parametrize("bad", POISON, ids=range(len(POISON)))
def test_one_bad_event_among_a_thousand_spoils_none_of_the_others(workspace, bad):
    address = address_at(workspace)
    events = [sendgrid(n) for n in range(999)]
    events.insert(500, bad)
    assert post(address, json.dumps(events)).status_code == 200
    assert ProviderEvent.objects.filter(state=ProviderEventState.WAITING).count() >= 999
    assert ProviderEvent.objects.count() == 1_000


def test_numbers_of_thousands_of_digits_and_lists_to_the_sky_spoil_nothing(workspace):
    address = address_at(workspace)
    good = [json.dumps(sendgrid(n)) for n in range(3)]
    huge = '{"event": "delivered", "email": "a@b.example", "timestamp": ' + "9" * 5_000 + "}"
    deep = '{"event": "delivered", "email": "c@d.example", "x": ' + "[" * 300 + "]" * 300 + "}"
    assert (
        post(address, f"[{','.join([good[0], huge, good[1], deep, good[2]])}]").status_code == 200
    )
    states = [event.state for event in kept()]
    assert states.count(ProviderEventState.WAITING) == 4
    assert states.count(ProviderEventState.FAILED) == 1
    sky = "[" * 100_000 + "]" * 100_000
    assert post(address, sky).status_code == 400
    assert len(kept()) == 5


@pytest.mark.parametrize("body", ["", "no JSON", "{", '{"a": 1}x', b"\xff\xfe", "null", "3"])
def test_a_body_that_holds_no_event_is_the_senders_fault(workspace, body):
    address = address_at(workspace, Provider.POSTMARK)
    assert post(address, body).status_code == 400
    assert trouble(address)
    assert not kept()


def test_nothing_is_taken_while_nothing_can_be_proven(workspace):
    address = credentials.address_of(account_at(workspace, Provider.BREVO))
    credentials.write(address, credentials.Credentials())
    for headers in ({}, {"HTTP_AUTHORIZATION": basic(":")}, {"HTTP_AUTHORIZATION": basic("")}):
        given = headers or {"HTTP_X_NOTHING": "1"}
        assert post(address, {"event": "delivered"}, **given).status_code == 403
    assert "nothing is set" in trouble(address)
    assert not kept()


@pytest.mark.parametrize("provider", list(Provider))
def test_a_new_address_takes_nothing_from_a_stranger(workspace, provider):
    address = credentials.address_of(account_at(workspace, provider))
    for headers in ({"HTTP_X_NOTHING": "1"}, {"HTTP_AUTHORIZATION": basic("warta:guessed")}):
        response = post(address, [{"event": "delivered", "Type": "Notification"}], **headers)
        assert 400 <= response.status_code < 500
    assert trouble(address)
    assert not kept()


def test_a_wrong_password_is_asked_for_again_and_told_to_the_owner(workspace):
    address = address_at(workspace)
    response = post(address, [sendgrid(1)], HTTP_AUTHORIZATION=basic("warta:wrong"))
    assert response.status_code == 401
    assert response["WWW-Authenticate"].startswith("Basic")
    assert "wrong password" in trouble(address)
    assert post(address, [sendgrid(1)]).status_code == 200
    assert trouble(address) == ""


def test_a_password_may_stand_in_the_query_where_a_provider_knows_no_user_names(workspace):
    address = address_at(workspace, Provider.SCALEWAY)
    path = f"/hooks/{address.token}/?key={PASSWORD.partition(':')[2]}"
    body = json.dumps({"type": "email_delivered", "id": "1", "email_to": "a@b.example"})
    answer = Client().post(path, data=body, content_type="application/json")
    assert answer.status_code == 200
    assert kept()[0].kind == EventKind.DELIVERED


def test_the_password_before_still_opens_and_the_one_before_that_does_not(workspace):
    address = credentials.address_of(account_at(workspace, Provider.POSTMARK))
    oldest = credentials.read(address).passwords[0]
    credentials.renew_password(address)
    older = credentials.read(address).passwords[0]
    event = {"RecordType": "Delivery", "MessageID": "1", "Recipient": "a@b.example"}
    assert post(address, event, HTTP_AUTHORIZATION=basic(oldest)).status_code == 200
    credentials.renew_password(address)
    assert post(address, event, HTTP_AUTHORIZATION=basic(oldest)).status_code == 401
    assert post(address, event, HTTP_AUTHORIZATION=basic(older)).status_code == 200


def test_a_signature_of_another_key_or_of_another_body_is_refused(workspace):
    address = address_at(workspace, Provider.MAILERSEND, signing_key="right")
    body = json.dumps({"type": "activity.delivered", "data": {"type": "delivered", "id": "1"}})
    for signed in (signing.mailersend(body, "wrong"), signing.mailersend(body + " ", "right")):
        assert post(address, body, HTTP_SIGNATURE=signed).status_code == 403
    assert post(address, body, HTTP_X_NOTHING="1").status_code == 403
    assert not kept()
    answer = post(address, body, HTTP_SIGNATURE=signing.mailersend(body, "right"))
    assert answer.status_code == 200


def test_a_signature_of_svix_is_good_for_five_minutes(workspace):
    key = "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQ="
    address = address_at(workspace, Provider.RESEND, signing_key=key)
    body = json.dumps({"type": "email.delivered", "data": {"email_id": "1", "to": ["a@b.example"]}})
    now = timezone.now().timestamp()
    for at, status in ((now - 400, 403), (now + 400, 403), (now - 200, 200)):
        assert post(address, body, **signing.svix(body, key, "msg_1", at=at)).status_code == status
    headers = signing.svix(body, key, "msg_2")
    assert post(address, body, **headers | {"HTTP_SVIX_ID": "msg_3"}).status_code == 403
    assert [event.event_id for event in kept()] == ["msg_1"]


def test_mandrill_signs_the_address_that_it_was_given(workspace, settings):
    settings.SITE_URL = "https://news.example.com"
    address = address_at(workspace, Provider.MANDRILL, signing_key="webhook-key")
    url = f"https://news.example.com/hooks/{address.token}/"
    events = json.dumps(
        [{"event": "send", "_id": "1", "ts": 1_764_000_000, "msg": {"email": "a@b"}}]
    )
    for where, status in ((url, 200), ("https://other.example/", 403)):
        signature = signing.of_mandrill(where, events, "webhook-key")
        answer = Client().post(
            f"/hooks/{address.token}/",
            {"mandrill_events": events},
            HTTP_X_MANDRILL_SIGNATURE=signature,
        )
        assert answer.status_code == status


def test_keys_are_encrypted_at_rest(workspace):
    address = address_at(workspace, Provider.MAILERSEND, signing_key="very-secret-key")
    stored = bytes(WebhookAddress.objects.get(pk=address.pk).encrypted_secrets)
    assert b"very-secret" not in stored
    assert "very-secret" not in repr(credentials.read(address))


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress], ids=["gzip", "deflate"])
def test_a_compressed_body_is_unpacked_within_bounds(workspace, settings, pack):
    settings.WEBHOOK_MAX_BYTES = 100_000
    address = address_at(workspace)
    encoding = "gzip" if pack is gzip.compress else "deflate"
    headers = {"HTTP_AUTHORIZATION": basic(), "HTTP_CONTENT_ENCODING": encoding}
    assert post(address, pack(json.dumps([sendgrid(1)]).encode()), **headers).status_code == 200
    assert len(kept()) == 1
    bomb = pack(b" " * 50_000_000)
    assert post(address, bomb, **headers).status_code == 413
    assert post(address, b"no " + bomb, **headers).status_code == 413
    headers["HTTP_CONTENT_ENCODING"] = "br"
    assert post(address, b"x", **headers).status_code == 413


def test_a_body_beyond_the_limit_is_not_read(workspace, settings):
    settings.WEBHOOK_MAX_BYTES = 1_000
    assert post(address_at(workspace), [sendgrid(n) for n in range(20)]).status_code == 413
    assert not kept()


def test_an_unknown_address_is_not_there(workspace):
    assert Client().post(f"/hooks/{'x' * 43}/", "{}", "application/json").status_code == 404
    assert Client().post("/hooks/short/", "{}", "application/json").status_code == 404


def test_providers_that_ask_first_are_answered_and_others_are_told_how(workspace):
    go = address_at(workspace, Provider.UNISENDER_GO)
    assert Client().get(f"/hooks/{go.token}/").status_code == 200
    other = address_at(workspace)
    assert Client().head(f"/hooks/{other.token}/").status_code == 200
    for method in ("get", "put", "delete", "patch"):
        assert getattr(Client(), method)(f"/hooks/{other.token}/").status_code == 405


def test_a_database_that_is_away_is_said_so_that_the_provider_tries_again(workspace, monkeypatch):
    address = address_at(workspace)
    monkeypatch.setattr(intake, "store", _away)
    response = post(address, [sendgrid(1)])
    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    monkeypatch.undo()
    assert post(address, [sendgrid(1)]).status_code == 200


def _away(*_args: Any) -> None:
    raise OperationalError("the server closed the connection unexpectedly")


def test_a_row_that_the_database_cannot_take_leaves_the_others_alone(workspace):
    account = address_at(workspace).account
    rows = [
        intake.Row(key=bytes([n]) * 16, payload="{}", state=ProviderEventState.WAITING)
        for n in range(20)
    ]
    rows[7] = intake.Row(key=b"x" * 16, payload="nul\0", state=ProviderEventState.WAITING)
    intake.store(account, rows, timezone.now())
    assert len(kept()) == 20
    assert [event.state for event in kept()].count(ProviderEventState.FAILED) == 1


def test_an_address_says_when_events_came_but_is_not_written_for_each(workspace):
    address = address_at(workspace)
    post(address, [sendgrid(1)])
    address.refresh_from_db()
    first = address.last_event_at
    post(address, [sendgrid(2)])
    address.refresh_from_db()
    assert address.last_event_at == first
    WebhookAddress.objects.update(last_event_at=first - timedelta(minutes=1))
    post(address, [sendgrid(3)])
    address.refresh_from_db()
    assert address.last_event_at > first
    assert address.first_event_at == first


def test_a_body_of_more_events_than_anybody_sends_is_cut():
    body = splitting.Body([{"event": "open"}] * (splitting.MOST_EVENTS + 5))
    found = splitting.events(Provider.SENDGRID, body, None)
    assert len(found) == splitting.MOST_EVENTS
