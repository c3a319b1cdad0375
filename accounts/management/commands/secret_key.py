"""``secret_key``: says whether SECRET_KEY is the one this database was used with."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from accounts.installation import key_check, watch
from accounts.installation.key_check import KeyState

WORDS = {
    KeyState.SAME: "SECRET_KEY is the one that this database was used with.",
    KeyState.ROTATED: "SECRET_KEY is new, and the earlier one is among SECRET_KEY_FALLBACKS: links "
    "in mail that was sent work. Keep it there as long as they shall.",
    KeyState.CHANGED: "SECRET_KEY is another than this database was used with: links in mail that "
    "was sent do not work, and kept passwords cannot be read. Add the earlier key to "
    "SECRET_KEY_FALLBACKS; if it is lost for good, enter the passwords anew and say --accept.",
}


class Command(BaseCommand):
    """Say whether the key is the right one; accept another."""

    help = "Say whether SECRET_KEY is the one this database was used with. Exit code 1: it is not."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the option."""
        parser.add_argument(
            "--accept", action="store_true", help="take the present key for the right one"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Look, and say it."""
        watch.look()
        if options["accept"]:
            key_check.accept()
        state = key_check.look()
        self.stdout.write(WORDS[state])
        if state is KeyState.CHANGED:
            sys.exit(1)
