"""``move_mautic FILE … --list NAME``."""

from subscribers.management.moving import EXITS, MoveCommand
from subscribers.states import MoveSource

HELP = """Move contacts from Mautic's CSV export.

Contacts join the list; whoever must not be contacted is suppressed, with the reason."""


class Command(MoveCommand):
    """Move people from Mautic."""

    help = HELP + EXITS
    source = MoveSource.MAUTIC
