"""``move_listmonk FILE … --list NAME``."""

from subscribers.management.moving import EXITS, MoveCommand
from subscribers.states import MoveSource

HELP = """Move subscribers from listmonk's CSV export.

The file does not say who is on which list: export the subscribers of one list.
move_listmonk_database moves everything."""


class Command(MoveCommand):
    """Move people from listmonk'''s CSV export."""

    help = HELP + EXITS
    source = MoveSource.LISTMONK
