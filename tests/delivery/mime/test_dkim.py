"""Signatures verify by another implementation, and cover what receivers ask for."""

import base64

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from campaigns.states import ContentKind
from delivery.mime.dkim import Signer, SigningKey, load_key, relaxed_body, sign_message
from delivery.mime.render import render
from delivery.mime.skeleton import compile_message
from tests.campaigns.rendering.writings import compiled
from tests.delivery.mime.test_render import SITE, SOURCE, person

DOMAIN = "kopisenja.example"
RSA = generate_private_key(65537, 2048)
ED25519 = Ed25519PrivateKey.generate()
KEYS = {
    "rsa": SigningKey(domain=DOMAIN, selector="r1", key=RSA),
    "ed25519": SigningKey(domain=DOMAIN, selector="e1", key=ED25519),
}


def dns(name, timeout=5):
    if name.startswith(b"r1."):
        public = RSA.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)
    public = ED25519.public_key().public_bytes_raw()
    return b"v=DKIM1; k=ed25519; p=" + base64.b64encode(public)


def signed(algorithms, source=SOURCE, kind=ContentKind.MARKDOWN, recipient=None):
    message = compile_message(
        compiled(source, kind, subject="Hi {{ first_name }}"),
        from_email=f"sari@{DOMAIN}",
        from_name="Köpi Senja",
        list_id="letter",
        list_name="Letter ☕",
        feedback_id=("c1", "kopi"),
        site_url=SITE,
        signer=Signer(tuple(KEYS[name] for name in algorithms)),
    )
    return render(message, recipient or person(city="Bandung", vip=True)).data


@pytest.mark.parametrize("algorithm", KEYS)
@pytest.mark.parametrize(
    "values",
    [
        {"city": "Bandung"},
        {"city": "two  spaces\tand tab", "first_name": "Dewi   A"},
        {"city": "a\n\n\nb  \n c"},
        {"first_name": "Déwi " * 30},
        {"city": "   "},
        {"city": " x "},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    ("source", "kind"),
    [
        (SOURCE, ContentKind.MARKDOWN),
        ("<p>a   b\t\tc   </p>\n\n   {{ city }}   \n{{ city }}", ContentKind.HTML),
        ("Hi {{ city }}\n\n   x   \n\n", ContentKind.TEXT),
        ("日本語のお知らせ{{ city }}\n  " * 30, ContentKind.TEXT),
    ],
)
def test_a_signature_verifies(algorithm, values, source, kind):
    data = signed([algorithm], source, kind, person(**values))
    assert dkim.verify(data, dnsfunc=dns)
    assert not dkim.verify(data.replace(b"letter.kopisenja", b"latter.kopisenja"), dnsfunc=dns)


def test_both_signatures_verify():
    data = signed(["rsa", "ed25519"])
    verifier = dkim.DKIM(data)
    assert verifier.verify(idx=0, dnsfunc=dns)
    assert verifier.verify(idx=1, dnsfunc=dns)
    assert data.count(b"DKIM-Signature: ") == 2


def test_what_is_signed():
    data = signed(["rsa"])
    field = data.partition(b"\r\nFrom:")[0].replace(b"\r\n ", b"")
    covered = field.partition(b"h=")[2].partition(b";")[0].split(b":")
    assert covered.count(b"from") == 2
    assert {
        b"to", b"subject", b"date", b"message-id", b"mime-version", b"content-type", b"list-id",
        b"list-unsubscribe", b"list-unsubscribe-post", b"feedback-id",
    } <= set(covered)  # fmt: skip
    assert b"l=" not in field.replace(b"rsa-sha256", b"")


@pytest.mark.parametrize("added", [b"From: evil@example.com\r\n"])
def test_a_second_from_breaks_it(added):
    assert not dkim.verify(added + signed(["rsa"]), dnsfunc=dns)


def test_any_message_can_be_signed():
    data = (
        b"From: a@kopisenja.example\r\nSubject:  two  spaces\r\n\tfolded\r\n\r\nx  y \r\n\r\n\r\n"
    )
    for key in KEYS.values():
        assert dkim.verify(sign_message(data, Signer((key,)), timestamp=0), dnsfunc=dns)


def test_relaxed_form():
    assert relaxed_body(b"a  b\t c \r\n\td \t\r\n") == b"a b c\r\n d\r\n"


def test_keys_are_read_and_weak_ones_refused():
    def pem(key):
        return key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    assert load_key(domain=DOMAIN, selector="x", pem=pem(RSA)).selector == "x"
    assert load_key(domain=DOMAIN, selector="x", pem=pem(ED25519)).domain == DOMAIN
    other = pem(ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(ValueError, match="DKIM needs"):
        load_key(domain=DOMAIN, selector="x", pem=other)
