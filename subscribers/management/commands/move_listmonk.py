"""``move_listmonk FILE … --list NAME``."""

from subscribers.management.migrating import EXITS, MigrationCommand
from subscribers.states import MigrationSource

HELP = """Move subscribers from listmonk's CSV export.

The file does not say who is on which list: export the subscribers of one list.
move_listmonk_database moves everything."""


class Command(MigrationCommand):
    """Move people from listmonk'''s CSV export."""

    help = HELP + EXITS
    source = MigrationSource.LISTMONK
