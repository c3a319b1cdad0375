"""Addresses for providers to report at, and what a request must prove there.

Some providers sign what they send. The others know a user name and a password that we made, as part
of the address. Without either nothing is taken.
"""

import json
import secrets as chance
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote, urlsplit, urlunsplit

from django.conf import settings
from django.db import IntegrityError, connection, transaction

from accounts.installation import secrets
from accounts.workspaces.workspace_urls import outside
from delivery.models import SendingAccount, WebhookAddress
from delivery.states import Provider

USER: Final = "warta"
MOST_PASSWORDS: Final = 2  # the present one, and the one before: so one can be exchanged at leisure
# How a provider proves that it is the one: who signs always, and who does if asked to.
SIGNS: Final = frozenset(
    {Provider.MAILERSEND, Provider.MAILGUN, Provider.MANDRILL, Provider.POSTAL}
)
SIGNS_BY_API_KEY: Final = frozenset({Provider.UNISENDER_GO})
MAY_SIGN: Final = frozenset({Provider.MAILTRAP, Provider.RESEND, Provider.SENDGRID})

_FIND: Final = """
SELECT address.id, address.encrypted_secrets, address.first_event_at, address.last_event_at,
    address.trouble, address.trouble_at, account.id, account.workspace_id, account.provider,
    account.encrypted_password
FROM delivery_webhookaddress address
JOIN delivery_sendingaccount account ON account.id = address.account_id
WHERE address.token = %s
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    """What requests to an address must prove, all that is set of it.

    ``passwords`` are ``user:password``, any of which will do; ``signing_key`` is the provider's;
    ``url`` is the address as the provider signs it, where that is not the one we show (Mandrill).
    """

    passwords: tuple[str, ...] = field(default=(), repr=False)
    signing_key: str = field(default="", repr=False)
    url: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing can be proven, so that nothing may be taken."""
        return not self.passwords and not self.signing_key


def wants_key(provider: str) -> bool:
    """Say whether a provider's events are taken only with its own signing key."""
    return provider in SIGNS


def offers_key(provider: str) -> bool:
    """Say whether a signing key of this provider can be entered."""
    return provider in SIGNS | MAY_SIGN


def new_password() -> str:
    """Return a new user name and password; letters and digits alone, so it fits into an address."""
    alphabet = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
    return f"{USER}:{''.join(chance.choice(alphabet) for _ in range(32))}"


def first_of(account: SendingAccount) -> Credentials:
    """Return what a new address of this account asks for."""
    is_signed = account.provider in SIGNS | SIGNS_BY_API_KEY
    return Credentials(passwords=() if is_signed else (new_password(),))


def address_of(account: SendingAccount) -> WebhookAddress:
    """Return an account's address, made if there is none."""
    found = WebhookAddress.objects.filter(account=account).first()
    if found is not None:
        return found
    try:
        with transaction.atomic():
            return WebhookAddress.objects.create(
                account=account,
                token=chance.token_urlsafe(32),
                encrypted_secrets=_encrypted(first_of(account)),
            )
    except IntegrityError:  # somebody else opened the page at the same moment
        return WebhookAddress.objects.get(account=account)


def find(token: str) -> WebhookAddress | None:
    """Return an address with what intake needs of its account; written for each event there is.

    By a statement of its own: having the ORM write the same one anew costs more than the rest.
    """
    with connection.cursor() as cursor:
        cursor.execute(_FIND, [token])
        row = cursor.fetchone()
    if row is None:
        return None
    account = SendingAccount(
        pk=row[6], workspace_id=row[7], provider=row[8], encrypted_password=row[9]
    )
    return WebhookAddress(
        pk=row[0],
        account=account,
        token=token,
        encrypted_secrets=row[1],
        first_event_at=row[2],
        last_event_at=row[3],
        trouble=row[4],
        trouble_at=row[5],
    )


def read(address: WebhookAddress) -> Credentials:
    """Return what requests to an address must prove.

    Raises:
        accounts.installation.secrets.UnreadableSecretError: SECRET_KEY was changed.
    """
    return _read(bytes(address.encrypted_secrets))


@lru_cache(maxsize=256)
def _read(encrypted: bytes) -> Credentials:
    stored: dict[str, Any] = json.loads(secrets.decrypt(encrypted) or "{}")
    return Credentials(
        passwords=tuple(stored.get("passwords", ())),
        signing_key=str(stored.get("signing_key", "")),
        url=str(stored.get("url", "")),
    )


def write(address: WebhookAddress, credentials: Credentials) -> None:
    """Store what requests to an address must prove from now on."""
    address.encrypted_secrets = _encrypted(credentials)
    address.save(update_fields=["encrypted_secrets"])


def set_key(address: WebhookAddress, key: str, *, url: str = "") -> None:
    """Store a provider's signing key; it takes the place of our own password. "": no key again."""
    before = read(address)
    passwords: tuple[str, ...] = before.passwords
    if key:
        passwords = ()
    elif not passwords and not wants_key(address.account.provider):
        passwords = (new_password(),)
    write(address, Credentials(passwords=passwords, signing_key=key, url=url or before.url))


def renew_password(address: WebhookAddress) -> None:
    """Make a new password; the one before still opens until the next is made."""
    before = read(address)
    passwords = (new_password(), *before.passwords)[:MOST_PASSWORDS]
    write(
        address,
        Credentials(passwords=passwords, signing_key=before.signing_key, url=before.url),
    )


def url_of(address: WebhookAddress, credentials: Credentials, *, with_password: bool = True) -> str:
    """Return the address as a provider is to be told it."""
    url = settings.SITE_URL.rstrip("/") + outside("provider_webhook", address.token)
    if not with_password or not credentials.passwords:
        return url
    parts = urlsplit(url)
    user, _, password = credentials.passwords[0].partition(":")
    host = f"{quote(user, safe='')}:{quote(password, safe='')}@{parts.netloc}"
    return urlunsplit(parts._replace(netloc=host))


def possible_urls(address: WebhookAddress, credentials: Credentials) -> tuple[str, ...]:
    """Return the addresses that a provider may have been told, for one that signs it."""
    ours = (
        url_of(address, credentials),
        url_of(address, credentials, with_password=False),
    )
    return tuple(dict.fromkeys(url for url in (credentials.url, *ours) if url))


def _encrypted(credentials: Credentials) -> bytes:
    return secrets.encrypt(
        json.dumps(
            {
                "passwords": list(credentials.passwords),
                "signing_key": credentials.signing_key,
                "url": credentials.url,
            }
        )
    )
