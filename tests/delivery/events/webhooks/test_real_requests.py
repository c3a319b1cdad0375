"""What real providers post, judged as others judge it (data of `WARTA_TEST_DATA`, not copied)."""

import base64
import json
import os
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from delivery.events.webhooks import credentials, reading, splitting
from delivery.events.webhooks.credentials import Credentials
from delivery.models import ProviderEvent
from delivery.states import Provider, ProviderEventState
from tests.delivery.events.webhooks import signing
from tests.delivery.events.webhooks.posting import account_at

FOLDER = Path(os.environ.get("WARTA_TEST_DATA", settings.BASE_DIR / "../shared/data")) / "webhooks"
FILES = sorted(path for path in FOLDER.glob("*/*.json") if ".body." not in path.name)
# What those who recorded the requests signed them with, where the records do not say.
KEYS = {
    Provider.MAILERSEND: "TEST_WEBHOOK_SIGNING_SECRET",
    Provider.MAILGUN: "TEST_WEBHOOK_SIGNING_KEY",
    Provider.MANDRILL: "TEST_WEBHOOK_KEY",
    Provider.UNISENDER_GO: "TEST_API_KEY",
    Provider.RESEND: f"whsec_{base64.b64encode(b'TEST_SIGNING_SECRET').decode()}",
}
FIELDS: tuple[str, ...] = (
    "event_type",
    "event_id",
    "message_id",
    "recipient",
    "click_url",
    "user_agent",
)
FIELDS += ("mta_response", "description", "reject_reason", "metadata", "tags")


def records() -> list[Any]:
    return [pytest.param(path, id=f"{path.parent.name}/{path.stem}") for path in FILES]


def proof(provider: Provider, record: dict[str, Any]) -> Credentials:
    given = record["anymail_settings"]
    passwords = given.get("WEBHOOK_SECRET", ())
    passwords = (passwords,) if isinstance(passwords, str) else tuple(passwords)
    key = KEYS.get(provider, "")
    for name, value in given.items():
        if name.startswith(provider.upper()) and "INBOUND" not in name:
            key = value
    if "defaults_webhook_signing_to_api_key" in record["id"]:
        key = "TEST_API_KEY"
    if "view_params" in record["id"] or "requires_signing_secret" in record["id"]:
        key = ""
    url = record["path"] if record["path"].startswith("http") else ""
    if url and passwords:
        url = url.replace("://", f"://{passwords[0]}@")
    return Credentials(passwords=passwords, signing_key=key, url=url)


def signed(provider: Provider, record: dict[str, Any], wanted: Credentials) -> tuple[Any, Any]:
    """Return headers that a provider signs by, where a right request was recorded without them."""
    if record["status"] != 200 or record["method"] != "POST" or not wanted.signing_key:
        return wanted, {}
    body, key = record["body"]["text"], wanted.signing_key
    headers: Any = {}
    if provider == Provider.MAILERSEND:
        headers = {"HTTP_SIGNATURE": signing.mailersend(body, key)}
    elif provider == Provider.RESEND:
        headers = signing.svix(body, key, record["headers"]["svix-id"])
    elif provider == Provider.MANDRILL:
        headers = signing.mandrill(record, wanted)
    elif provider == Provider.POSTAL:
        key, headers = signing.postal(body)
    elif provider == Provider.SENDGRID:
        key, headers = signing.sendgrid(body)
    return replace(wanted, signing_key=key), headers


def is_open_to_all(record: dict[str, Any], wanted: Credentials) -> bool:
    """Whether it was taken by those who recorded it although it proves nothing."""
    return record["status"] == 200 and wanted.is_empty


@pytest.mark.skipif(not FILES, reason=f"no requests in {FOLDER}: set WARTA_TEST_DATA to try them")
@pytest.mark.parametrize("path", records())
def test_a_recorded_request_is_answered_and_read_as_recorded(path, workspace):
    record = json.loads(path.read_text())
    provider = Provider(record["esp"])
    account = account_at(workspace, provider)
    address = credentials.address_of(account)
    wanted = proof(provider, record)
    wanted, signature = signed(provider, record, wanted)
    credentials.write(address, wanted)
    headers = {
        name if name.startswith("HTTP_") else f"HTTP_{name.upper().replace('-', '_')}": str(value)
        for name, value in record["headers"].items()
    }
    response = Client().generic(
        record["method"],
        f"/hooks/{address.token}/",
        data=(record.get("body") or {}).get("text", ""),
        content_type=record["content_type"],
        **headers | signature,
    )
    if record["status"] is None:  # an error of theirs that nobody answered
        assert response.status_code in {200, 400, 401, 403}
        assert not ProviderEvent.objects.exclude(state=ProviderEventState.FAILED).exists()
        return
    if is_open_to_all(record, wanted):
        assert response.status_code == 403
        assert not ProviderEvent.objects.exists()
        return
    assert response.status_code // 100 == record["status"] // 100
    if response.status_code >= 400:
        assert not ProviderEvent.objects.exists()
        return
    compare(provider, record)


def compare(provider: Provider, record: dict[str, Any]) -> None:
    kept = ProviderEvent.objects.order_by("pk")
    kept = kept.exclude(word__in=["subscriptionconfirmation", "unsubscribeconfirmation"])
    assert kept.count() == len(record["events"])
    for event, expected in zip(kept, record["events"], strict=True):
        raw = splitting.load(event.payload)
        found = reading.normalised(provider, raw, event_id=event.event_id)[event.part]
        for name in FIELDS:
            assert plain(getattr(found, name)) == expected[name], name
        # In lower case, so that an erasure finds it.
        assert event.recipient == (expected["recipient"] or "").lower()
        assert event.provider_id == str(expected["message_id"] or "")
        if expected["timestamp"] is not None:
            assert found.timestamp == datetime.fromisoformat(expected["timestamp"])
            assert event.at is not None


def plain(value: Any) -> Any:
    return json.loads(json.dumps(value, default=str))
