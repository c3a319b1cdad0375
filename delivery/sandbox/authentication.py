"""DKIM, SPF and DMARC as a receiver would judge a mail of the sandbox, as far as can be told here.

A signature is checked against the workspace's own public keys, so nothing has to be in the DNS yet.
SPF depends on the server that will send it, which the sandbox is not; what can be told is whether
its domain and the sender's belong together (RFC 9989 §4.4, relaxed).
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

import dkim
from django.utils.translation import gettext as _

from accounts.input.senders import understood
from delivery.accounts import dkim_keys
from delivery.models import DkimKey
from delivery.sandbox.parts import LONGEST_HEAD, Mail

MOST_SIGNATURES: Final = 3
LARGEST: Final = 2 * 1024 * 1024  # bytes of a mail whose signatures are checked
_LONGEST_BLANKS: Final = b" " * 1_000
_FEWEST_SHARED: Final = 2  # labels; less in common is only a top-level domain
# The library says what it reads to a logger; whose mail it was is nobody's business there.
_silent = logging.Logger("dkim", logging.CRITICAL + 1)  # noqa: LOG001 - tied to no handler


class Verdict(Enum):
    """How a check ended; the value is the tone it is shown in."""

    GOOD = "good"
    BAD = "failed"
    OPEN = "waiting"


class Alignment(Enum):
    """How two domains belong together."""

    SAME = "same"
    RELATED = "related"  # one lies in the other
    UNSURE = "unsure"  # neighbours: only the DNS tells whether one organisation has both
    NONE = "none"


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """One DKIM signature, checked."""

    domain: str
    selector: str
    algorithm: str
    verdict: Verdict
    sentence: str

    @property
    def record_name(self) -> str:
        """Where its public key stands in the DNS."""
        return f"{self.selector}._domainkey.{self.domain}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Authentication:
    """All that can be told of a mail without asking anybody."""

    from_domain: str
    return_domain: str
    signatures: tuple[Signature, ...]
    spf: Alignment
    dkim: Alignment
    dmarc: Verdict


def keys_of(workspace_id: int) -> dict[str, str]:
    """Return a workspace's public keys as their DNS records would hold them, by record name."""
    keys = DkimKey.objects.filter(workspace=workspace_id).defer("encrypted_key")[:200]
    return {key.record_name.lower(): dkim_keys.record_text(key) for key in keys}


def judge(mail: Mail, *, envelope_from: str, keys: Mapping[str, str]) -> Authentication:
    """Judge a mail; ``keys`` as `keys_of` returns them."""
    from_domain = domain_of(understood(mail.get("from")).address)
    return_domain = domain_of(envelope_from)
    signatures = _signatures(mail, keys)
    good = [one for one in signatures if one.verdict is Verdict.GOOD]
    by_dkim = _best([alignment(from_domain, one.domain) for one in good])
    by_spf = alignment(from_domain, return_domain)
    return Authentication(
        from_domain=from_domain,
        return_domain=return_domain,
        signatures=signatures,
        spf=by_spf,
        dkim=by_dkim,
        dmarc=_dmarc(by_dkim, by_spf),
    )


def alignment(first: str, second: str) -> Alignment:
    """Say how two domains belong together, without asking the DNS."""
    first, second = first.lower().rstrip("."), second.lower().rstrip(".")
    if not first or not second:
        return Alignment.NONE
    if first == second:
        return Alignment.SAME
    if first.endswith(f".{second}") or second.endswith(f".{first}"):
        shorter = min(first, second, key=len)
        return Alignment.RELATED if "." in shorter else Alignment.NONE
    shared = 0
    for one, other in zip(reversed(first.split(".")), reversed(second.split(".")), strict=False):
        if one != other:
            break
        shared += 1
    return Alignment.UNSURE if shared >= _FEWEST_SHARED else Alignment.NONE


def domain_of(address: str) -> str:
    """Return an address's domain in small letters; "" without one."""
    return address.rpartition("@")[2].strip().lower()[:253] if "@" in address else ""


def _best(found: list[Alignment]) -> Alignment:
    order = (Alignment.SAME, Alignment.RELATED, Alignment.UNSURE)
    return next((one for one in order if one in found), Alignment.NONE)


def _dmarc(by_dkim: Alignment, by_spf: Alignment) -> Verdict:
    sure = {Alignment.SAME, Alignment.RELATED}
    if by_dkim in sure:
        return Verdict.GOOD
    if by_dkim is Alignment.UNSURE or by_spf is not Alignment.NONE:
        return Verdict.OPEN  # SPF may carry it, if the sending server is one that the domain names
    return Verdict.BAD


def _signatures(mail: Mail, keys: Mapping[str, str]) -> tuple[Signature, ...]:
    values = mail.get_all("dkim-signature")[:MOST_SIGNATURES]
    problem = _beyond_bounds(mail)
    return tuple(_checked(mail, place, value, keys, problem) for place, value in enumerate(values))


def _beyond_bounds(mail: Mail) -> str:
    """Say why a mail's signatures are not checked; "" when they are."""
    if mail.is_cut or len(mail.raw) > LARGEST:
        return _("Not checked, because the email is too large for that here.")
    # Both would cost the library time that grows with their square.
    if len(mail.head) >= LONGEST_HEAD or _LONGEST_BLANKS in mail.raw.replace(b"\t", b" "):
        return _("Not checked, because the email is built to cost time.")
    return ""


def _checked(
    mail: Mail, place: int, value: str, keys: Mapping[str, str], problem: str
) -> Signature:
    tags = dkim_keys.read_tags(value)
    domain, selector = tags.get("d", "").lower()[:253], tags.get("s", "").lower()[:63]
    verdict, sentence = Verdict.OPEN, problem
    if not problem and f"{selector}._domainkey.{domain}" not in keys:
        sentence = _(
            "Signed with a key that is not this workspace's, so it cannot be checked here."
        )
    elif not problem:
        verdict, sentence = _verified(mail, place, keys)
    return Signature(
        domain=domain,
        selector=selector,
        algorithm=tags.get("a", "")[:40],
        verdict=verdict,
        sentence=sentence,
    )


def _verified(mail: Mail, place: int, keys: Mapping[str, str]) -> tuple[Verdict, str]:
    def record(name: bytes, timeout: float = 0.0) -> bytes:  # noqa: ARG001 - the library's signature
        return keys.get(name.decode("ascii", "replace").rstrip(".").lower(), "").encode()

    try:
        is_right = dkim.DKIM(mail.raw, logger=_silent).verify(place, dnsfunc=record)
    except dkim.ValidationError as error:
        if "body hash" in str(error):
            return Verdict.BAD, _("The body was changed after it was signed.")
        return Verdict.BAD, _("The signature is malformed.")
    except (dkim.DKIMException, ValueError, LookupError, TypeError, ArithmeticError):
        return Verdict.BAD, _("The signature is malformed.")
    if is_right:
        return Verdict.GOOD, _("The signature is valid.")
    return Verdict.BAD, _("The signature is not valid: a signed header was changed.")
