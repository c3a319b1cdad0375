"""App registration."""

from typing import Any

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DeliveryConfig(AppConfig):
    """The delivery app."""

    name = "delivery"
    verbose_name = _("Delivery")

    def ready(self) -> None:
        """Give every new workspace its sandbox; tell the subscribers app what it may ask of us."""
        from accounts.workspaces import workspace_created
        from campaigns import carriers, sending
        from delivery.accounts import routing
        from delivery.public import forgetting
        from delivery.tracking import engagement_rules, inactivity
        from delivery.tracking import merged_people as letters
        from subscribers.directory import filters
        from subscribers.people import merging
        from subscribers.privacy.erasure import person_erased
        from subscribers.segments import kinds

        carriers.register(routing.carrier)
        sending.register(_begin)
        workspace_created.connect(_create_default_accounts, dispatch_uid="sandbox")
        filters.register("inactive", inactivity.condition)
        merging.register("letters", letters.move)
        person_erased.connect(forgetting.forget_person, dispatch_uid="delivery")
        kinds.register("activity", engagement_rules.subjects)


def _begin() -> Any:
    from delivery import tasks

    return tasks.start_due_campaigns


def _create_default_accounts(workspace: Any, **_kwargs: Any) -> None:
    from delivery.accounts import setup

    setup.create_default_accounts(workspace)
