"""App registration."""

from typing import Any

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CampaignsConfig(AppConfig):
    """The campaigns room."""

    name = "campaigns"
    verbose_name = _("Campaigns")

    def ready(self) -> None:
        """Furnish new workspaces; say where fields, lists and segments are used."""
        from accounts.workspaces import workspace_created
        from campaigns import field_usage, segment_usage
        from subscribers import usage
        from subscribers.segments import usage as usage_of_segments

        workspace_created.connect(_install_starters, dispatch_uid="starters")
        usage.register("campaigns", field_usage.find)
        usage.register_for_lists("campaigns", field_usage.of_list)
        usage_of_segments.register(segment_usage.campaigns_using)


def _install_starters(workspace: Any, **_kwargs: Any) -> None:
    from campaigns import starters

    starters.install_starters(workspace)
