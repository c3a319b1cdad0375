"""``settle_unknown ID --send-again | --leave``."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from accounts.background import waking
from delivery import tasks
from delivery.figures import ledgers
from delivery.management import report
from delivery.pipeline import settle


class Command(report.CampaignCommand):
    """Decide about messages of which nobody knows whether they arrived."""

    help = "Decide about messages that may or may not have arrived: send them again, or leave them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the decision; ``--message`` limits it to some."""
        super().add_arguments(parser)
        decision = parser.add_mutually_exclusive_group(required=True)
        decision.add_argument(
            "--send-again",
            action="store_true",
            help="send them once more; who did get the first one has it twice then",
        )
        decision.add_argument(
            "--leave", action="store_true", help="leave them; they stay unknown and no longer ask"
        )
        parser.add_argument(
            "--message",
            type=int,
            action="append",
            metavar="ID",
            dest="messages",
            help="only this message (can be repeated)",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Settle; the answer says how many."""
        campaign = report.find(options["id"])
        if options["send_again"]:
            settled = settle.send_again(campaign, messages=options["messages"])
            waking.wake(tasks.keep_sending)
        else:
            settled = settle.leave(campaign, messages=options["messages"])
        if not settled and ledgers.of(campaign).undecided:
            raise CommandError(
                f"Campaign {campaign.pk} is {campaign.status}: none of its unknown messages was"
                " settled."
            )
        self.say({**report.status(campaign), "settled": settled}, as_json=options["json"])
