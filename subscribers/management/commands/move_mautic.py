"""``move_mautic FILE … --list NAME``."""

from subscribers.management.migrating import EXITS, MigrationCommand
from subscribers.states import MigrationSource

HELP = """Migrate contacts from Mautic's CSV export.

That export does not say who must not be contacted. Give the "Do not contact" list as a second
file: CSV with the columns email, reason, date_added, comments, as this query of Mautic's database
gives it:
  SELECT l.email, d.reason, d.date_added, d.comments, d.channel
  FROM lead_donotcontact d JOIN leads l ON l.id = d.lead_id
A file with a "do not contact" column of its own needs no second one. Contacts join the list;
whoever must not be contacted is suppressed, with the reason."""


class Command(MigrationCommand):
    """Migrate people from Mautic."""

    help = HELP + EXITS
    source = MigrationSource.MAUTIC
