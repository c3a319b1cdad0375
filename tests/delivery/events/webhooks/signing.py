"""Signatures as providers make them."""

import base64
import hashlib
import hmac
import time
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from delivery.events.webhooks.credentials import Credentials


def mailersend(body: str, key: str) -> str:
    return hmac.digest(key.encode(), body.encode(), hashlib.sha256).hex()


def mailgun(value: dict[str, Any], key: str, *, token: str = "t" * 50) -> dict[str, Any]:
    """Return an event with its signature."""
    at = "1764000000"
    signature = hmac.digest(key.encode(), f"{at}{token}".encode(), hashlib.sha256).hex()
    return value | {"signature": {"timestamp": at, "token": token, "signature": signature}}


def svix(body: str, key: str, number: str, *, at: float | None = None) -> dict[str, str]:
    moment = str(int(time.time() if at is None else at))
    secret = base64.b64decode(key.removeprefix("whsec_"))
    digest = hmac.digest(secret, f"{number}.{moment}.{body}".encode(), hashlib.sha256)
    return {
        "HTTP_SVIX_ID": number,
        "HTTP_SVIX_TIMESTAMP": moment,
        "HTTP_SVIX_SIGNATURE": f"v1,{base64.b64encode(digest).decode()}",
    }


def mandrill(record: dict[str, Any], wanted: Credentials) -> dict[str, str]:
    """Sign the form's one field, and the address that it was sent to."""
    field = record["body"]["text"].split("\r\n\r\n", 1)[1].split("\r\n--BoUnDaRy")[0]
    return {"HTTP_X_MANDRILL_SIGNATURE": of_mandrill(wanted.url, field, wanted.signing_key)}


def of_mandrill(url: str, events: str, key: str) -> str:
    signed = f"{url}mandrill_events{events}".encode()
    return base64.b64encode(hmac.digest(key.encode(), signed, hashlib.sha1)).decode()


def postal(body: str) -> tuple[str, dict[str, str]]:
    """Return a public key, and the header that its private one signs a body by."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    signature = private.sign(body.encode(), padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 - Postal's choice
    return _public(private), {"HTTP_X_POSTAL_SIGNATURE": base64.b64encode(signature).decode()}


def sendgrid(body: str) -> tuple[str, dict[str, str]]:
    """Return a public key, and the headers that its private one signs a body by."""
    private = ec.generate_private_key(ec.SECP256R1())
    at = "1764000000"
    signature = private.sign(at.encode() + body.encode(), ec.ECDSA(hashes.SHA256()))
    return _public(private), {
        "HTTP_X_TWILIO_EMAIL_EVENT_WEBHOOK_SIGNATURE": base64.b64encode(signature).decode(),
        "HTTP_X_TWILIO_EMAIL_EVENT_WEBHOOK_TIMESTAMP": at,
    }


def _public(private: Any) -> str:
    pem = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return str(pem.decode())
