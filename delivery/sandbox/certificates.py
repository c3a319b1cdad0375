"""Certificates made for the moment: a small authority, and servers' certificates good and bad."""

import datetime as dt
import ipaddress
import ssl
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = dt.timedelta(days=1)
NAMES = ("localhost", "mail.example.com")


@dataclass(frozen=True, kw_only=True)
class Issued:
    """A certificate with its key, in PEM."""

    certificate: bytes
    key: bytes


@cache
def authority() -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """Make this process's authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("Test authority")
    certificate = (
        _builder(name, name, key.public_key(), until=30 * DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate, key


def authority_pem() -> str:
    """Return the authority's certificate, for those who are to trust it."""
    return authority()[0].public_bytes(serialization.Encoding.PEM).decode("ascii")


@cache
def issue(kind: str) -> Issued:
    """Make a server's certificate: good, wrong_name, expired or self_signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    above, above_key = authority()
    names = ("elsewhere.example.org",) if kind == "wrong_name" else NAMES
    alternatives: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
    if kind != "wrong_name":
        alternatives.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    subject = _name(names[0])
    is_own = kind == "self_signed"
    builder = (
        _builder(
            subject,
            subject if is_own else above.subject,
            key.public_key(),
            until=-1 * DAY if kind == "expired" else 30 * DAY,
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(
                key.public_key() if is_own else above_key.public_key()
            ),
            critical=False,
        )
    )
    certificate = builder.sign(key if is_own else above_key, hashes.SHA256())
    return Issued(
        certificate=certificate.public_bytes(serialization.Encoding.PEM),
        key=key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )


@cache
def context(kind: str) -> ssl.SSLContext:
    """Make a server's TLS settings with a certificate of this kind."""
    issued = issue(kind)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:  # ssl reads keys from files only
        path = Path(folder) / "server.pem"
        path.write_bytes(issued.key + issued.certificate)
        made.load_cert_chain(path)
    return made


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    *,
    until: dt.timedelta,
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 30 * DAY)
        .not_valid_after(now + until)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
