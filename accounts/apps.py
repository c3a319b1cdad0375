"""App registration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    """The accounts room."""

    name = "accounts"
    verbose_name = _("Users and workspaces")

    def ready(self) -> None:
        """Say how the mails to the people who work here are written."""
        from accounts import account_mails, system_mail
        from accounts.models import SystemMail

        system_mail.register(SystemMail.Kind.PASSWORD_RESET, account_mails.password_reset)
        system_mail.register(SystemMail.Kind.INVITATION, account_mails.invitation)
