"""``move_suppressions FILE …``."""

from django.core.management.base import CommandParser

from subscribers.management.migrating import EXITS, MigrationCommand
from subscribers.states import MigrationSource, SuppressionReason

HELP = """Suppress the addresses of a file: one a line, or CSV with columns for reason and date.

No person is made of them; nothing is sent to these addresses from then on, whatever lists they are
on."""


class Command(MigrationCommand):
    """Suppress the addresses of a file."""

    help = HELP + EXITS
    source = MigrationSource.SUPPRESSIONS
    needs_list = False

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        super().add_arguments(parser)
        parser.add_argument(
            "--reason",
            choices=[str(one) for one in SuppressionReason if one != SuppressionReason.ERASED],
            default=str(SuppressionReason.IMPORTED),
            help="for addresses without one",
        )
