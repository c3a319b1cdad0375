"""App registration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SubscribersConfig(AppConfig):
    """The subscribers room."""

    name = "subscribers"
    verbose_name = _("Subscribers")
