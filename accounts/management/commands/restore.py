"""``restore FILE``: load a backup; afterwards nothing is sent until a person says go."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from accounts.backups import loading, taking
from accounts.backups.clients import BackupError
from accounts.installation import watch


class Command(BaseCommand):
    """Load a backup into the database of the settings."""

    help = (
        "Load a backup into the database of DATABASE_URL (or the embedded one), with its uploaded "
        "files and keys. Afterwards nothing is sent until a person says go (manage.py hold). "
        "Exit codes: 0 done, 1 not possible (stderr says why; the database is as it was), "
        "2 wrong usage."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "file", help="the backup: a file, s3://bucket/prefix/file, or a folder (its newest)"
        )
        parser.add_argument(
            "--replace", action="store_true", help="also where the database holds something already"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Check, load, bring the schema up to date, hold sending."""

        def say(words: str) -> None:
            if not options["json"]:
                self.stdout.write(words)

        try:
            self._refuse_used(replace=options["replace"])
            password = taking.password_of_settings()
            with loading.opened(options["file"], password=password) as found:
                to_do = loading.load(found, say=say)
                manifest = found.manifest
        except BackupError as error:
            raise CommandError(str(error)) from error
        call_command("migrate", verbosity=0, interactive=False)
        because = watch.look()
        for words in to_do:
            say(words)
        say("Nothing is sent until a person says go: manage.py hold says what would be sent.")
        if options["json"]:
            done = {"taken_at": manifest["taken_at"], "rows": sum(manifest["rows"].values())}
            self.stdout.write(json.dumps({**done, "to_do": to_do, "held": because}))

    @staticmethod
    def _refuse_used(*, replace: bool) -> None:
        """Refuse a database that others work with, or that holds something nobody gave up."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
            row = cursor.fetchone()
        if row and row[0]:
            raise BackupError(
                f"{row[0]} other connections work with this database. Stop web, workers and beat"
                " on all machines first."
            )
        if not replace and "accounts_user" in connection.introspection.table_names():
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM accounts_user")
                row = cursor.fetchone()
            if row and row[0]:
                raise BackupError(
                    "This database holds an installation already. Take a backup of it if you may"
                    " still want it, then say --replace."
                )
