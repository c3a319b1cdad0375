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
        from accounts.installation import hold, watch
        from accounts.workspaces.workspaces import workspace_created
        from campaigns import carriers, ledger
        from delivery.accounts import routing
        from delivery.bounce_policy import lifting, segment_rules
        from delivery.bounces import forgetting as returned
        from delivery.figures import earlier
        from delivery.pipeline import sweep
        from delivery.public import forgetting
        from delivery.restoring import answers, noticing
        from delivery.tracking import device_rules, engagement_rules, inactivity
        from delivery.tracking import merged_people as messages
        from subscribers.consent import suppression
        from subscribers.directory import filters
        from subscribers.people import merging
        from subscribers.privacy import scrubbing
        from subscribers.privacy.erasure import person_erased
        from subscribers.segments import kinds

        hold.begun.connect(_ask_about_campaigns, dispatch_uid="campaigns")
        sweep.register("leaving", answers.note_who_is_left)
        watch.register(noticing.under_way, noticing.has_history)
        carriers.register(routing.carrier)
        ledger.register(wants_fewer=earlier.wants_fewer, sizes=earlier.sizes, wake=_start_due)
        workspace_created.connect(_create_default_accounts, dispatch_uid="sandbox")
        filters.register("inactive", inactivity.condition)
        merging.register("letters", messages.move)
        # The sandbox's letters go whole (`forgetting`); the others hold no text of people.
        scrubbing.register("delivery", left_alone=("message", "event", "sandboxmessage"))
        person_erased.connect(forgetting.forget_person, dispatch_uid="delivery")
        person_erased.connect(returned.forget_person, dispatch_uid="returned mails")
        kinds.register("activity", engagement_rules.subjects)
        kinds.register("bounces", segment_rules.subjects)
        suppression.released.connect(lifting.released, dispatch_uid="bounces")
        kinds.register("devices", device_rules.subjects)


def _start_due(after: float) -> None:
    from accounts.background import waking
    from delivery import tasks

    waking.wake(tasks.start_due_campaigns, after=after)


def _ask_about_campaigns(sender: Any, because: Any, **_kwargs: Any) -> None:  # noqa: ARG001 - Django's
    from delivery.restoring import noticing

    noticing.begun(because)


def _create_default_accounts(workspace: Any, **_kwargs: Any) -> None:
    from delivery.accounts import setup

    setup.create_default_accounts(workspace)
