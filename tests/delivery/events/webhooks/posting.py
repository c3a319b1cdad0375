"""Requests as providers make them, to an account's address."""

import base64
import json
from typing import Any

from django.test import Client

from accounts.installation import secrets
from delivery.events.webhooks import credentials
from delivery.models import SendingAccount, WebhookAddress
from delivery.states import Provider, TransportKind

PASSWORD = "warta:only-the-provider-knows"


def account_at(workspace: Any, provider: Provider, **values: Any) -> SendingAccount:
    """Make an account of a provider."""
    stored = json.dumps({"api_key": "key-1"})
    return SendingAccount.objects.create(
        workspace=workspace,
        name=values.pop("name", provider.label),
        kind=TransportKind.ANYMAIL,
        provider=provider,
        encrypted_password=secrets.encrypt(stored),
        **values,
    )


def address_at(
    workspace: Any, provider: Provider = Provider.SENDGRID, **given: Any
) -> WebhookAddress:
    """Make an account and its address; ``given`` is what requests must prove."""
    address = credentials.address_of(account_at(workspace, provider))
    proof = given or {"passwords": (PASSWORD,)}
    credentials.write(address, credentials.Credentials(**proof))
    return address


def basic(password: str = PASSWORD) -> str:
    """Return the header by which a provider names its password."""
    return f"Basic {base64.b64encode(password.encode()).decode()}"


def post(address: WebhookAddress, value: Any, **headers: Any) -> Any:
    """Post JSON with the password, unless other headers are given."""
    given = headers or {"HTTP_AUTHORIZATION": basic()}
    body = value if isinstance(value, (str, bytes)) else json.dumps(value)
    return Client().post(
        f"/hooks/{address.token}/", data=body, content_type="application/json", **given
    )


def sendgrid(number: int, event: str = "delivered", **changes: Any) -> dict[str, Any]:
    """Return an event as SendGrid says it."""
    return {
        "event": event,
        "sg_event_id": f"event-{number}",
        "sg_message_id": f"sg{number}.filter-1",
        "smtp-id": f"<mail-{number}@kopisenja.example>",
        "anymail_id": f"anymail-{number}",
        "email": f"reader{number}@example.org",
        "timestamp": 1_764_000_000 + number,
        **changes,
    }
