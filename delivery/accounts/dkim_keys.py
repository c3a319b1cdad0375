"""The keys that sign our mail: made here, published by people, looked up, put to use, retired.

A key signs from the moment somebody activates it; from then on the one it replaces signs nothing
more, but its DNS record stays needed for mail under way. Several workspaces may sign for one
domain, each under selectors of its own.
"""

import re
import secrets as randomness
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import dns.exception
import dns.resolver
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.installation import secrets
from accounts.models import Workspace
from delivery.mime.dkim import Signer, SigningKey, load_key
from delivery.models import DkimKey, SendingAccount
from delivery.states import DkimAlgorithm, DkimState
from delivery.transports import choose
from subscribers.addresses import mail_servers

RSA_BITS: Final = 2048  # RFC 8301 §3.2
LOOKUP_SECONDS: Final = 5.0
STRING: Final = 255  # octets in one string of a TXT record (RFC 1035 §3.3.14)


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedKey:
    """What the DNS says of a key; ``problem`` is empty when the record is right."""

    problem: str


def generate(workspace: Workspace, *, domain: str, algorithm: str) -> DkimKey:
    """Make a key pair; it signs nothing before it is activated."""
    if algorithm == DkimAlgorithm.ED25519:
        ed25519 = Ed25519PrivateKey.generate()
        # RFC 8463 §4: the bare key, not in the structure that RSA keys are wrapped into.
        public = ed25519.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        pem = ed25519.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    else:
        rsa = generate_private_key(public_exponent=65537, key_size=RSA_BITS)
        public = rsa.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        pem = rsa.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    letter = "e" if algorithm == DkimAlgorithm.ED25519 else "r"
    selector = f"warta{timezone.now():%Y%m%d}{letter}{randomness.token_hex(2)}"
    return DkimKey.objects.create(
        workspace=workspace,
        domain=domain,
        selector=selector,
        algorithm=algorithm,
        encrypted_key=secrets.encrypt(pem.decode()),
        public_key=b64encode(public).decode(),
    )


def record_text(key: DkimKey) -> str:
    """Return the TXT record's value as one text (RFC 6376 §3.6.1)."""
    kind = "ed25519" if key.algorithm == DkimAlgorithm.ED25519 else "rsa"
    return f"v=DKIM1; k={kind}; p={key.public_key}"


def record_strings(key: DkimKey) -> str:
    """Return the value as zone files want it: quoted, split where a string would be too long."""
    text = record_text(key)
    parts = [text[start : start + STRING] for start in range(0, len(text), STRING)]
    return " ".join(f'"{part}"' for part in parts)


def check(key: DkimKey) -> PublishedKey:
    """Look the record up, and keep what was found."""
    problem = _problem(key)
    DkimKey.objects.filter(pk=key.pk).update(checked_at=timezone.now(), problem=problem[:300])
    key.refresh_from_db(fields=["checked_at", "problem"])
    return PublishedKey(problem=problem)


def _problem(key: DkimKey) -> str:
    try:
        texts = _texts(key.record_name)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return _("There is no such record yet. New records take minutes, sometimes hours.")
    except (dns.exception.DNSException, OSError) as error:
        return _("It could not be looked up (%(error)s). Try again.") % {
            "error": type(error).__name__
        }
    return _fault(key, texts)


def _fault(key: DkimKey, texts: list[str]) -> str:
    """Say what is wrong with the TXT records under a key's name."""
    if len(texts) > 1:
        return _("There are %(count)d TXT records under this name; there must be one.") % {
            "count": len(texts)
        }
    tags = read_tags(texts[0])
    if tags.get("p") == key.public_key:
        return ""
    if not tags.get("p"):
        return _("The record holds no public key (p=). Copy the value as a whole.")
    if key.public_key.startswith(tags["p"]):
        return _("The record is cut off. Split its value as shown, or paste it as one line.")
    return _("The record holds another key. Copy this one's value.")


def read_tags(text: str) -> dict[str, str]:
    """Read a tag list (RFC 6376 §3.2); white space inside a value means nothing."""
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip(): re.sub(r"\s", "", value) for name, _sign, value in pairs if value}


def _texts(name: str) -> list[str]:
    resolver = mail_servers.our_resolver()
    resolver.lifetime = LOOKUP_SECONDS
    answer = resolver.resolve(name, "TXT")
    return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]


@transaction.atomic
def activate(key: DkimKey) -> bool:
    """Sign with this key from the next claim on, and no more with the one before it.

    False: it was deleted or activated meanwhile.
    """
    # One activation at a time for a workspace, so that no two keys are active at once.
    Workspace.objects.select_for_update(no_key=True).get(pk=key.workspace_id)
    rivals = DkimKey.objects.filter(
        workspace_id=key.workspace_id,
        domain=key.domain,
        algorithm=key.algorithm,
        state=DkimState.ACTIVE,
    )
    rivals.exclude(pk=key.pk).update(state=DkimState.RETIRED, retired_at=timezone.now())
    return bool(
        DkimKey.objects.filter(pk=key.pk)
        .exclude(state=DkimState.ACTIVE)
        .update(state=DkimState.ACTIVE, retired_at=None)
    )


def retire(key: DkimKey) -> bool:
    """Sign no more with this key; False: it did not sign."""
    return bool(
        DkimKey.objects.filter(pk=key.pk, state=DkimState.ACTIVE).update(
            state=DkimState.RETIRED, retired_at=timezone.now()
        )
    )


def delete(key: DkimKey) -> bool:
    """Forget a key that signs nothing; False: it signs."""
    deleted, _by_model = DkimKey.objects.filter(pk=key.pk).exclude(state=DkimState.ACTIVE).delete()
    return bool(deleted)


def active(workspace: int, domain: str) -> list[DkimKey]:
    """Return the keys that sign for a sender domain: its own or its parent's, RSA first.

    A parent's signature aligns too (DMARC, relaxed), so one key may serve news.example.com.
    """
    labels = domain.lower().split(".")
    names = [".".join(labels[start:]) for start in range(len(labels) - 1)]
    found = DkimKey.objects.filter(workspace=workspace, domain__in=names, state=DkimState.ACTIVE)
    keys = sorted(found, key=lambda key: (-len(key.domain), key.algorithm != DkimAlgorithm.RSA))
    return [key for key in keys if key.domain == keys[0].domain]


def signer(keys: Iterable[DkimKey]) -> Signer | None:
    """Return what signs with these keys; None: there is none, or none can be read."""
    loaded: list[SigningKey] = []
    for key in keys:
        try:
            pem = secrets.decrypt(key.encrypted_key).encode()
        except secrets.UnreadableSecretError:
            continue  # an unsigned mail is better than none; doctor names the key
        loaded.append(load_key(domain=key.domain, selector=key.selector, pem=pem))
    return Signer(tuple(loaded)) if loaded else None


def signer_for(account: SendingAccount, domain: str) -> Signer | None:
    """Return what signs mail from a domain that goes over an account, if anything does."""
    if account.workspace_id is None or not choose.takes_raw(account):
        return None
    return signer(active(account.workspace_id, domain))
