"""App registration."""

from typing import Any

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DeliveryConfig(AppConfig):
    """The delivery room."""

    name = "delivery"
    verbose_name = _("Delivery")

    def ready(self) -> None:
        """Give every new workspace its sandbox; tell the subscribers room what it may ask of us."""
        from accounts.workspaces import workspace_created
        from campaigns import carriers
        from delivery import forgetting, inactivity, routing
        from delivery import merging as letters
        from delivery.engagement import conditions
        from subscribers import merging, narrowing
        from subscribers.erasure import person_erased
        from subscribers.segments import kinds

        carriers.register(routing.carrier)
        workspace_created.connect(_furnish, dispatch_uid="sandbox")
        narrowing.register("inactive", inactivity.condition)
        merging.register("letters", letters.move)
        person_erased.connect(forgetting.forget_person, dispatch_uid="delivery")
        kinds.register("activity", conditions.subjects)


def _furnish(workspace: Any, **_kwargs: Any) -> None:
    from delivery import accounts

    accounts.furnish(workspace)
