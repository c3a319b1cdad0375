"""``pause_campaign ID``."""

from typing import Any

from django.core.management.base import CommandError

from campaigns import lifecycle
from campaigns.states import CampaignStatus
from delivery.management import report


class Command(report.CampaignCommand):
    """Stop a send for now."""

    help = "Stop a send for now; mails on the wire are finished, nothing more is handed over."

    def handle(self, *_args: Any, **options: Any) -> None:
        """Pause, unless it is paused already."""
        campaign = report.find(options["id"])
        if not lifecycle.pause(campaign) and campaign.status != CampaignStatus.PAUSED:
            raise CommandError(
                f"Campaign {campaign.pk} is {campaign.status}; only one that is sending can pause."
            )
        self.say(report.status(campaign), as_json=options["json"])
