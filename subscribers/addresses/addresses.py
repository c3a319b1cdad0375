"""Mail addresses: what we accept, how we write them, and by which key we tell them apart.

Accepted is what RFC 5321 and RFC 6531 allow without quotes and address literals: international
local parts (SMTPUTF8) and domains (IDN, written in Unicode). No DNS is asked. ``key`` is the whole
address in lower case: mail systems fold the case although RFC 5321 section 2.4 lets them not to.
Dots and plus-tags are kept: only the person's own provider knows what they mean.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from urllib.parse import unquote

from email_validator import EmailNotValidError, validate_email

from subscribers.addresses import domains
from subscribers.fields.problems import Problem
from subscribers.states import AddressFlag, DomainGroup

LONGEST = 254  # RFC 5321 section 4.5.3.1.3, less the angle brackets
LONGEST_LOCAL = 64
HASH_BYTES = 16
DOMAINS_REMEMBERED = 200_000

# Pasted from web pages and spreadsheets: never meant. (Joiners inside IDN labels can be meant.)
INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u2060\ufeff"))
JOINERS = dict.fromkeys(map(ord, "\u200c\u200d\u200e\u200f\u202a\u202c\u2066\u2069"))
BRACKETED = re.compile(r"[^<>@]*<\s*(?:mailto:)?([^<>]+)>[^<>@]*", re.IGNORECASE).fullmatch
AROUND = " \t\r\n.,;:!<>()[]{}\"'`´‘’“”«»/|"  # at the ends of an address, never a part of it
COMMENT = re.compile(r"\s\([^()]*\)$")  # RFC 5322 section 3.2.2
AROUND_AT = re.compile(r"\s*@\s*")
EDGES = " \t\r\n\f\v\u00a0\u200c\u200d\u2007\u202f\u3000;,"
ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
ORDINARY_LOCAL = re.compile(rf"{ATOM}(?:\.{ATOM})*").fullmatch
LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
ORDINARY_DOMAIN = re.compile(rf"(?:{LABEL}\.)+(?=[a-z0-9-]*[a-z]){LABEL}").fullmatch

# Boxes that several people read or that machines answer (RFC 2142 and habit).
ROLES = frozenset(
    {
        "abuse", "accounts", "admin", "administrator", "billing", "contact", "enquiries", "finance",
        "help", "helpdesk", "hostmaster", "hr", "info", "jobs", "mail", "mailer-daemon",
        "marketing", "media", "news", "newsletter", "no-reply", "noc", "noreply", "office",
        "orders", "postmaster", "press", "privacy", "root", "sales", "security", "service",
        "spam", "support", "sysadmin", "team", "unsubscribe", "usenet", "webmaster",
    }
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Domain:
    """A domain as we write it, and what its name tells."""

    name: str  # Unicode, lower case
    group: DomainGroup
    suggestion: str  # the domain this one is probably a typo of, or ""
    is_disposable: bool
    flags: int  # bits of `AddressFlag`: what is suspicious about it, as far as its name tells


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """An accepted address: ``email`` as given with its domain in lower case, ``key`` all lower."""

    email: str
    key: str
    domain: Domain

    @property
    def is_role(self) -> bool:
        """Say whether this is a shared box such as info@."""
        return is_role(self.key)

    @property
    def flags(self) -> AddressFlag:
        """What is suspicious, for `Subscriber.address_flags`; no DNS is asked."""
        return AddressFlag(self.domain.flags | (AddressFlag.ROLE if self.is_role else 0))

    @property
    def suggestion(self) -> str:
        """The address with its domain's probable typo mended, or ""."""
        if not self.domain.suggestion:
            return ""
        return f"{self.email.rpartition('@')[0]}@{self.domain.suggestion}"


def normalise(text: str) -> Address:
    """Read an address.

    Raises:
        Problem: what was given can't be an address; the code says why.
    """
    local, domain = parts(text)
    email = f"{local}@{domain.name}"
    return Address(email=email, key=email.lower(), domain=domain)


def parts(text: str) -> tuple[str, Domain]:
    """Read an address into its local part (as given) and its domain; raises as `normalise`."""
    text = text.translate(INVISIBLE).strip(EDGES)
    local, at, domain_text = text.rpartition("@")
    if not at:
        raise Problem("address_no_at" if text else "address_missing")
    if len(text) > LONGEST:
        raise Problem("address_long")
    domain = read_domain(domain_text.lower())
    if len(local) > LONGEST_LOCAL:
        raise Problem("address_long")
    if ORDINARY_LOCAL(local):
        return local, domain
    return _international_local(local), domain


@lru_cache(maxsize=DOMAINS_REMEMBERED)
def read_domain(text: str) -> Domain:
    """Read a domain given in lower case; a list has few distinct ones, so answers are kept.

    Raises:
        Problem: this can't be a mail domain.
    """
    name = text
    if not ORDINARY_DOMAIN(text) or "--" in text or len(text) > LONGEST - 2:
        name = _international_domain(text)
    suggestion = domains.suggestion(name)
    is_disposable = domains.is_disposable(name)
    flags = AddressFlag(0)
    if suggestion:
        flags = AddressFlag.TYPO  # also if it is listed as disposable: catchers of typos are
    elif is_disposable:
        flags = AddressFlag.DISPOSABLE
    return Domain(
        name=name,
        group=domains.group(name),
        suggestion=suggestion,
        is_disposable=is_disposable,
        flags=int(flags),
    )


def repair(text: str) -> str:
    """Return an address without what came along when it was copied; nothing else is guessed.

    A mail program's ``Ana <ana@x.org>``, ``mailto:``, quotes, a full stop behind, characters that
    nobody sees, a full-width @.
    """
    text = unicodedata.normalize("NFKC", text.translate(INVISIBLE | JOINERS)).strip()
    if text.lower().startswith("mailto:"):
        text = unquote(text[len("mailto:") :].partition("?")[0])
    if bracketed := BRACKETED(text):
        text = bracketed[1]
    elif "@" not in text and text.lower().count("%40") == 1:
        text = unquote(text)
    text = COMMENT.sub("", text).strip(AROUND)
    return AROUND_AT.sub("@", text)


def key(text: str) -> str:
    """Return the key of an address, for looking it up; raises as `normalise`."""
    return normalise(text).key


def is_role(address_key: str) -> bool:
    """Say whether a key belongs to a shared box such as info@."""
    return address_key.partition("@")[0].partition("+")[0] in ROLES


def probably_meant(address_key: str) -> str:
    """Return a stored address with its domain's probable typo mended, or ""."""
    local, _at, domain = address_key.rpartition("@")
    suggestion = domains.suggestion(domain)
    return f"{local}@{suggestion}" if suggestion else ""


def address_hash(address_key: str, *, secret: bytes) -> bytes:
    """Hash a key (16 bytes) with the workspace's ``address_key``.

    Only the workspace itself can tell whether a hash belongs to an address, so the hash may outlive
    an erased person: it is how we keep the promise never to write to them again.
    """
    return blake2b(address_key.encode(), key=secret, digest_size=HASH_BYTES).digest()


def _international_domain(text: str) -> str:
    if any(character.isspace() for character in text):
        raise Problem("address_space")
    if "." not in text.replace("。", "."):
        raise Problem("address_no_dot", domain=text[:80])
    try:
        checked = validate_email(
            f"x@{text}", check_deliverability=False, globally_deliverable=False
        )
    except EmailNotValidError as error:
        raise Problem("address_domain", domain=text[:80]) from error
    name = checked.domain.lower()
    if name.rpartition(".")[2].isdigit():
        raise Problem("address_domain", domain=text[:80])
    return name


def _international_local(local: str) -> str:
    if "@" in local:
        raise Problem("address_two_at")
    if any(character.isspace() for character in local):
        raise Problem("address_space")
    try:
        checked = validate_email(f"{local}@example.com", check_deliverability=False)
    except EmailNotValidError as error:
        raise Problem("address_local") from error
    return checked.local_part
