"""``cancel_campaign ID``."""

from typing import Any

from django.core.management.base import CommandError

from accounts.background import waking
from campaigns import lifecycle
from campaigns.states import CampaignStatus
from delivery import tasks
from delivery.management import report


class Command(report.CampaignCommand):
    """End a send for good."""

    help = "End a send for good: what is not sent yet never will be."

    def handle(self, *_args: Any, **options: Any) -> None:
        """Cancel, unless it is cancelled already."""
        campaign = report.find(options["id"])
        if lifecycle.cancel(campaign):
            waking.wake(tasks.sweep_up)
        elif campaign.status != CampaignStatus.CANCELLED:
            raise CommandError(
                f"Campaign {campaign.pk} is {campaign.status}; only one that is scheduled, sending"
                " or paused can be cancelled."
            )
        self.say(report.status(campaign), as_json=options["json"])
