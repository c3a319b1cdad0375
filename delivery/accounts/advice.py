"""What to do about a server that cannot be used: one sentence for each way to fail."""

from typing import Final

from django.utils.translation import gettext as _

from delivery.transports.protocol import ServerTroubleError
from delivery.transports.smtp.connection import EXPIRED
from delivery.transports.smtp.opening import OpeningError, OpeningStep
from delivery.transports.smtp.settings import SmtpSettings, Tls

RELAY_PORT: Final = 25


def way_out(trouble: OpeningError, server: SmtpSettings) -> str:
    """Return what to do next, or "" where the server's own words say it all."""
    advisers = {
        OpeningStep.RESOLVE: _about_the_name,
        OpeningStep.CONNECT: _about_the_port,
        OpeningStep.TLS: _about_tls,
        OpeningStep.BANNER: _about_the_greeting,
        OpeningStep.STARTTLS: _about_tls,
        OpeningStep.AUTH: _about_the_sign_in,
        OpeningStep.MAIL: _about_the_sender,
        OpeningStep.RCPT: _about_the_recipient,
    }
    adviser = advisers.get(trouble.step)
    return adviser(trouble, server) if adviser else ""


def about_provider(trouble: ServerTroubleError) -> str:
    """Return what to do next about a provider's API."""
    if trouble.is_patience:
        return _("Enter the rate that your plan allows as this account's limit.")
    if trouble.permanent:
        return _(
            "Check the key and what it may do at the provider, whether the sender's domain is "
            "confirmed there, and whether the account is in good standing."
        )
    return _("Try again in a few minutes, and look at the provider's status page.")


def _about_the_name(_trouble: OpeningError, _server: SmtpSettings) -> str:
    return _("Check how the server's name is spelled; your provider's help pages name it.")


def _about_the_port(_trouble: OpeningError, server: SmtpSettings) -> str:
    if server.port == RELAY_PORT:
        return _(
            "Many hosting companies block port 25. Choose port 587 with STARTTLS, or port 465 with "
            "TLS from the start."
        )
    return _(
        "Check server and port: most providers listen on port 587 (STARTTLS) and on port 465 (TLS "
        "from the start). A firewall on this machine's way out may also be in between."
    )


def _about_tls(trouble: OpeningError, server: SmtpSettings) -> str:
    if trouble.reply is not None:
        return _("Try again in a few minutes, or ask whoever runs the server.")
    if trouble.certificate:
        return _about_the_certificate(trouble)
    if server.tls is Tls.STARTTLS:
        return _(
            "Choose port 465 with TLS from the start. Only for a server on your own machine or "
            "network choose no TLS at all."
        )
    return _(
        "This port may want STARTTLS: choose port 587 with STARTTLS, or port 465, which speaks TLS "
        "from the start."
    )


def _about_the_certificate(trouble: OpeningError) -> str:
    if trouble.certificate == EXPIRED:
        return _("Ask whoever runs the server to renew it.")
    return _(
        "Write the server's name exactly as its certificate does; your provider's help pages name "
        "it. Only for a server of your own, switch off “Check the certificate”."
    )


def _about_the_greeting(trouble: OpeningError, server: SmtpSettings) -> str:
    if trouble.reply is not None:
        return _("Try again in a few minutes. If it stays so, ask whoever runs the server.")
    if server.tls is not Tls.IMPLICIT:
        return _(
            "A server that says nothing often waits for TLS: choose TLS from the start, usually on "
            "port 465. Or another kind of server answers on this port: check the number."
        )
    return _("Check the port: most providers listen on 465 with TLS from the start.")


def _about_the_sign_in(trouble: OpeningError, server: SmtpSettings) -> str:
    if trouble.reply is None and server.tls is Tls.NONE:
        return _(
            "Most servers let nobody sign in without TLS: choose port 587 with STARTTLS. If the "
            "server asks for no password, leave the user name empty."
        )
    if trouble.reply is None:
        return _("Ask your provider how programs sign in, or leave the user name empty.")
    if trouble.permanent:
        return _(
            "Enter user name and password again. Many providers want a password made for programs "
            "(an “app password” or API key) instead of the one you sign in with."
        )
    return _("Try again in a few minutes.")


def _about_the_sender(_trouble: OpeningError, server: SmtpSettings) -> str:
    if not server.username:
        return _("The server may want you to sign in: enter user name and password.")
    return _(
        "Confirm the sender's address or domain at your provider, or enter a default sender that "
        "it allows."
    )


def _about_the_recipient(_trouble: OpeningError, server: SmtpSettings) -> str:
    if not server.username:
        return _(
            "If the server speaks of relaying, it wants you to sign in: enter user name and "
            "password. Otherwise try another address."
        )
    return _(
        "Try another address. New accounts at some providers may only write to confirmed ones."
    )
