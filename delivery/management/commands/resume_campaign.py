"""``resume_campaign ID``."""

from typing import Any

from django.core.management.base import CommandError

from accounts.background import waking
from campaigns.checks import confirmation
from campaigns.states import CampaignStatus
from delivery import tasks
from delivery.management import report


class Command(report.CampaignCommand):
    """Go on with a paused send."""

    help = "Go on with a paused send, with the content as it stands now."

    def handle(self, *_args: Any, **options: Any) -> None:
        """Resume, unless it is sending already."""
        campaign = report.find(options["id"])
        try:
            won = confirmation.resume(campaign, confirmed=confirmation.shown(campaign))
        except (confirmation.ChangedError, confirmation.NotReadyError) as error:
            raise CommandError(str(error)) from error
        if won:
            self.warn(campaign)
            waking.wake(tasks.keep_sending)
        elif campaign.status != CampaignStatus.SENDING:
            raise CommandError(
                f"Campaign {campaign.pk} is {campaign.status}; only a paused one can go on."
            )
        self.say(report.status(campaign), as_json=options["json"])
