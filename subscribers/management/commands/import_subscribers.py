"""``import_subscribers FILE --list NAME``."""

import json
import sys
import time
from argparse import RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Workspace
from subscribers.imports import encodings, files, mapping, outcome, run, steps
from subscribers.management import choosing
from subscribers.models import Import, MailingList
from subscribers.states import ExistingPeople, ImportStatus, SubscriptionStatus

HELP = """Import people from a CSV, TSV or XLSX file into a list.

Columns are recognised by their names; one that is not known becomes a text field of its own.
Nobody who unsubscribed, bounced or was erased is brought back; they are counted as suppressed.
A second run of the same file changes nothing.

Exit codes: 0 the import is done (rows that could not go in are counted as invalid and stand in
errors_file), 1 nothing was imported and stderr says why, 2 wrong arguments, 3 with --strict: done,
but some rows were invalid."""
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
            "lists, a field's key, "
            "new:TYPE:NAME (text, number, date, boolean, url), - to leave the column out",
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
        parser.add_argument("--strict", action="store_true", help="exit with 3 on invalid rows")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Import the file and say what happened."""
        began = time.monotonic()
        workspace = choosing.workspace(options["workspace"])
        mailing_list = _mailing_list(workspace, options)
        try:
            record = _prepare(workspace, options)
        except (files.FileRefused, mapping.MappingRefused, OSError) as error:
            raise CommandError(str(error)) from error
        if mailing_list is None and not steps.is_for_a_list(record):
            steps.discard(record)
            raise CommandError("Say which list they join: --list NAME.")
        self._warn(record)
        steps.set_consent(record, _consent(options, mailing_list, record))
        steps.start_run(record)
        try:
            finished = run.run(record.pk)
        except OSError as error:
            steps.fail(record.pk, reason=str(error))
            raise CommandError(f"The stored file is gone or can't be read: {error}") from error
        except (Exception, KeyboardInterrupt) as error:
            steps.fail(record.pk, reason=str(error))
            raise
        if not finished:
            raise CommandError("The import was cancelled.")
        record.refresh_from_db()
        if record.status != ImportStatus.DONE:
            raise CommandError(record.failure or "The import did not finish.")
        self._say(record, seconds=time.monotonic() - began, as_json=options["json"])
        if options["strict"] and record.invalid:
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
            "errors_file": record.errors_path or None,
            "seconds": round(seconds, 3),
            "id": record.pk,
            "rows": record.rows,
            "duplicates": record.duplicates,
            "without_a_value": record.flagged.get("without", 0),
            "repaired_addresses": record.flagged.get("repaired", 0),
            "encoding": record.encoding,
            "warnings": outcome.warnings(record),
        }
        if as_json:
            self.stdout.write(json.dumps(figures))
            return
        self.stdout.write(
            f"{record.rows} rows: {record.created} new, {record.updated} changed, "
            f"{record.unchanged} unchanged, {record.suppressed} suppressed, "
            f"{record.invalid} invalid, in {seconds:.1f} s."
        )
        if record.flagged.get("repaired"):
            self.stdout.write(f"Repaired addresses: {record.flagged['repaired']}.")
        if record.flagged.get("without"):
            self.stdout.write(
                f"Rows that went in without a value that can't be read: "
                f"{record.flagged['without']}."
            )
        if record.errors_path:
            self.stdout.write(f"Rows to correct: {record.errors_path}")


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
        encoding=_encoding(options["encoding"]),
    )
    chosen = dict(_pair(pair) for pair in options["map"])
    targets = mapping.load(record.mapping)
    if chosen:
        targets = mapping.named(
            record.columns, suggested=targets, chosen=chosen, workspace=workspace
        )
    try:
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
