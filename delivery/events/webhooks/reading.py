"""One event as a provider said it, read: django-anymail's view of it, and what more it says.

The same text gives the same reading at any time, so what was kept can be read again when this got
better at it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2b
from types import SimpleNamespace
from typing import Any, Final

from django.http import QueryDict

from delivery.events.webhooks import meanings
from delivery.events.webhooks.checking import VIEWS, view_of
from delivery.events.webhooks.meanings import Meaning
from delivery.events.webhooks.providers import (
    amazon_ses,
    brevo,
    mailersend,
    mailgun,
    mailjet,
    mailtrap,
    mandrill,
    postal,
    postmark,
    resend,
    scaleway,
    sendgrid,
    sparkpost,
    unisender_go,
)
from delivery.events.webhooks.splitting import depth_is_sane, text_of
from delivery.events.webhooks.values import Details, sane, text
from delivery.states import EventKind, Provider
from delivery.transports.providers.message import METADATA_KEY

MOST_PEOPLE: Final = 100  # in one event; we send to one each
KEY_BYTES: Final = 16
READERS: Final[dict[str, Any]] = {
    Provider.AMAZON_SES: amazon_ses,
    Provider.BREVO: brevo,
    Provider.MAILERSEND: mailersend,
    Provider.MAILGUN: mailgun,
    Provider.MAILJET: mailjet,
    Provider.MAILTRAP: mailtrap,
    Provider.MANDRILL: mandrill,
    Provider.POSTAL: postal,
    Provider.POSTMARK: postmark,
    Provider.RESEND: resend,
    Provider.SCALEWAY: scaleway,
    Provider.SENDGRID: sendgrid,
    Provider.SPARKPOST: sparkpost,
    Provider.UNISENDER_GO: unisender_go,
}
# Where moments stand. One that is none must not take the rest of its event away.
_MOMENTS: Final = frozenset(
    {"timestamp", "time", "ts", "ts_epoch", "created_at", "event_time", "Timestamp"}
)


class StrangeEventError(Exception):
    """It is no event of this provider that we know how to read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """One event about one person; ``key`` (16 bytes) is the same whenever it is told again."""

    key: bytes
    kind: EventKind | None
    meaning: Meaning
    details: Details
    part: int = 0
    event_id: str = ""
    provider_id: str = ""
    recipient: str = ""
    url: str = ""
    user_agent: str = ""
    token: str = ""

    @property
    def word(self) -> str:
        """The provider's own word for it."""
        return self.details.words[0][:60] if self.details.words else ""

    @property
    def at(self) -> datetime | None:
        """When it happened, where the provider says so."""
        return self.details.at


def read(provider: str, raw: Any, *, event_id: str = "") -> list[Said]:
    """Read one event; one about several people becomes several.

    Raises:
        StrangeEventError: nothing can be made of it.
    """
    if not isinstance(raw, dict) or not depth_is_sane(raw):
        raise StrangeEventError
    found = normalised(provider, raw, event_id=event_id)[:MOST_PEOPLE]
    try:
        return [_said(provider, raw, part, event) for part, event in enumerate(found)]
    except Exception as error:
        raise StrangeEventError from error


def normalised(provider: str, raw: dict[str, Any], *, event_id: str = "") -> list[Any]:
    """Return an event as django-anymail normalises it (one for each person).

    Raises:
        StrangeEventError: it cannot.
    """
    try:
        return _normalised(provider, raw, event_id)
    except Exception as first:  # noqa: BLE001 - raised below, unless less of it can be read
        try:
            return _normalised(provider, _without_moments(raw), event_id)
        except Exception:  # noqa: BLE001 - the first says more
            raise StrangeEventError(type(first).__name__) from first


def _normalised(provider: str, raw: dict[str, Any], event_id: str) -> list[Any]:
    if provider not in VIEWS:
        return [_like_anymail(provider, raw)]
    view = view_of(provider)
    if provider in _WAYS:
        return _WAYS[provider](view, raw, event_id)
    return [view.esp_to_anymail_event(raw)]


def _of_amazon(view: Any, raw: dict[str, Any], _event_id: str) -> list[Any]:
    event = amazon_ses.event_of(raw)
    if not amazon_ses.is_event(event):
        return []
    if amazon_ses.is_delay(event):  # which Anymail doesn't know
        return [_like_anymail(Provider.AMAZON_SES, raw)]
    return list(view.esp_to_anymail_events(event, raw))


def _of_mailgun(view: Any, raw: dict[str, Any], _event_id: str) -> list[Any]:
    if mailgun.is_legacy(raw):
        return [view.mailgun_legacy_to_anymail_event(_form(raw))]
    return [view.esp_to_anymail_event(raw)]


def _of_resend(view: Any, raw: dict[str, Any], event_id: str) -> list[Any]:
    asked = SimpleNamespace(headers={"svix-id": event_id} if event_id else {})
    return [view.esp_to_anymail_event(raw, asked)]


def _of_sparkpost(view: Any, raw: dict[str, Any], _event_id: str) -> list[Any]:
    return [view.esp_to_anymail_event(*view.unwrap_event(raw))]


def _of_postal(view: Any, raw: dict[str, Any], _event_id: str) -> list[Any]:
    return list(view.parse_events(SimpleNamespace(body=text_of(raw).encode())))


def _of_unisender(view: Any, raw: dict[str, Any], _event_id: str) -> list[Any]:
    is_other = raw.get("event_name") not in {None, unisender_go.STATUS_EVENT}
    return [] if is_other else [view.esp_to_anymail_event(raw)]


_WAYS: Final[dict[str, Callable[[Any, dict[str, Any], str], list[Any]]]] = {
    Provider.AMAZON_SES: _of_amazon,
    Provider.MAILGUN: _of_mailgun,
    Provider.POSTAL: _of_postal,
    Provider.RESEND: _of_resend,
    Provider.SPARKPOST: _of_sparkpost,
    Provider.UNISENDER_GO: _of_unisender,
}


def _like_anymail(provider: str, raw: dict[str, Any]) -> Any:
    details = READERS[provider].details(raw, 0)
    return SimpleNamespace(
        event_type="unknown",
        event_id=None,
        message_id=READERS[provider].message_id(raw),
        recipient=details.recipient,
        metadata={},
        click_url=None,
        user_agent=None,
        timestamp=details.at,
    )


def _form(raw: dict[str, Any]) -> QueryDict:
    fields = QueryDict(mutable=True)
    for name, values in raw.items():
        fields.setlist(name, [str(value) for value in values])
    return fields


def _without_moments(raw: Any) -> Any:
    if isinstance(raw, dict):
        return {
            name: _without_moments(value) for name, value in raw.items() if name not in _MOMENTS
        }
    return raw


def _said(provider: str, raw: dict[str, Any], part: int, event: Any) -> Said:
    reader = READERS[provider]
    details: Details = reader.details(raw, part)
    anymail_type = text(event.event_type)
    meaning = meanings.meaning_of(reader.MEANINGS, details.words, anymail_type)
    if details.at is None:
        details = _dated(details, event.timestamp)
    provider_id = text(event.message_id, 255)
    # In small letters, so that an address is found by an index, whoever wrote it how.
    recipient = (text(event.recipient, 320) or details.recipient).lower()
    event_id = text(event.event_id, 120)
    metadata = event.metadata if isinstance(event.metadata, dict) else {}
    url = text(event.click_url, 2_000)
    identity = tuple(one for one in details.identity if one) or ((event_id,) if event_id else ())
    told = (*details.words, provider_id, recipient, *(identity or (text_of(raw),)))
    return Said(
        key=key_of(provider, *told),
        kind=meaning.kind,
        meaning=meaning,
        details=details,
        part=part,
        event_id=event_id,
        provider_id=provider_id,
        recipient=recipient,
        url=url,
        user_agent=text(event.user_agent, 500),
        token=details.token or text(metadata.get(METADATA_KEY)),
    )


def _dated(details: Details, at: Any) -> Details:
    return replace(details, at=sane(at)) if isinstance(at, datetime) else details


def key_of(provider: str, *told: str) -> bytes:
    """Return what an event is known by, so that it counts once however often it is told."""
    digest = blake2b(digest_size=KEY_BYTES, person=b"warta-webhook")
    for part in (provider, *told):
        data = part.encode("utf-8", "replace")
        digest.update(len(data).to_bytes(4, "big") + data)
    return digest.digest()
