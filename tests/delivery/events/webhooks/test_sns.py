"""Amazon SNS is confirmed only if it is SNS, and nothing else is asked for whatever it names."""

import base64
import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from delivery.events.webhooks import sns, taking
from delivery.models import ProviderEvent
from delivery.sandbox.provider_server import ProviderServer, Reply, Request, running
from delivery.states import Provider, ProviderEventState
from tests.delivery.events.webhooks.posting import address_at, basic, post

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
HASHES = {"1": hashes.SHA1, "2": hashes.SHA256}


def certificate() -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    now = dt.datetime.now(dt.UTC)
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    built = built.public_key(KEY.public_key()).serial_number(1)
    built = built.not_valid_before(now).not_valid_after(now + dt.timedelta(days=1))
    made = built.sign(KEY, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture
def amazon(settings: Any) -> Iterator[ProviderServer]:
    """Something that answers as SNS does, on loopback."""
    settings.OWN_PROVIDERS = ["127.0.0.1"]
    pem = certificate()

    def answer(request: Request) -> Reply:
        return Reply(body=pem if request.path.endswith(".pem") else "<Confirmed/>")

    with running(answer) as server:
        yield server


def asks(base: str, *, version: str = "2", **changes: Any) -> dict[str, Any]:
    raw = {
        "Type": "SubscriptionConfirmation",
        "MessageId": "165545c9",
        "Token": "2336412f37",
        "TopicArn": "arn:aws:sns:eu-central-1:123456789012:warta",
        "Message": "You have chosen to subscribe.",
        "SubscribeURL": f"{base}?Action=ConfirmSubscription&TopicArn=warta&Token=2336412f37",
        "Timestamp": "2026-11-30T10:00:00.000Z",
        "SignatureVersion": version,
        "SigningCertURL": f"{base}SimpleNotificationService-1.pem",
    }
    signed = KEY.sign(sns.text_to_sign(raw).encode(), padding.PKCS1v15(), HASHES[version]())
    return raw | {"Signature": base64.b64encode(signed).decode()} | changes


def here(server: ProviderServer) -> Any:
    return lambda url: url.startswith(server.url)


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_signed_request_is_confirmed(amazon, version):
    sns.confirm(Provider.AMAZON_SES, asks(amazon.url, version=version), may=here(amazon))
    assert [request.path.partition("?")[0] for request in amazon.requests] == [
        "/SimpleNotificationService-1.pem",
        "/",
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"Token": "another"},
        {"TopicArn": "arn:aws:sns:eu-central-1:999:theirs"},
        {"Signature": base64.b64encode(b"x" * 256).decode()},
        {"Signature": "not base64!"},
        {"Signature": None},
        {"SignatureVersion": "3"},
        {"Type": "Whatever"},
    ],
    ids=str,
)
def test_what_is_not_signed_is_not_confirmed(amazon, change):
    with pytest.raises(sns.NotConfirmedError):
        sns.confirm(Provider.AMAZON_SES, asks(amazon.url) | change, may=here(amazon))
    assert not [one for one in amazon.requests if "ConfirmSubscription" in one.path]


def test_a_certificate_that_is_none_confirms_nothing(amazon):
    amazon.answer = lambda _request: Reply(body="-----BEGIN CERTIFICATE-----\nAAAA\n")
    with pytest.raises(sns.NotConfirmedError):
        sns.confirm(Provider.AMAZON_SES, asks(amazon.url), may=here(amazon))


def test_a_redirect_is_not_followed(amazon):
    pem = certificate()
    amazon.answer = lambda request: (
        Reply(body=pem)
        if request.path.endswith(".pem")
        else Reply(status=302, headers={"Location": f"{amazon.url}secret"})
    )
    with pytest.raises(sns.NotConfirmedError):
        sns.confirm(Provider.AMAZON_SES, asks(amazon.url), may=here(amazon))
    assert not [one for one in amazon.requests if "secret" in one.path]


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription",
        "https://sns.eu-central-1.amazonaws.com.evil.example/?Action=ConfirmSubscription",
        "https://evil.example/sns.eu-central-1.amazonaws.com?Action=ConfirmSubscription",
        "https://sns.eu-central-1.amazonaws.com@evil.example/?Action=ConfirmSubscription",
        "https://sns.eu-central-1.amazonaws.com:8443/?Action=ConfirmSubscription",
        "https://bucket.s3.amazonaws.com/?Action=ConfirmSubscription",
        "https://169.254.169.254/?Action=ConfirmSubscription",
        "https://[::1]/?Action=ConfirmSubscription",
        "https://127.0.0.1/?Action=ConfirmSubscription",
        "file:///etc/passwd?Action=ConfirmSubscription",
        "https://sns.eu-central-1.amazonaws.com/?Action=DeleteTopic",
        "https://[bad/?Action=ConfirmSubscription",
        "",
    ],
)
def test_no_other_address_is_ever_asked(amazon, url):
    with pytest.raises(sns.NotConfirmedError):
        sns.confirm(Provider.AMAZON_SES, asks(amazon.url) | {"SubscribeURL": url})
    assert not amazon.requests


@pytest.mark.parametrize("region", ["eu-central-1", "us-gov-west-1", "ap-southeast-3"])
def test_amazons_own_addresses_are_known(region):
    assert sns.is_own(Provider.AMAZON_SES, f"https://sns.{region}.amazonaws.com/x.pem")
    assert sns.is_own(Provider.AMAZON_SES, "https://sns.cn-north-1.amazonaws.com.cn/x.pem")
    assert sns.is_own(Provider.SCALEWAY, "https://sns.mnq.fr-par.scaleway.com/?x")
    assert not sns.is_own(Provider.SENDGRID, f"https://sns.{region}.amazonaws.com/x.pem")


def test_what_cannot_be_confirmed_is_said_on_the_page(workspace):
    address = address_at(workspace, Provider.AMAZON_SES)
    raw = asks("https://evil.example/")
    answer = post(
        address,
        json.dumps(raw),
        HTTP_AUTHORIZATION=basic(),
        HTTP_X_AMZ_SNS_MESSAGE_TYPE="SubscriptionConfirmation",
        HTTP_X_AMZ_SNS_MESSAGE_ID="165545c9",
    )
    assert answer.status_code == 200
    assert taking.confirm_topics() == 1
    assert ProviderEvent.objects.get().state == ProviderEventState.FAILED
    address.refresh_from_db()
    assert "not one of the provider's own" in address.trouble
    assert address.topic_confirmed_at is None


def test_a_confirmation_without_the_password_is_not_even_kept(workspace):
    address = address_at(workspace, Provider.AMAZON_SES)
    answer = post(address, asks("https://sns.eu-central-1.amazonaws.com/"), HTTP_X_A="1")
    assert answer.status_code == 401
    assert not ProviderEvent.objects.exists()
