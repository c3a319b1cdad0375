"""App registration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    """The accounts app."""

    name = "accounts"
    verbose_name = _("Users and workspaces")

    def ready(self) -> None:
        """Say how the mails to the people who work here are written, and what ends with rights."""
        from accounts.mails import system_mail
        from accounts.models import SystemMail
        from accounts.team import account_mails, endings  # noqa: F401 - endings: its receivers

        system_mail.register(SystemMail.Kind.PASSWORD_RESET, account_mails.password_reset)
        system_mail.register(SystemMail.Kind.INVITATION, account_mails.invitation)
