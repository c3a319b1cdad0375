"""App registration."""

from typing import Any

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DeliveryConfig(AppConfig):
    """The delivery room."""

    name = "delivery"
    verbose_name = _("Delivery")

    def ready(self) -> None:
        """Give every new workspace its sandbox, and segments what they can ask of our mail."""
        from accounts.workspaces import workspace_created
        from delivery.engagement import conditions
        from subscribers.segments import kinds

        workspace_created.connect(_furnish, dispatch_uid="sandbox")
        kinds.register("activity", conditions.subjects)


def _furnish(workspace: Any, **_kwargs: Any) -> None:
    from delivery import accounts

    accounts.furnish(workspace)
