"""Amazon SNS, which asks to be confirmed before it brings events: answered only if it is SNS.

A confirmation makes us fetch two addresses that a request names. So both must be SNS's own, by
HTTPS, and what asks must be signed by the key that the first of them shows. The session reaches no
machine of the inner network, whatever a name leads to.
https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

import base64
import binascii
import re
import time
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import requests
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from django.utils.translation import gettext_noop as _
from urllib3.exceptions import HTTPError

from delivery.events.webhooks.values import dig
from delivery.states import Provider
from delivery.transports.providers.session import ProviderSession, read_body

SECONDS: Final = 5.0
MOST_BYTES: Final = 64 * 1024
CONFIRMATION: Final = "subscriptionconfirmation"
ENDED: Final = "unsubscribeconfirmation"
_HOSTS: Final = {
    Provider.AMAZON_SES: re.compile(
        r"sns\.[a-z]{2,4}(-[a-z]+){1,3}-\d{1,2}\.amazonaws\.com(\.cn)?"
    ),
    Provider.SCALEWAY: re.compile(r"sns\.mnq\.[a-z]{2}-[a-z]{2,4}\.scaleway\.com"),
}
_HASHES: Final = {"1": hashes.SHA1, "2": hashes.SHA256}
_SIGNED: Final = {
    "SubscriptionConfirmation": (
        "Message",
        "MessageId",
        "SubscribeURL",
        "Timestamp",
        "Token",
        "TopicArn",
        "Type",
    ),
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
}
_SIGNED["UnsubscribeConfirmation"] = _SIGNED["SubscriptionConfirmation"]

May = Callable[[str], bool]
NOT_ITS_ADDRESS: Final = _("The address to confirm is not one of the provider's own.")
NOT_SIGNED: Final = _("The request to confirm is not signed by Amazon.")
NOT_ANSWERED: Final = _("The provider did not take the confirmation. Ask it to send another one.")


class NotConfirmedError(Exception):
    """The subscription was not confirmed; the text says why, for whoever set it up."""


class AwayError(Exception):
    """It could not be reached; later is another try."""


def is_own(provider: str, url: str) -> bool:
    """Say whether an address is one of the provider's SNS, by HTTPS and nothing else."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    return bool(
        parts.scheme == "https"
        and port in {None, 443}
        and "@" not in parts.netloc
        and provider in _HOSTS
        and _HOSTS[Provider(provider)].fullmatch(parts.hostname or "")
    )


def confirm(provider: str, raw: dict[str, Any], *, may: May | None = None) -> None:
    """Confirm a subscription that SNS asks for. ``may`` says which addresses may be asked.

    Raises:
        NotConfirmedError: it is not to be, or SNS did not take it.
        AwayError: SNS cannot be reached now.
    """
    may = may or (lambda url: is_own(provider, url))
    url = str(dig(raw, "SubscribeURL") or "")
    if not may(url) or "ConfirmSubscription" not in parse_qs(urlsplit(url).query).get("Action", []):
        raise NotConfirmedError(NOT_ITS_ADDRESS)
    # Scaleway documents no signature; its request came with the password that only it was told.
    if provider == Provider.AMAZON_SES and not is_signed(raw, may=may):
        raise NotConfirmedError(NOT_SIGNED)
    status, _body = _fetch(url)
    if status != requests.codes.ok:
        raise NotConfirmedError(NOT_ANSWERED)


def is_signed(raw: dict[str, Any], *, may: May) -> bool:
    """Say whether a message of SNS carries its signature.

    Raises:
        AwayError: the certificate cannot be fetched now.
    """
    url = str(dig(raw, "SigningCertURL") or dig(raw, "SigningCertUrl") or "")
    kind = _HASHES.get(str(dig(raw, "SignatureVersion")))
    if not may(url) or not urlsplit(url).path.endswith(".pem") or kind is None:
        return False
    try:
        signature = base64.b64decode(str(dig(raw, "Signature") or ""), validate=True)
        signed = text_to_sign(raw).encode()
    except (binascii.Error, ValueError):
        return False
    status, body = _fetch(url)
    if status != requests.codes.ok:
        return False
    try:
        key = x509.load_pem_x509_certificate(body).public_key()
        if not isinstance(key, rsa.RSAPublicKey):
            return False
        key.verify(signature, signed, padding.PKCS1v15(), kind())
    except (InvalidSignature, ValueError):
        return False
    return True


def text_to_sign(raw: dict[str, Any]) -> str:
    """Return what SNS signs: names and values, a line each, in this order.

    Raises:
        ValueError: it is no message that SNS signs.
    """
    names = _SIGNED.get(str(dig(raw, "Type")))
    if names is None:
        raise ValueError
    return "".join(f"{name}\n{raw[name]}\n" for name in names if isinstance(raw.get(name), str))


def _fetch(url: str) -> tuple[int, bytes]:
    until = time.monotonic() + SECONDS
    with ProviderSession() as session:
        try:
            with session.get(url, timeout=SECONDS, stream=True) as answer:
                return answer.status_code, read_body(answer, most=MOST_BYTES, until=until)
        except (requests.RequestException, HTTPError, OSError) as error:
            raise AwayError(type(error).__name__) from error
