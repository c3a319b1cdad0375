"""App registration."""

from typing import Any

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CampaignsConfig(AppConfig):
    """The campaigns app."""

    name = "campaigns"
    verbose_name = _("Campaigns")

    def ready(self) -> None:
        """Furnish new workspaces; say where fields, lists and segments are used."""
        from accounts.workspaces.workspaces import workspace_created
        from campaigns import usage as here
        from subscribers.fields import usage
        from subscribers.privacy import scrubbing

        workspace_created.connect(_install_starters, dispatch_uid="starters")
        scrubbing.register(
            "campaigns", left_alone=("content", "template", "link", "picture", "picturefolder")
        )
        usage.register(
            "campaigns", fields=here.of_field, lists=here.of_list, segments=here.of_segment
        )


def _install_starters(workspace: Any, **_kwargs: Any) -> None:
    from campaigns import starters

    starters.install_starters(workspace)
