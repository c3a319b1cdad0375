"""App registration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    """The accounts room."""

    name = "accounts"
    verbose_name = _("Accounts")

    def ready(self) -> None:
        """Connect what ends with somebody's rights."""
        from accounts import endings  # noqa: F401 - its receivers
