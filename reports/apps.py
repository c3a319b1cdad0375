"""App registration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ReportsConfig(AppConfig):
    """The reports app."""

    name = "reports"
    verbose_name = _("Reports")

    def ready(self) -> None:
        """Have an erased person's addresses looked for here, too."""
        from subscribers.privacy import scrubbing

        scrubbing.register("reports")
