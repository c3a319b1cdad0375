"""Who speaks: a provider's signature, or the password that only its settings know.

What django-anymail knows of signatures is used as it is, with one account's key in place of a
setting of the whole installation. Whoever proves nothing is refused; nothing is ever taken because
nothing was set.
"""

import base64
import binascii
import hashlib
import hmac
import json
import time
import warnings
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any, Final

from django.http import HttpRequest
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext_noop as _

from accounts.installation import secrets
from delivery.events.webhooks.credentials import SIGNS_BY_API_KEY, Credentials, wants_key
from delivery.models import SendingAccount
from delivery.states import Provider

# How far a signed moment may be from ours, either way (Svix's own tolerance).
FRESH_SECONDS: Final = 300
SVIX_PREFIX: Final = "whsec_"
BAD_REQUEST: Final = 400
FORBIDDEN: Final = 403
UNAUTHORIZED: Final = 401

VIEWS: Final[dict[str, str]] = {
    Provider.AMAZON_SES: "amazon_ses.AmazonSESTrackingWebhookView",
    Provider.BREVO: "brevo.BrevoTrackingWebhookView",
    Provider.MAILERSEND: "mailersend.MailerSendTrackingWebhookView",
    Provider.MAILGUN: "mailgun.MailgunTrackingWebhookView",
    Provider.MAILJET: "mailjet.MailjetTrackingWebhookView",
    Provider.MAILTRAP: "mailtrap.MailtrapTrackingWebhookView",
    Provider.MANDRILL: "mandrill.MandrillCombinedWebhookView",
    Provider.POSTAL: "postal.PostalTrackingWebhookView",
    Provider.POSTMARK: "postmark.PostmarkTrackingWebhookView",
    Provider.RESEND: "resend.ResendTrackingWebhookView",
    Provider.SENDGRID: "sendgrid.SendGridTrackingWebhookView",
    Provider.SPARKPOST: "sparkpost.SparkPostTrackingWebhookView",
    Provider.UNISENDER_GO: "unisender_go.UnisenderGoTrackingWebhookView",
}
# What django-anymail calls a provider's key.
KEY_NAMES: Final[dict[str, str]] = {
    Provider.MAILERSEND: "signing_secret",
    Provider.MAILGUN: "webhook_signing_key",
    Provider.MAILTRAP: "tracking_secret",
    Provider.MANDRILL: "webhook_key",
    Provider.POSTAL: "webhook_key",
    Provider.SENDGRID: "tracking_webhook_verification_key",
    Provider.UNISENDER_GO: "api_key",
}
UNREADABLE: Final = "-"  # in place of a key where only reading is wanted


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not taken: HTTP's status, and words for whoever set it up."""

    status: int
    words: str


NOTHING_SET: Final = Refusal(
    FORBIDDEN, _("An event came, but nothing is set that could prove who sent it.")
)
KEY_MISSING: Final = Refusal(
    FORBIDDEN, _("An event came, but the provider's signing key is not entered yet.")
)
KEY_UNUSABLE: Final = Refusal(
    FORBIDDEN, _("The stored signing key is not one. Copy it again from the provider's page.")
)
NO_PASSWORD: Final = Refusal(
    UNAUTHORIZED, _("An event came without the password. Copy the whole address, password and all.")
)
WRONG_PASSWORD: Final = Refusal(
    UNAUTHORIZED, _("An event came with a wrong password. Copy the address again.")
)
WRONG_SIGNATURE: Final = Refusal(
    FORBIDDEN,
    _("An event came whose signature does not fit the stored key. Copy the key again."),
)
NO_SIGNATURE: Final = Refusal(
    FORBIDDEN,
    _("An event came without a signature. Switch signing on at the provider, or remove the key."),
)
NOT_FROM_SNS: Final = Refusal(
    BAD_REQUEST, _("An event came that is not in the shape in which Amazon SNS sends.")
)
NOT_FRESH: Final = Refusal(
    FORBIDDEN, _("An event was signed too long ago, or this machine's clock is wrong.")
)


def key_of(account: SendingAccount, credentials: Credentials) -> str:
    """Return the key a provider signs with; with some it is the API key, unless another is set."""
    if credentials.signing_key:
        return credentials.signing_key
    if account.provider in SIGNS_BY_API_KEY or account.provider == Provider.MAILGUN:
        try:
            stored = json.loads(secrets.decrypt(account.encrypted_password) or "{}")
        except (secrets.UnreadableSecretError, ValueError):
            return ""
        return str(stored.get("api_key", ""))
    return ""


def check(
    provider: str,
    request: HttpRequest,
    *,
    passwords: tuple[str, ...],
    key: str,
    urls: tuple[str, ...] = (),
) -> Refusal | None:
    """Return why a request is not to be believed; None: it proves what is asked of this address.

    ``key`` is the provider's signing key, ``urls`` the addresses it may have signed. Where both a
    password and a key are set, both must be right.
    """
    if not passwords and not key:
        return KEY_MISSING if wants_key(provider) else NOTHING_SET
    if wants_key(provider) and not key:
        return KEY_MISSING
    if passwords and (refusal := _check_password(request, passwords)):
        return refusal
    if provider == Provider.AMAZON_SES:
        return _check_sns_headers(request)
    return _check_signature(provider, request, key, urls) if key else None


def _check_password(request: HttpRequest, passwords: tuple[str, ...]) -> Refusal | None:
    given = _basic(request) or request.GET.get("key", "")
    if not given:
        return NO_PASSWORD
    right = [constant_time_compare(given, password) for password in passwords]
    # A provider without user names in addresses gives the password alone, as ?key=…
    bare = [constant_time_compare(given, one.partition(":")[2]) for one in passwords]
    return None if any(right) or any(bare) else WRONG_PASSWORD


def _basic(request: HttpRequest) -> str:
    scheme, _space, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return "?"


def _check_signature(
    provider: str, request: HttpRequest, key: str, urls: tuple[str, ...]
) -> Refusal | None:
    if provider == Provider.RESEND:
        return check_svix(request, key)
    if provider not in KEY_NAMES:
        return None
    answers = [_anymail(provider, request, key, url) for url in urls or ("",)]
    return None if None in answers else answers[0]


def _check_sns_headers(request: HttpRequest) -> Refusal | None:
    """Check that SNS's headers and the body say the same, unless its topic sends bare events."""
    if request.headers.get("x-amz-sns-rawdelivery", "").lower() == "true":
        return None
    return None if _anymail(Provider.AMAZON_SES, request, "", "") is None else NOT_FROM_SNS


def _anymail(provider: str, request: HttpRequest, key: str, url: str) -> Refusal | None:
    from anymail.exceptions import AnymailError, AnymailWebhookValidationFailure

    try:
        view = view_of(provider, key, url)
    except (ValueError, AnymailError):
        return KEY_UNUSABLE
    try:
        for validate in view.validators:
            validate(view, request)
    except AnymailWebhookValidationFailure as error:
        words = str(error)
        is_absent = "without" in words or "missing" in words.lower()
        return NO_SIGNATURE if is_absent else WRONG_SIGNATURE
    except Exception:  # noqa: BLE001 - whatever a validator trips over, it proved nothing
        return WRONG_SIGNATURE
    return None


@lru_cache(maxsize=256)
def view_of(provider: str, key: str = "", url: str = "") -> Any:
    """Return django-anymail's view for one provider, with one account's key.

    Raises:
        ValueError: the key is not in the shape of one.
    """
    module, _dot, name = VIEWS[provider].partition(".")
    view = getattr(import_module(f"anymail.webhooks.{module}"), name)
    arguments: dict[str, Any] = {"webhook_secret": []}
    if provider in KEY_NAMES:
        is_optional = provider in {Provider.SENDGRID, Provider.MAILTRAP}
        arguments[KEY_NAMES[provider]] = key or (None if is_optional else UNREADABLE)
    if provider == Provider.SENDGRID and key:
        arguments[KEY_NAMES[provider]] = _bare(key)
    if provider == Provider.POSTAL and key:
        arguments[KEY_NAMES[provider]] = _bare(key)
    if provider == Provider.MANDRILL:
        arguments["webhook_url"] = url or UNREADABLE
    if provider == Provider.RESEND:
        arguments["signing_secret"] = None
    if provider == Provider.AMAZON_SES:
        arguments |= {"auto_confirm_sns_subscriptions": False, "client_params": {}}
    with warnings.catch_warnings():
        # Passwords are our own business, and SendGrid, which Anymail has dropped, we test.
        warnings.simplefilter("ignore")
        made = view(**arguments)
    if key and provider == Provider.POSTAL:
        _check_public_key(_bare(key))
    return made


def _check_public_key(key: str) -> None:
    """Let a key that is none be noticed before its first event.

    Raises:
        ValueError: it is none.
    """
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    load_pem_public_key(f"-----BEGIN PUBLIC KEY-----\n{key}\n-----END PUBLIC KEY-----".encode())


def _bare(key: str) -> str:
    """Return a public key without the lines around it, which some pages show and others don't."""
    lines = [line.strip() for line in key.strip().splitlines()]
    return "\n".join(line for line in lines if line and not line.startswith("-----"))


def is_key(provider: str, key: str) -> bool:
    """Say whether a signing key can be one, before it is stored."""
    if not key.isascii():
        return False
    if provider == Provider.RESEND:
        return bool(_svix_key(key))
    try:
        view_of(provider, key)
    except (ValueError, TypeError):
        return False
    return True


def check_svix(request: HttpRequest, key: str) -> Refusal | None:
    """Check a signature as Svix makes it, whom Resend and others let send their events.

    HMAC-SHA256 over id, moment and body, base64; several may stand in the header while a key is
    exchanged. https://docs.svix.com/receiving/verifying-payloads/how-manual
    """
    secret = _svix_key(key)
    if not secret:
        return KEY_UNUSABLE
    names = ("svix-id", "svix-timestamp", "svix-signature")
    number, moment, given = (request.headers.get(name, "") for name in names)
    if not (number and moment and given):
        return NO_SIGNATURE
    try:
        at = float(moment)
    except ValueError:
        return WRONG_SIGNATURE
    if not abs(time.time() - at) <= FRESH_SECONDS:
        return NOT_FRESH
    # As Svix itself: whole seconds are what was signed.
    for written in dict.fromkeys((moment, str(int(at)))):
        signed = f"{number}.{written}.".encode() + request.body
        right = base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()
        for one in given.split()[:10]:
            version, _comma, signature = one.partition(",")
            if version == "v1" and constant_time_compare(signature, right):
                return None
    return WRONG_SIGNATURE


def _svix_key(key: str) -> bytes:
    try:
        return base64.b64decode(key.removeprefix(SVIX_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return b""
