"""``manage.py recount_feedback``: make what came back of campaigns anew from their events."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from campaigns.models import Campaign
from delivery.events import recounting


class Command(BaseCommand):
    """Make delivered, bounced and complained anew, with all figures that follow from them."""

    help = "Counts anew, from their events, what was delivered, bounced and complained about."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which campaigns; none named: all that were sent."""
        parser.add_argument("campaigns", nargs="*", type=int, help="ids of campaigns")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Recount one campaign after the other."""
        sent = Campaign.objects.filter(dispatch__isnull=False)
        chosen = sent.filter(pk__in=options["campaigns"]) if options["campaigns"] else sent
        ids = list(chosen.order_by("pk").values_list("pk", flat=True))
        missing = sorted(set(options["campaigns"]) - set(ids))
        if missing:
            raise CommandError(f"No campaign that was sent has the id {missing[0]}.")
        for campaign in ids:
            changed = recounting.recount(campaign)
            self.stdout.write(f"Campaign {campaign}: {changed} messages changed.")
