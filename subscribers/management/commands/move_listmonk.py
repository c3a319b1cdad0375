"""``move_listmonk FILE … --list NAME``."""

from subscribers.management.migrating import EXITS, MigrationCommand
from subscribers.states import MigrationSource

HELP = """Migrate subscribers from listmonk's CSV export.

The file does not say who is on which list: export the subscribers of one list.
move_listmonk_database migrates everything."""


class Command(MigrationCommand):
    """Migrate people from listmonk's CSV export."""

    help = HELP + EXITS
    source = MigrationSource.LISTMONK
