"""``campaign_status ID``."""

from typing import Any

from delivery.management import report


class Command(report.CampaignCommand):
    """Say how a campaign stands."""

    help = "Say how a campaign stands, how fast it goes, and why it is not sending if it isn't."

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print it."""
        self.say(report.status(report.find(options["id"])), as_json=options["json"])
