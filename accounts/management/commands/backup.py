"""``backup [TO]``: take a backup; ``backup --verify FILE``: prove one by loading it beside."""

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.backups import loading, places, taking
from accounts.backups.clients import BackupError


class Command(BaseCommand):
    """Take, or prove, a backup of the whole installation."""

    help = (
        "Back up the database, uploaded files and keys into one file, while Warta runs. With "
        "BACKUP_PASSWORD (or BACKUP_PASSWORD_FILE) the file is encrypted. --verify proves one. "
        "Exit codes: 0 done, 1 not possible (stderr says why), 2 wrong usage."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "to", nargs="?", default=settings.BACKUP_TO, metavar="TO",
            help="a folder, or s3://bucket/prefix (default: BACKUP_TO)",
        )  # fmt: skip
        parser.add_argument(
            "--keep", type=int, default=0, metavar="N",
            help="afterwards delete all backups there but the newest N",
        )  # fmt: skip
        parser.add_argument(
            "--verify", metavar="FILE", nargs="?", const="",
            help="prove a backup (default: the one just taken): load it into a database beside,"
            " compare counts, drop that again",
        )  # fmt: skip
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do it and say what was done."""

        def say(words: str) -> None:
            if not options["json"]:
                self.stdout.write(words)

        verify: str | None = options["verify"]
        if not verify and not options["to"]:
            raise CommandError("Say where to: backup FOLDER, or set BACKUP_TO.")
        try:
            password = taking.password_of_settings()
            done: dict[str, Any] = {}
            if not verify:
                done = taking.take(
                    places.place(options["to"]), password=password, keep=options["keep"], say=say
                )
            if verify is not None:
                file = verify or str(done["file"])
                done["verified"] = loading.verify(file, password=password, say=say)
        except BackupError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(done))
