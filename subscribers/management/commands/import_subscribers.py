"""``import_subscribers FILE --list NAME``."""

import json
import sys
import time
from argparse import RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Workspace
from subscribers.imports import (
    column_options,
    encodings,
    files,
    mapping,
    outcome,
    run,
    sources,
    steps,
)
from subscribers.imports.questions import QuestionOpen
from subscribers.management import choosing
from subscribers.models import Import, MailingList
from subscribers.states import ExistingPeople, ImportStatus, MigrationSource, SubscriptionStatus

HELP = """Import people from a CSV, TSV or XLSX file into a list.

Columns are recognised by their names; one that is not known becomes a text field of its own.
Columns that say who may be emailed are read as such: whoever unsubscribed, bounced or complained by
the file does so here. If nobody can tell what a value means, nothing is imported: the message names
the column and its values, and --status-value or --not-a-status says what they mean.
Nobody who unsubscribed, bounced or was erased is brought back; they are counted as suppressed.
A second run of the same file changes nothing.

Exit codes: 0 the import is done (rows that could not go in are counted as invalid and stand in
errors_file), 1 nothing was imported and stderr says why, 2 wrong arguments, 3 with --strict: done,
but some rows were invalid."""
HOW_TO_ANSWER = """Nothing was imported. Say what a value means with --status-value, such as
  --status-value 'Yes=unsubscribed' --status-value '(empty)=subscribed'
  --status-value '*=left_out' (every value that is not understood)
or that a column says nothing about who may be emailed with --not-a-status COLUMN."""
ELSEWHERE = {
    MigrationSource.MAILCHIMP: "Nothing was imported. Use: move_mailchimp FILE… --list NAME",
    MigrationSource.SUPPRESSIONS: "Nothing was imported. Use: move_suppressions FILE…",
    MigrationSource.MAUTIC: "Nothing was imported. "
    "Use: move_mautic CONTACTS.csv DNC.csv --list NAME",
}
COMMAND = "import_subscribers"  # who waived a column
BLOCK = 1024 * 1024
STRICT = 3


class Command(BaseCommand):
    """Import people from a file."""

    help = HELP

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Keep the paragraphs of the help."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.formatter_class = RawDescriptionHelpFormatter
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("file", metavar="FILE", help="the file; - reads standard input")
        parser.add_argument(
            "--list",
            metavar="NAME",
            help="the list they join; a file of rows to correct keeps that of its import",
        )
        parser.add_argument(
            "--create-list", action="store_true", help="make the list if there is none"
        )
        parser.add_argument(
            "--list-visibility",
            choices=[str(value) for value in MailingList.Visibility.values],
            default=str(MailingList.Visibility.PRIVATE),
            help="of lists that are made: people see only public ones in their preferences "
            "(default: private)",
        )
        parser.add_argument(
            "--encoding",
            metavar="NAME",
            help="what the file is written in, like cp1254 or koi8-r (default: found out)",
        )
        parser.add_argument("--workspace", metavar="SLUG", help="default: the only or first one")
        parser.add_argument(
            "--map",
            action="append",
            default=[],
            metavar="COLUMN=FIELD",
            help="email, first_name, last_name, name, language, time_zone, status, tags, "
            "lists, email_more (used where the address is empty), consent_time, consent_ip, "
            "confirm_time, confirm_ip, consent_source, a field's key, "
            "new:TYPE:NAME (text, number, date, boolean, url), - to leave the column out",
        )
        parser.add_argument(
            "--source",
            choices=[source.key for source in sources.SOURCES],
            default="",
            help="the tool that the file is from; by default its columns tell",
        )
        parser.add_argument(
            "--status-value",
            action="append",
            default=[],
            metavar="VALUE=STATUS",
            help="what a value of a column means that says who may be emailed: "
            f"{', '.join(column_options.BY_WORD)}. COLUMN:VALUE=STATUS for one column only; "
            "(empty) is an empty cell, * every value that is not understood",
        )
        parser.add_argument(
            "--not-a-status",
            action="append",
            default=[],
            metavar="COLUMN",
            help="this column says nothing about who may be emailed; kept with the import",
        )
        parser.add_argument(
            "--status",
            choices=[SubscriptionStatus.SUBSCRIBED, SubscriptionStatus.UNCONFIRMED],
            default=SubscriptionStatus.SUBSCRIBED,
            type=str,
        )
        parser.add_argument(
            "--fill-empty", action="store_true", help="keep what is known, fill what is empty"
        )
        parser.add_argument(
            "--skip-existing", action="store_true", help="leave people who are known as they are"
        )
        parser.add_argument(
            "--tag", action="append", default=[], metavar="NAME", help="tag everybody in the file"
        )
        parser.add_argument(
            "--bring-back",
            default="",
            metavar="REASON",
            help="subscribe again who had unsubscribed; the reason is kept with each of them. "
            "Nobody who bounced, complained or was erased is brought back",
        )
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="only say what would happen; no person is written",
        )
        parser.add_argument("--strict", action="store_true", help="exit with 3 on invalid rows")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Import the file and say what happened."""
        began = time.monotonic()
        workspace = choosing.workspace(options["workspace"])
        mailing_list = _mailing_list(workspace, options)
        try:
            record = _prepare(workspace, options)
        except files.BelongsElsewhere as error:
            raise CommandError(f"{error}\n{ELSEWHERE[error.source]}") from error
        except QuestionOpen as error:
            raise CommandError(f"{error}\n{HOW_TO_ANSWER}") from error
        except (files.FileRefused, mapping.MappingRefused, OSError) as error:
            raise CommandError(str(error)) from error
        if mailing_list is None and not steps.is_for_a_list(record):
            steps.discard(record)
            raise CommandError("Say which list they join: --list NAME.")
        self._warn(record)
        steps.set_consent(record, _consent(options, mailing_list, record))
        if not _go(record, dry_run=options["dry_run"]):
            raise CommandError("The import was cancelled.")
        record.refresh_from_db()
        if record.status not in {ImportStatus.DONE, ImportStatus.CHECKED}:
            raise CommandError(record.failure or "The import did not finish.")
        self._say(record, seconds=time.monotonic() - began, as_json=options["json"])
        invalid = record.invalid
        if options["dry_run"]:
            steps.discard(record)
        if options["strict"] and invalid:
            sys.exit(STRICT)

    def _warn(self, record: Import) -> None:
        """Say on stderr what could have been read in another way."""
        for warning in outcome.warnings(record):
            self.stderr.write(f"Warning: {warning}")

    def _say(self, record: Import, *, seconds: float, as_json: bool) -> None:
        figures = {
            "created": record.created,
            "updated": record.updated,
            "unchanged": record.unchanged,
            "invalid": record.invalid,
            "suppressed": record.suppressed,
            "errors_file": (record.errors_path or None) if record.started_at else None,
            "seconds": round(seconds, 3),
            "id": record.pk,
            "rows": record.rows,
            "duplicates": record.duplicates,
            "source": record.source or None,
            "standings": record.progress.get("standings", {}),
            "without_a_value": record.flagged.get("without", 0),
            "repaired_addresses": record.flagged.get("repaired", 0),
            "encoding": record.encoding,
            "warnings": outcome.warnings(record),
        }
        if as_json:
            self.stdout.write(json.dumps(figures))
            return
        if record.status == ImportStatus.CHECKED:
            self.stdout.write("Nothing is written. It would be:")
        self.stdout.write(
            f"{record.rows} rows: {record.created} new, {record.updated} changed, "
            f"{record.unchanged} unchanged, {record.suppressed} suppressed, "
            f"{record.invalid} invalid, in {seconds:.1f} s."
        )
        for _icon, sentence in outcome.by_status(record):
            self.stdout.write(f"{sentence}.")
        if record.flagged.get("repaired"):
            self.stdout.write(f"Repaired addresses: {record.flagged['repaired']}.")
        if record.flagged.get("without"):
            self.stdout.write(
                f"Rows that went in without a value that can't be read: "
                f"{record.flagged['without']}."
            )
        if record.errors_path and record.started_at:
            self.stdout.write(f"Rows to correct: {record.errors_path}")


def _go(record: Import, *, dry_run: bool) -> bool:
    """Check or run an import; one that breaks is left as failed, never as running."""
    try:
        if dry_run:
            steps.start_check(record)
            return run.check(record.pk)
        steps.start_run(record)
        return run.run(record.pk)
    except OSError as error:
        steps.fail(record.pk, reason=str(error))
        raise CommandError(f"The stored file is gone or can't be read: {error}") from error
    except (Exception, KeyboardInterrupt) as error:
        steps.fail(record.pk, reason=str(error))
        raise


def _prepare(workspace: Workspace, options: dict[str, Any]) -> Import:
    given = options["file"]
    if given == "-":
        path, size = files.store(iter(lambda: sys.stdin.buffer.read(BLOCK), b""))
    else:
        with Path(given).open("rb") as file:
            path, size = files.store(iter(lambda: file.read(BLOCK), b""))
    record = steps.take_file(
        workspace,
        path=path,
        size=size,
        filename=Path(given).name,
        guess_types=False,
        source=options["source"],
        encoding=_encoding(options["encoding"]),
    )
    chosen = dict(_pair(pair) for pair in options["map"])
    columns, targets = record.columns, mapping.load(record.mapping)
    try:
        if chosen:
            targets = column_options.named(
                columns, suggested=targets, chosen=chosen, workspace=workspace
            )
        names = options["not_a_status"]
        targets = column_options.waived(columns, targets=targets, names=names, by=COMMAND)
        answers = options["status_value"]
        targets = column_options.answered(columns, targets=targets, answers=answers)
        steps.set_mapping(record, targets=targets)
    except mapping.MappingRefused:
        steps.discard(record)
        raise
    return record


def _encoding(name: str | None) -> str:
    try:
        return encodings.canonical(name) if name else ""
    except LookupError as error:
        known = ", ".join(encodings.every())
        raise CommandError(f"There is no encoding “{name}”. There are: {known}.") from error


def _mailing_list(workspace: Workspace, options: dict[str, Any]) -> MailingList | None:
    if not options["list"]:
        return None
    return choosing.mailing_list(
        workspace,
        options["list"],
        create=options["create_list"],
        visibility=options["list_visibility"],
    )


def _consent(
    options: dict[str, Any], mailing_list: MailingList | None, record: Import
) -> steps.Consent:
    if mailing_list is None:
        return steps.chosen_consent(record)
    existing = ExistingPeople.OVERWRITE
    if options["fill_empty"]:
        existing = ExistingPeople.FILL
    elif options["skip_existing"]:
        existing = ExistingPeople.SKIP
    return steps.Consent(
        lists=[mailing_list],
        list_visibility=options["list_visibility"],
        status=options["status"],
        existing=existing,
        tags=options["tag"],
        bring_back=options["bring_back"],
    )


def _pair(text: str) -> tuple[str, str]:
    column, equals, to = text.partition("=")
    if not equals or not column:
        raise CommandError(f"--map {text} is not COLUMN=FIELD.")
    return column, to
