"""Which transport a sending account uses, and its settings."""

import ipaddress
import json
from dataclasses import replace
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.installation import secrets
from delivery.models import FROM_SETTINGS, SendingAccount
from delivery.states import TlsMode, TransportKind
from delivery.transports.protocol import ServerTroubleError, Transport
from delivery.transports.providers.catalogue import spec_of
from delivery.transports.providers.request import ProviderSettings
from delivery.transports.providers.session import READ_SECONDS
from delivery.transports.smtp.settings import SmtpSettings, Timeouts, Tls
from delivery.transports.smtp.transport import SmtpTransport

INSTALLATION = "sandbox-installation"  # who hands the installation's own mail to the sandbox


def fingerprint(account: SendingAccount) -> tuple[object, ...]:
    """Return what a transport depends on: it is made anew when this changes."""
    return (
        account.kind,
        account.host,
        account.port,
        account.tls,
        account.verify_certificate,
        account.username,
        bytes(account.encrypted_password),
        account.messages_per_connection,
        account.idle_seconds,
        account.provider,
        json.dumps(account.options, sort_keys=True),
    )


def transport_for(
    account: SendingAccount, *, connections: int | None = None, seconds: float | None = None
) -> Transport:
    """Make the account's transport with so many connections (default: all that it may have).

    ``seconds``: somebody waits, all of it may take so long at most.

    Raises:
        ServerTroubleError: the stored password cannot be read.
    """
    if account.kind == TransportKind.ANYMAIL:
        # Late, because a web process that shows pages needs no HTTP client for providers.
        from delivery.transports.providers.backend import AnymailTransport

        wait = READ_SECONDS if seconds is None else seconds / 2
        return AnymailTransport(provider_settings(account, connections=connections, seconds=wait))
    server = smtp_settings(account, connections=connections)
    if seconds is not None:
        server = replace(server, timeouts=Timeouts.within(seconds))
    return SmtpTransport(server)


def takes_raw(account: SendingAccount) -> bool:
    """Say whether the other side gets our mail as it is, so that our signature survives."""
    return account.kind != TransportKind.ANYMAIL or spec_of(account.provider).is_raw


def provider_settings(
    account: SendingAccount, *, connections: int | None = None, seconds: float = READ_SECONDS
) -> ProviderSettings:
    """Return how to speak to the account's provider.

    Raises:
        ServerTroubleError: the stored keys cannot be read.
    """
    stored = _secret(account)
    return ProviderSettings(
        provider=account.provider,
        arguments={**account.options, **(json.loads(stored) if stored else {})},
        max_connections=connections or account.max_connections,
        idle_seconds=float(account.idle_seconds),
        seconds=seconds,
    )


def smtp_settings(account: SendingAccount, *, connections: int | None = None) -> SmtpSettings:
    """Return how to speak to the account's server.

    Raises:
        ServerTroubleError: the stored password cannot be read, or would go over an open line.
    """
    most = connections or account.max_connections
    if account.kind == TransportKind.SANDBOX:
        return SmtpSettings(
            host=settings.SANDBOX_HOST,
            port=settings.SANDBOX_PORT,
            tls=Tls.NONE,
            username=sandbox_user(account.workspace_id),
            password=sandbox_password(account.workspace_id),
            client_name=client_name(),
            max_connections=most,
            messages_per_connection=account.messages_per_connection,
        )
    _refuse_plain_sign_in(account)
    password = _secret(account)
    return SmtpSettings(
        host=account.host,
        port=account.port,
        tls=Tls(account.tls),
        verify_certificate=account.verify_certificate,
        username=account.username,
        password=password,
        client_name=client_name(),
        max_connections=most,
        messages_per_connection=account.messages_per_connection,
        idle_seconds=float(account.idle_seconds),
    )


def _secret(account: SendingAccount) -> str:
    try:
        return secrets.decrypt(account.encrypted_password)
    except secrets.UnreadableSecretError as error:
        raise ServerTroubleError(
            _(
                "The password of %(name)s cannot be read, because SECRET_KEY has changed. "
                "Enter the password again, or add the old key to SECRET_KEY_FALLBACKS."
            )
            % {"name": account.name},
            permanent=True,
        ) from error


def is_own_machine(host: str) -> bool:
    """Say whether what goes there never leaves this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _refuse_plain_sign_in(account: SendingAccount) -> None:
    """No password without TLS; what SMTP_URL says is the decision of whoever runs this."""
    if (
        account.tls == TlsMode.NONE
        and account.username
        and account.name != FROM_SETTINGS
        and not is_own_machine(account.host)
    ):
        raise ServerTroubleError(
            _(
                "%(name)s would send its password without TLS, readable by everybody on the way. "
                "Choose STARTTLS for it."
            )
            % {"name": account.name},
            permanent=True,
        )


def sandbox_user(workspace: int | None) -> str:
    """Return the name under which a workspace signs in to the sandbox server.

    None: the installation itself.
    """
    return INSTALLATION if workspace is None else f"sandbox-{workspace}"


def sandbox_password(workspace: int | None) -> str:
    """Return the password that goes with `sandbox_user`."""
    return secrets.derive(sandbox_user(workspace))


def client_name() -> str:
    """Return what we call ourselves in EHLO: SITE_URL's name if it is one, else ""."""
    host = urlsplit(settings.SITE_URL).hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host if "." in host and host.isascii() else ""
    return ""
