"""Whom a campaign is shown as, while it is written and tested."""

from campaigns.audience import sizing
from campaigns.audience.chosen import Audience
from campaigns.models import Campaign
from campaigns.rendering.preview import ExamplePerson
from subscribers.models import Subscriber


def reader(
    campaign: Campaign, chosen: str = "", *, audience: Audience | None = None
) -> Subscriber | ExamplePerson:
    """Return the person a campaign is previewed as.

    That is the chosen subscriber (a key), else somebody who will get it, else anybody of the
    workspace; a workspace without people lends an invented one. ``audience`` spares queries where
    it is known already.
    """
    everyone = Subscriber.objects.filter(workspace_id=campaign.workspace_id)
    if chosen.isdecimal() and (found := everyone.filter(pk=int(chosen[:18])).first()):
        return found
    some = sizing.sample(campaign, 1, chosen=audience)
    return (some[0] if some else None) or everyone.order_by("pk").first() or ExamplePerson()
