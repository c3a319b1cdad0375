"""A finished mail as django-anymail wants it.

Providers that take raw mail get our bytes. The others get its parts, decoded, with the headers that
make a newsletter a newsletter (RFC 2369, 2919, 8058); their webhooks bring ``X-Warta-Message`` back
as metadata.
"""

import uuid
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from email.utils import formataddr, parseaddr
from typing import Any, Final

from django.core.mail import EmailMultiAlternatives

from delivery.transports.protocol import Outgoing
from delivery.transports.providers.catalogue import Spec

METADATA_KEY: Final = "warta_message"
MESSAGE_HEADER: Final = "X-Warta-Message"
_NAMESPACE: Final = uuid.UUID("7f3a2a52-6a0e-4f7b-9a4e-3f1a6f6e0c11")
# Said by other means, or written by the provider.
_NOT_EXTRA: Final = frozenset(
    {
        "from",
        "to",
        "subject",
        "reply-to",
        "date",
        "mime-version",
        "content-type",
        "content-transfer-encoding",
        "dkim-signature",
    }
)


class RawMail:
    """Stands where Django's MIME message would: gives our bytes, unchanged."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def as_bytes(self, *_args: Any, **_kwargs: Any) -> bytes:
        """Return the mail."""
        return self._data

    def walk(self) -> list[Any]:
        """No part needs another encoding: ours are all quoted-printable or base64."""
        return []

    def __setitem__(self, name: str, value: str) -> None:
        """Ignore what a backend would add: the signature covers what there is."""


class ProviderMessage(EmailMultiAlternatives):
    """One mail to one person; ``raw`` is it as we made it."""

    raw: bytes = b""
    envelope_from: str = ""
    envelope_to: str = ""
    token: str = ""
    idempotency_key: str = ""

    def message(self, *_args: Any, **_kwargs: Any) -> Any:
        """Return our own bytes, for backends that send those."""
        return RawMail(self.raw)


def read(mail: Outgoing, spec: Spec) -> ProviderMessage:
    """Make a provider's message of a finished mail.

    The idempotency key follows from the mail's own mark alone: the same on every attempt.
    """
    parsed = BytesParser(policy=compat32).parsebytes(mail.data, headersonly=spec.is_raw)
    token = str(parsed.get(MESSAGE_HEADER) or parsed.get("Message-ID") or mail.message_id).strip()
    message = ProviderMessage(
        subject=_decoded(parsed.get("Subject")),
        from_email=_mailbox(parsed.get("From")) or mail.envelope_from,
        to=[_with_address(parsed.get("To"), mail.envelope_to)],
    )
    message.raw, message.envelope_to = mail.data, mail.envelope_to
    message.envelope_from = mail.envelope_from
    message.token = token
    message.idempotency_key = str(uuid.uuid5(_NAMESPACE, token))
    if spec.has_metadata and not spec.is_raw:
        message.metadata = {METADATA_KEY: token}  # type: ignore[attr-defined]  # Anymail reads it
    if spec.can_stop_tracking:
        message.track_opens = message.track_clicks = False  # type: ignore[attr-defined]
    if not spec.is_raw:
        _add_parts(message, parsed, spec)
    if spec.idempotency == "body":
        message.esp_extra = {"idempotence_key": message.idempotency_key}  # type: ignore[attr-defined]
    return message


def _add_parts(message: ProviderMessage, parsed: Message, spec: Spec) -> None:
    if parsed.get("Reply-To"):
        message.reply_to = [_mailbox(parsed["Reply-To"])]
    left_out = _NOT_EXTRA | spec.drops_headers
    if not spec.keeps_message_id:
        left_out = left_out | {"message-id"}
    headers = {
        # Folding is a matter of bytes on a wire; encoded words stay as they are, in ASCII.
        name: " ".join(str(value).split())
        for name, value in parsed.items()
        if name.lower() not in left_out
    }
    headers.update(spec.extra_headers)
    if spec.idempotency == "header":
        headers["idempotencyKey"] = message.idempotency_key
    message.extra_headers = headers
    for part in parsed.walk():
        if part.is_multipart():
            continue
        content = part.get_payload(decode=True)
        text = content.decode("utf-8", "replace") if isinstance(content, bytes) else str(content)
        text = text.replace("\r\n", "\n")
        if part.get_content_type() == "text/html":
            message.attach_alternative(text, "text/html")
        else:
            message.body = text


def _decoded(value: Any) -> str:
    try:
        return str(make_header(decode_header(" ".join(str(value or "").split()))))
    except (MessageError, UnicodeError, LookupError):
        return str(value)


def _mailbox(value: Any) -> str:
    """Return a name and an address, the name decoded, quoted where it must be."""
    name, address = parseaddr(" ".join(str(value or "").split()))
    return _formatted(_decoded(name), address)


def _with_address(value: Any, address: str) -> str:
    """Return the To field with the address that the envelope names."""
    name, _address = parseaddr(" ".join(str(value or "").split()))
    return _formatted(_decoded(name), address)


def _formatted(name: str, address: str) -> str:
    if not name or name.isascii():
        return formataddr((name, address))
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{address}>'
