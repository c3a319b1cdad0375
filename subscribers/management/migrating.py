"""What the commands that migrate from other tools have in common."""

import json
import sys
import time
from argparse import RawDescriptionHelpFormatter
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError, CommandParser

from subscribers.consent import ledger
from subscribers.imports import steps
from subscribers.imports.files import FileRefused
from subscribers.management import choosing
from subscribers.migrate_from import received_files, run
from subscribers.migrate_from.arrivals import SourceRefused
from subscribers.migrate_from.run import Opener
from subscribers.models import ToolMigration
from subscribers.states import ExistingPeople, ImportStatus, MigrationSource, SuppressionReason

EXITS = """

Nobody who has left or is suppressed here comes back; a second run of the same files changes
nothing. --dry-run says what would happen and writes nothing. A migration can be undone for 30 days,
on its page.

Exit codes: 0 done (rows left out stand in report_file, with the reason), 1 nothing was migrated and
stderr says why, 2 wrong arguments, 3 with --strict: done, but some rows were invalid."""
STRICT = 3


class MigrationCommand(BaseCommand):
    """Migrates the files of one tool."""

    source: ClassVar[MigrationSource]
    needs_list: ClassVar[bool] = True

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Keep the paragraphs of the help."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.formatter_class = RawDescriptionHelpFormatter
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("file", metavar="FILE", nargs="+", help="CSV files, or a ZIP of them")
        if self.needs_list:
            parser.add_argument("--list", required=True, metavar="NAME", help="the list they join")
            parser.add_argument(
                "--create-list", action="store_true", help="make the list if there is none"
            )
            add_people(parser)
        add_common(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Migrate the files and say what happened."""
        workspace = choosing.workspace(options["workspace"])
        mailing_list = None
        if self.needs_list:
            mailing_list = choosing.mailing_list(
                workspace, options["list"], create=options["create_list"]
            )
        words = options.get("statement", "").strip()
        try:
            with ExitStack() as opened:
                uploads = [
                    (Path(name).name, opened.enter_context(Path(name).open("rb")))
                    for name in options["file"]
                ]
                stored = received_files.store(uploads)
            record = received_files.take(
                workspace,
                source=self.source,
                stored=stored,
                mailing_list=mailing_list,
                statement=ledger.statement(workspace, text=words) if words else None,
                existing=ExistingPeople(options.get("existing") or ExistingPeople.FILL),
                reason=SuppressionReason(options.get("reason") or SuppressionReason.IMPORTED),
            )
        except (FileRefused, SourceRefused, OSError) as error:
            raise CommandError(str(error)) from error
        outcome = carry_out(record, received_files.opener, dry_run=options["dry_run"])
        self.say(outcome, options)

    def say(self, outcome: dict[str, Any], options: dict[str, Any], more: str = "") -> None:
        """Print what came of it; with --strict invalid rows show in the exit code."""
        text = words(outcome, dry=options["dry_run"])
        self.stdout.write(json.dumps(outcome) if options["json"] else text + more)
        if options["strict"] and outcome["invalid"]:
            sys.exit(STRICT)


def add_people(parser: CommandParser) -> None:
    """Declare what every migration of people takes."""
    parser.add_argument("--statement", default="", metavar="TEXT", help="what they agreed to there")
    parser.add_argument(
        "--existing",
        choices=[str(one) for one in ExistingPeople],
        default=str(ExistingPeople.FILL),
        help="people who are known here: fill what is empty (default), overwrite, or skip them",
    )


def add_common(parser: CommandParser) -> None:
    """Declare what every migration takes."""
    parser.add_argument("--workspace", metavar="SLUG", help="default: the only or first one")
    parser.add_argument("--dry-run", action="store_true", help="only say what would happen")
    parser.add_argument("--strict", action="store_true", help="exit with 3 on invalid rows")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def carry_out(record: ToolMigration, opener: Opener, *, dry_run: bool) -> dict[str, Any]:
    """Check or run a migration here and now; returns its figures.

    Raises:
        CommandError: it was stopped.
    """
    began = time.monotonic()
    try:
        if dry_run:
            steps.start_check(record)
            run.check(record.pk, opener)
        else:
            steps.start_run(record)
            run.run(record.pk, opener)
    except BaseException:
        steps.fail(record.pk, reason="The command was stopped.")
        raise
    record.refresh_from_db()
    if record.status not in (ImportStatus.CHECKED, ImportStatus.DONE):
        raise CommandError(record.failure or "The migration did not finish.")
    return summary(record, seconds=time.monotonic() - began)


def summary(record: ToolMigration, *, seconds: float) -> dict[str, Any]:
    """Return a migration's figures as plain values."""
    columns = ("rows", "created", "updated", "unchanged", "kept_out", "suppressed", "invalid")
    return {
        "id": record.pk,
        **{column: getattr(record, column) for column in columns},
        "duplicates": record.duplicates,
        "lists": record.flagged.get("lists", []),
        "left_out": record.flagged.get("left_out", {}),
        "domains": record.flagged.get("noticed", {}).get("domains", 0),
        "report_file": record.errors_path or None,
        "seconds": round(seconds, 3),
    }


def words(outcome: dict[str, Any], *, dry: bool) -> str:
    """Put the figures into a few lines."""
    lines = [
        ("Nothing is written. It would be: " if dry else "")
        + f"{outcome['rows']} rows: {outcome['created']} new, {outcome['updated']} changed, "
        f"{outcome['unchanged']} unchanged, {outcome['suppressed']} newly suppressed, "
        f"{outcome['kept_out']} kept out, {outcome['invalid']} invalid, "
        f"{outcome['duplicates']} twice, in {outcome['seconds']:.1f} s."
    ]
    for row in outcome["lists"]:
        counts = ", ".join(f"{count} {what}" for what, count in row.items() if what not in NAMED)
        lines.append(f"{row['name']}{' (new)' if row['is_new'] else ''}: {counts}")
    lines += [f"Left behind: {what} ({why})" for what, why in outcome["left_out"].items()]
    if outcome["domains"]:
        lines.append(
            f"{outcome['domains']} whole domains: everybody here with an address there is "
            "suppressed; who joins later is not covered."
        )
    if outcome["report_file"]:
        lines.append(f"Rows left out, with the reason: {outcome['report_file']}")
    return "\n".join(lines)


NAMED = ("name", "is_new")
