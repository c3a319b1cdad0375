"""App registration."""

from typing import Any

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DeliveryConfig(AppConfig):
    """The delivery room."""

    name = "delivery"
    verbose_name = _("Delivery")

    def ready(self) -> None:
        """Give every new workspace its sandbox; tell the subscribers room what letters say."""
        from accounts.workspaces import workspace_created
        from delivery import forgetting
        from subscribers.erasure import person_erased

        workspace_created.connect(_furnish, dispatch_uid="sandbox")
        from delivery import inactivity
        from delivery import merging as letters
        from subscribers import merging, narrowing

        narrowing.register("inactive", inactivity.condition)
        merging.register("letters", letters.move)
        person_erased.connect(forgetting.forget_person, dispatch_uid="delivery")


def _furnish(workspace: Any, **_kwargs: Any) -> None:
    from delivery import accounts

    accounts.furnish(workspace)
