"""Backends that hand a provider our finished mail instead of its parts.

django-anymail sends parts to these two as well, but both take a whole message: so headers, encoding
and signature arrive as they were made (Mailgun: POST /v3/{domain}/messages.mime; Postal: POST
/api/v1/send/raw).
"""

from base64 import b64encode
from typing import Any

from anymail.backends import mailgun, postal

from delivery.transports.providers.message import METADATA_KEY


class _MimePayload(mailgun.MailgunPayload):  # type: ignore[misc]  # not typed
    def get_api_endpoint(self) -> str:
        return f"{super().get_api_endpoint()}.mime"

    def serialize_data(self) -> dict[str, Any]:
        tracking = {key: value for key, value in self.data.items() if key.startswith("o:")}
        mark = {f"v:{METADATA_KEY}": self.message.token}
        return {"to": self.message.to, **tracking, **mark}

    def get_request_params(self, api_url: str) -> dict[str, Any]:
        params: dict[str, Any] = super().get_request_params(api_url)
        params["files"] = {"message": ("message.mime", self.message.raw)}
        return params


class MailgunMime(mailgun.EmailBackend):  # type: ignore[misc]  # not typed
    """Mailgun, with the message as we made it."""

    def build_message_payload(self, message: Any, defaults: Any) -> _MimePayload:
        """Return what goes out."""
        return _MimePayload(message, defaults, self)


class _RawPayload(postal.PostalPayload):  # type: ignore[misc]  # not typed
    def get_api_endpoint(self) -> str:
        return "api/v1/send/raw"

    def serialize_data(self) -> str:
        return str(
            self.serialize_json(
                {
                    "mail_from": self.message.envelope_from,
                    "rcpt_to": [self.message.envelope_to],
                    "data": b64encode(self.message.raw).decode(),
                }
            )
        )


class PostalRaw(postal.EmailBackend):  # type: ignore[misc]  # not typed
    """Postal, with the message as we made it."""

    def build_message_payload(self, message: Any, defaults: Any) -> _RawPayload:
        """Return what goes out."""
        return _RawPayload(message, defaults, self)
