"""``move_mailchimp FILE … --list NAME``."""

from subscribers.management.migrating import EXITS, MigrationCommand
from subscribers.states import MigrationSource

HELP = """Migrate an audience from Mailchimp: the ZIP of its export, or the CSV files in it.

Subscribed people join the list with the moments and network addresses of their opt-in as proof;
unsubscribed ones come as people who have left; cleaned addresses are suppressed as bounced."""


class Command(MigrationCommand):
    """Migrate people from Mailchimp."""

    help = HELP + EXITS
    source = MigrationSource.MAILCHIMP
