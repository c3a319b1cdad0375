"""Sending accounts as they are set up: the sandbox, and the one that SMTP_URL describes.

Mail of the installation itself has an account too, which stands in no table: no administrator of
a workspace can point it elsewhere, and no inbox of a workspace shows what it carries.
"""

from dataclasses import dataclass, field
from email.utils import formataddr
from urllib.parse import parse_qs, unquote, urlsplit

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.input.senders import understood
from accounts.installation import secrets
from accounts.models import Workspace
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from delivery.limits import throttle
from delivery.models import FROM_SETTINGS, SendingAccount
from delivery.states import TlsMode, TransportKind

SANDBOX_POSITION = 1000  # after every real account
ON_THEIR_WAY = frozenset({CampaignStatus.SCHEDULED, CampaignStatus.SENDING, CampaignStatus.PAUSED})


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerUrl:
    """What an SMTP URL says."""

    host: str
    port: int
    tls: TlsMode
    username: str
    password: str = field(repr=False)


def ensure_sandbox(workspace: Workspace) -> SendingAccount:
    """Return the workspace's sandbox account, made if it isn't there. It has no limits."""
    account, _made = SendingAccount.objects.get_or_create(
        workspace=workspace,
        kind=TransportKind.SANDBOX,
        defaults={
            "name": _("Sandbox"),
            "position": SANDBOX_POSITION,
            "tls": TlsMode.NONE,
            "max_connections": 8,
            "messages_per_connection": 10_000,
        },
    )
    return account


def create_default_accounts(workspace: Workspace) -> None:
    """Give a new workspace its sandbox, and the first one the account that the settings name."""
    ensure_sandbox(workspace)
    if settings.SMTP_URL and not Workspace.objects.exclude(pk=workspace.pk).exists():
        _from_settings(workspace)


@transaction.atomic
def follow_settings() -> None:
    """Bring the first workspace's account in line with SMTP_URL; called at every start."""
    workspace = Workspace.objects.order_by("pk").first()
    if workspace is None:
        return
    if settings.SMTP_URL:
        _from_settings(workspace)
    else:
        SendingAccount.objects.filter(workspace=workspace, name=FROM_SETTINGS).delete()


def _from_settings(workspace: Workspace) -> None:
    server = read_url(settings.SMTP_URL)
    values = {
        "kind": TransportKind.SMTP,
        "host": server.host,
        "port": server.port,
        "tls": server.tls,
        "username": server.username,
        "default_from": settings.DEFAULT_FROM,
        "position": 0,
    }
    account, made = SendingAccount.objects.update_or_create(
        workspace=workspace, name=FROM_SETTINGS, defaults=values
    )
    if made:
        throttle.give_usual_connections(account)
    # Encrypting gives other bytes each time; write them only when the password is another one.
    if made or _password_differs(account, server.password):
        account.encrypted_password = secrets.encrypt(server.password)
        account.save(update_fields=["encrypted_password"])


def of_installation() -> SendingAccount:
    """Return the account for mail of the installation itself: resets, invitations. It is not saved.

    It is what SMTP_URL says, whatever stands in the table under that name; without SMTP_URL the
    sandbox keeps the mail for the superusers.
    """
    if not settings.SMTP_URL:
        return SendingAccount(name=_("Sandbox"), kind=TransportKind.SANDBOX, tls=TlsMode.NONE)
    server = read_url(settings.SMTP_URL)
    return SendingAccount(
        name=FROM_SETTINGS,
        kind=TransportKind.SMTP,
        host=server.host,
        port=server.port,
        tls=server.tls,
        username=server.username,
        encrypted_password=secrets.encrypt(server.password),
        default_from=settings.DEFAULT_FROM,
    )


def running_over(account: SendingAccount) -> list[str]:
    """Return the names of the campaigns that are on their way over an account."""
    campaigns = Campaign.objects.filter(sending_account=account, status__in=ON_THEIR_WAY)
    return list(campaigns.order_by("pk").values_list("name", flat=True))


@transaction.atomic
def delete(account: SendingAccount) -> list[str]:
    """Delete an account; if campaigns are on their way over it, leave it and return their names.

    The campaigns that chose it are locked first: none of them can begin while this looks.
    """
    SendingAccount.objects.select_for_update().filter(pk=account.pk).first()
    list(Campaign.objects.select_for_update().filter(sending_account=account).order_by("pk"))
    running = running_over(account)
    if not running:
        account.delete()
    return running


def _password_differs(account: SendingAccount, password: str) -> bool:
    try:
        return secrets.decrypt(account.encrypted_password) != password
    except secrets.UnreadableSecretError:
        return True


def read_url(url: str) -> ServerUrl:
    """Read ``smtp://user:pass@host:587/?tls=starttls|implicit|none`` (checked by the settings)."""
    parts = urlsplit(url)
    implicit = parts.scheme == "smtps"
    chosen = parse_qs(parts.query).get("tls", ["implicit" if implicit else "starttls"])[0]
    tls = TlsMode(chosen)
    return ServerUrl(
        host=parts.hostname or "",
        port=parts.port or (465 if tls == TlsMode.IMPLICIT else 587),
        tls=tls,
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


def sender_of(account: SendingAccount) -> str:
    """Return the address that mail of the product itself comes from over this account."""
    host = urlsplit(settings.SITE_URL).hostname or "localhost"
    fallback = f"warta@{host if '.' in host else 'warta.localhost'}"
    given = account.default_from or settings.DEFAULT_FROM or fallback
    sender = understood(given)
    name, address = (sender.name, sender.address) if sender.address else ("", fallback)
    workspace = account.workspace if account.workspace_id else None
    return formataddr((name or (workspace.name if workspace else "Warta"), address))
