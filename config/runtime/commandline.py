"""Management commands: each works while the product runs, and alone.

Alone, a command starts the embedded services for its own duration, brings a new database into
being, and, if it says so, has the background processes run too. What this prints goes to stderr:
stdout belongs to the command.

A command that needs workers has the class attribute ``needs_worker``: True, or a function (a
``staticmethod``) of its parsed options that returns whether it does.
"""

import os
import sys
from argparse import ArgumentError
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from config.runtime import background, embedded, start_checks
from config.runtime.start_checks import StartError

# These look at the code only.
WITHOUT_SERVICES = frozenset(
    {
        "help",
        "version",
        "check",
        "makemessages",
        "compilemessages",
        "collectstatic",
        "findstatic",
        "diffsettings",
        "startapp",
        "startproject",
    }
)
WITHOUT_MIGRATING = frozenset(
    {"migrate", "makemigrations", "showmigrations", "sqlmigrate", "optimizemigration", "dbshell"}
    | {"restore"}
)
HELP = frozenset({"--help", "-h", "--version"})


def main(arguments: Sequence[str]) -> int:
    """Run ``manage.py`` with these arguments and return its exit code."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line

    name = arguments[1] if len(arguments) > 1 else "help"
    try:
        with ExitStack() as stack:
            start_checks.load_settings()
            if name not in WITHOUT_SERVICES and not HELP.intersection(arguments):
                _start_what_it_needs(stack, name, arguments)
            import config.celery  # noqa: F401 - commands and pages put tasks into its queues

            execute_from_command_line(list(arguments))
    except (StartError, embedded.EmbeddedError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")
        return 130
    return 0


def _start_what_it_needs(stack: ExitStack, name: str, arguments: Sequence[str]) -> None:
    from django.conf import settings

    from config.runtime import first_run

    wanted = start_checks.wanted_services()
    stack.enter_context(embedded.services(settings.DATA_DIR, wanted=wanted))
    start_checks.check_database()
    if embedded.POSTGRES in wanted and name not in WITHOUT_MIGRATING and first_run.is_new():
        sys.stderr.write("Making the database, which takes a few seconds.\n")
        first_run.migrate()
    if _needs_worker(name, arguments) and not background.is_running():
        stack.enter_context(background.running())


def _needs_worker(name: str, arguments: Sequence[str]) -> bool:
    from django.core.management import CommandError, get_commands, load_command_class

    app = get_commands().get(name)
    if app is None:
        return False
    command: Any = app if not isinstance(app, str) else load_command_class(app, name)
    needs = getattr(command, "needs_worker", False)
    if not callable(needs):
        return bool(needs)
    command._called_from_command_line = False  # noqa: SLF001 - so that errors are raised
    parser = command.create_parser(arguments[0], name)
    try:
        options = vars(parser.parse_args(list(arguments[2:])))
    except (ArgumentError, CommandError):
        return False  # the command itself will say what is wrong
    return bool(needs(options))
