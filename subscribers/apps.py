"""App registration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SubscribersConfig(AppConfig):
    """The subscribers app."""

    name = "subscribers"
    verbose_name = _("Subscribers")

    def ready(self) -> None:
        """Tell segments what they can ask about people, and how mails to them are written."""
        from subscribers.segments import belonging, kinds, profile
        from subscribers.signup import mails

        mails.register()
        kinds.register("profile", profile.subjects)
        kinds.register("belonging", belonging.subjects)
