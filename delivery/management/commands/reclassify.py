"""Judges stored opens and clicks by today's rules."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from delivery.states import AgentClass, EventKind
from delivery.tracking import person_devices, reclassify


class Command(BaseCommand):
    """``reclassify``: says how many opens and clicks counted as whose, before and after."""

    help = (
        "Judge stored opens and clicks anew, by today's lists and rules: person, privacy proxy or "
        "scanner. What was seen stays as it is; figures follow. Harmless at any time."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take what to judge, and whether to change it."""
        parser.add_argument("--campaign", type=int, metavar="ID", help="this campaign's only")
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would change, and change nothing"
        )
        parser.add_argument(
            "--json", action="store_true", help="print one JSON object and nothing else"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Judge, and print before and after."""
        found = reclassify.run(campaign=options["campaign"], is_dry=options["dry_run"])
        if not options["dry_run"] and options["campaign"] is None:
            person_devices.rebuild()
        table = [
            {
                "what": kind.name.lower(),
                "by": agent.name.lower(),
                "before": found.before[kind, agent],
                "after": found.after[kind, agent],
            }
            for kind in (EventKind.OPENED, EventKind.CLICKED)
            for agent in AgentClass
        ]
        if options["json"]:
            said = {"changed": found.changed, "dry_run": options["dry_run"], "figures": table}
            self.stdout.write(json.dumps(said))
            return
        self.stdout.write(f"{'':10} {'':10} {'before':>12} {'after':>12}")
        for row in table:
            self.stdout.write(
                f"{row['what']:10} {row['by']:10} {row['before']:12,} {row['after']:12,}"
            )
        verb = "would change" if options["dry_run"] else "changed"
        self.stdout.write(f"{found.changed:,} verdicts {verb}.")
