"""Feedback as its owner sees it: set up, waited for, looked at, told again."""

import json
from typing import Any

import pytest
from django.urls import reverse

from delivery.events.webhooks import credentials, log
from delivery.events.webhooks.steps import GUIDES
from delivery.models import ProviderEvent, WebhookAddress
from delivery.states import Provider, ProviderEventState
from tests.delivery.events.webhooks import signing
from tests.delivery.events.webhooks.posting import account_at, address_at, post, sendgrid


def text_of(client: Any, name: str, *args: Any) -> str:
    return str(client.get(reverse(name, args=args)).content.decode())


@pytest.mark.parametrize("provider", list(Provider))
def test_each_provider_has_its_steps_and_its_address(admin_client, workspace, provider):
    account = account_at(workspace, provider)
    page = text_of(admin_client, "account_feedback", account.pk)
    assert "Create the address" in page
    assert not WebhookAddress.objects.exists()  # looking makes nothing
    admin_client.post(reverse("account_feedback_start", args=[account.pk]))
    admin_client.post(reverse("account_feedback_start", args=[account.pk]))
    address = WebhookAddress.objects.get()
    page = text_of(admin_client, "account_feedback", account.pk)
    assert f"/hooks/{address.token}/" in page
    assert "Waiting for the first event" in page
    for step in GUIDES[provider].steps:
        assert str(step).split(".")[0][:30].replace("'", "&#39;") in page


def test_the_light_turns_when_the_first_event_came(admin_client, workspace):
    address = address_at(workspace)
    light = text_of(admin_client, "account_feedback_light", address.account_id)
    assert "every 3s" in light
    post(address, [sendgrid(1)])
    light = text_of(admin_client, "account_feedback_light", address.account_id)
    assert "Events arrive" in light
    assert "every 3s" not in light
    account = text_of(admin_client, "account_edit", address.account_id)
    assert "Events arrive" in account


def test_a_refusal_is_said_where_the_address_is(admin_client, workspace):
    address = address_at(workspace)
    post(address, [sendgrid(1)], HTTP_X_NOTHING="1")
    page = text_of(admin_client, "account_feedback", address.account_id)
    assert "without the password" in page


def test_a_key_is_stored_encrypted_and_takes_the_passwords_place(admin_client, workspace):
    account = account_at(workspace, Provider.SENDGRID)
    address = credentials.address_of(account)
    key, _headers = signing.sendgrid("x")
    path = reverse("account_feedback", args=[account.pk])
    assert admin_client.post(path, {"signing_key": "no key"}).status_code == 200
    assert not credentials.read(address).signing_key
    admin_client.post(path, {"signing_key": f"-----BEGIN PUBLIC KEY-----\n{key}\n-----END-----"})
    address.refresh_from_db()
    wanted = credentials.read(address)
    assert wanted.signing_key
    assert not wanted.passwords
    body = json.dumps([sendgrid(1)])
    stranger = signing.sendgrid(body)[1]
    assert post(address, body, **stranger).status_code == 403
    assert key[:40] not in text_of(admin_client, "account_feedback", account.pk)
    admin_client.post(reverse("account_feedback_password", args=[account.pk]), {"remove": "key"})
    address.refresh_from_db()
    assert credentials.read(address).passwords


def test_the_log_finds_by_address_and_id_and_filters(admin_client, workspace):
    address = address_at(workspace)
    post(address, [sendgrid(n) for n in range(1, 4)] + [sendgrid(9, "processed"), 7])
    path = reverse("provider_events", args=[address.account_id])

    def found(**query: str) -> int:
        page = admin_client.get(path, query).content.decode()
        return int(page.count('data-label="Received"'))

    assert found() == 5
    assert found(q="reader2@") == 1
    assert found(q="READER2@example.org") == 1
    assert found(q="anymail-3") == 1
    assert found(kind="1") == 3
    assert found(kind="other") == 2
    assert found(state=str(ProviderEventState.FAILED.value)) == 1
    assert found(q="nobody") == 0
    assert found(state="x", kind="²", before="y") == 5


def test_the_log_is_paged_by_key_with_few_queries(
    admin_client, workspace, django_assert_num_queries
):
    address = address_at(workspace)
    post(address, [sendgrid(n) for n in range(120)])
    path = reverse("provider_events", args=[address.account_id])
    rows, following = log.page(address.account, log.Filter())
    assert len(rows) == log.PAGE
    page = admin_client.get(path, {"before": str(following)}).content.decode()
    assert page.count('data-label="Received"') == log.PAGE
    rest, end = log.page(address.account, log.Filter(before=rows[-1].pk - log.PAGE))
    assert (len(rest), end) == (20, None)
    with django_assert_num_queries(1):
        log.page(address.account, log.Filter(search="reader1@", kind="1"))


def test_a_hostile_event_is_shown_as_text(admin_client, workspace):
    address = address_at(workspace)
    bad = sendgrid(1, "bounce", reason='<script>alert(1)</script> nul \0 \ud800 "end')
    post(address, [bad])
    event = ProviderEvent.objects.get()
    page = text_of(admin_client, "provider_event", event.pk)
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "\0" not in page


def test_events_are_told_again_once(admin_client, workspace, redis_client):
    address = address_at(workspace)
    post(address, [sendgrid(n) for n in range(3)])
    ProviderEvent.objects.update(state=ProviderEventState.UNMATCHED, trouble="?")
    one = ProviderEvent.objects.earliest("pk")
    page = text_of(admin_client, "provider_events", address.account_id)
    assert "3 events are about no email" in page
    admin_client.post(reverse("provider_event_replay", args=[one.pk]))
    admin_client.post(reverse("provider_event_replay", args=[one.pk]))
    waiting = ProviderEvent.objects.filter(state=ProviderEventState.WAITING)
    assert waiting.count() == 1
    admin_client.post(reverse("provider_events_replay", args=[address.account_id]))
    assert waiting.count() == 3


def test_only_who_manages_accounts_sees_any_of_it(signed_in, editor, workspace):
    address = address_at(workspace)
    post(address, [sendgrid(1)])
    client = signed_in(editor)
    for name, key in (
        ("account_feedback", address.account_id),
        ("provider_events", address.account_id),
        ("provider_event", ProviderEvent.objects.get().pk),
    ):
        assert client.get(reverse(name, args=[key])).status_code == 403
