"""App registration."""

from typing import Any

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CampaignsConfig(AppConfig):
    """The campaigns room."""

    name = "campaigns"
    verbose_name = _("Campaigns")

    def ready(self) -> None:
        """Furnish every new workspace with starter templates; say which segments are in use."""
        from accounts.workspaces import workspace_created
        from campaigns.segment_usage import campaigns_using
        from subscribers.segments import usage

        workspace_created.connect(_install_starters, dispatch_uid="starters")
        usage.register(campaigns_using)


def _install_starters(workspace: Any, **_kwargs: Any) -> None:
    from campaigns import starters

    starters.install_starters(workspace)
