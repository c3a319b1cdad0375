"""``move_listmonk_database URL``."""

import os
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser

from campaigns.migrate_from import listmonk
from campaigns.migrate_from.listmonk import Brought
from subscribers.consent import ledger
from subscribers.management import choosing, migrating
from subscribers.migrate_from import listmonk_database
from subscribers.migrate_from.arrivals import SourceRefused
from subscribers.models import ToolMigration
from subscribers.states import ExistingPeople, MigrationSource

HELP = """Migrate everything from listmonk's PostgreSQL database: lists, people, attributes,
subscriptions with their moments, the blocklist, templates, and campaigns as drafts.

The database is only read, in one read-only transaction. Give its address as an argument, or in the
environment as LISTMONK_DATABASE_URL, which does not show in the list of processes. A user who may
only read is enough: GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader.

The other tool's template expressions are written as merge tags where there is one; the others are
left out and named in the output."""
VARIABLE = "LISTMONK_DATABASE_URL"


class Command(migrating.MigrationCommand):
    """Migrate everything from listmonk's database."""

    help = HELP + migrating.EXITS
    source = MigrationSource.LISTMONK_DATABASE
    needs_list = False

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "url", nargs="?", metavar="URL", help="postgresql://user:password@host:5432/listmonk"
        )
        migrating.add_people(parser)
        parser.add_argument("--people-only", action="store_true", help="no templates or campaigns")
        migrating.add_common(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Migrate people first, so that attributes have their fields, then what was written."""
        url = options["url"] or os.environ.get(VARIABLE, "")
        if not url:
            raise CommandError(f"Give the database's address, or set {VARIABLE}.")
        workspace = choosing.workspace(options["workspace"])
        words = options["statement"].strip()
        try:
            with listmonk_database.connect(url) as connection:
                record = ToolMigration.objects.create(
                    workspace=workspace,
                    source=self.source,
                    filename=str(self.source.label),
                    existing=ExistingPeople(options["existing"]),
                    statement=ledger.statement(workspace, text=words) if words else None,
                )
                outcome = migrating.carry_out(
                    record,
                    lambda move, dry: listmonk_database.open_database(
                        move, connection, dry_run=dry
                    ),
                    dry_run=options["dry_run"],
                )
                more = ""
                if not options["people_only"]:
                    brought = listmonk.bring(workspace, connection, dry_run=options["dry_run"])
                    outcome["writing"] = asdict(brought)
                    more = _words(brought)
        except SourceRefused as error:
            raise CommandError(str(error)) from error
        self.say(outcome, options, more)


def _words(brought: Brought) -> str:
    lines = [
        f"{len(brought.templates)} templates came, {len(brought.campaigns)} campaigns as drafts.",
        f"{brought.known} of them were here already.",
    ]
    lines += [f"Left behind: {name} ({why})" for name, why in brought.left_out.items()]
    lines += [
        f"No counterpart in {name}: {' '.join(found)}"
        for name, found in brought.untranslated.items()
    ]
    return "\n".join(["", *lines])
