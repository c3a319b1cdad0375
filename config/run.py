"""The whole product on one machine: ``python -m config.run`` (what ``make run`` starts).

With names of parts only these run, as in ``python -m config.run sending events`` on a machine that
is to send along. The part ``web`` also brings the schema up to date.
"""

import os
import sys
import time
from collections.abc import Collection
from contextlib import ExitStack, suppress
from importlib.util import find_spec
from urllib.error import URLError
from urllib.request import urlopen

from config import addresses
from config.runtime import embedded, start_checks
from config.runtime.start_checks import StartError
from config.runtime.stepping_down import step_down
from config.runtime.supervisor import Part, StoppedWhileStartingError, Supervisor, stop_when_asked

WEB_SECONDS = 30.0


def cores() -> int:
    """Return how many processor cores we may use."""
    return len(os.sched_getaffinity(0))


def celery(*arguments: str) -> list[str]:
    """Return the command line of one Celery process."""
    return [sys.executable, "-m", "celery", "--quiet", "-A", "config.celery", *arguments]


def worker(queues: str, *, processes: int) -> list[str]:
    """Return the command line of a worker for some queues."""
    name = queues.split(",", maxsplit=1)[0]
    return celery(
        "worker",
        f"--queues={queues}",
        f"--concurrency={processes}",
        f"--hostname={name}@%h",
        "--without-gossip",
        "--without-mingle",
    )


def parts(names: Collection[str]) -> list[Part]:
    """Return what is to run; no names: everything.

    Raises:
        StartError: there is no such part.
    """
    from django.conf import settings

    sending = settings.WORKERS or cores()
    found = [
        Part(name="web", command=[sys.executable, "-m", "config.server.web"]),
        Part(name="beat", command=celery("beat", "--pidfile=")),
        # Whoever is free first takes sign-ups in and sends the single mails that people wait for:
        # a campaign does not hold them up, and an import has its own processes.
        Part(name="sending", command=worker("sending,mail", processes=sending)),
        Part(name="events", command=worker("events,default,mail", processes=min(2, cores()))),
        Part(name="long", command=worker("long", processes=min(2, cores()))),
    ]
    if find_spec("delivery.sandbox.server"):
        command = [sys.executable, "-m", "delivery.sandbox.server"]
        # Stays until the workers have handed over what they had begun.
        found.append(Part(name="sandbox", command=command, stage=1))
    if settings.BOUNCE_PORT:
        command = [sys.executable, "-m", "delivery.bounces.smtp_listener"]
        found.append(Part(name="bounces", command=command))
    known = [part.name for part in found]
    unknown = set(names).difference(known)
    if unknown:
        raise StartError(f"There is no part {min(unknown)!r}; the parts are {', '.join(known)}.")
    return [part for part in found if not names or part.name in names]


def prepare(supervisor: Supervisor) -> None:
    """Bring schema, static files and the first user up to date, and say what is at hand.

    Each step can be interrupted: it is whole or undone, and the next start does what is missing.

    Raises:
        StartError: PostgreSQL or Redis cannot be used.
    """
    from config.runtime import first_run

    start_checks.check_database()
    start_checks.check_redis()
    supervisor.say("bringing the schema up to date")
    first_run.migrate()
    supervisor.say("collecting static files")
    first_run.collect_static()
    supervisor.say("looking after the first user and the settings")
    first_run.make_administrator()
    first_run.follow_settings()
    say_what_is_held(supervisor)


def say_what_is_held(supervisor: Supervisor) -> None:
    """Look whether the database is the one that worked here last; nothing is sent if it is not."""
    from accounts.installation import key_check, watch

    because = watch.look()
    if key_check.look() is key_check.KeyState.CHANGED:
        words = "SECRET_KEY is another than this database was used with: manage.py secret_key"
        supervisor.say(words, level="warning")
    if because is not None:
        words = f"sending is held: {because.label} “manage.py hold” says what would be sent"
        supervisor.say(words, level="warning")


def wait_for_web(supervisor: Supervisor) -> bool:
    """Wait until the web server answers; return whether it does."""
    from django.conf import settings

    host = "127.0.0.1" if settings.HOST in addresses.ANY_HOST else settings.HOST
    url = f"{addresses.default_url(host, settings.PORT)}/health/live"
    deadline = time.monotonic() + WEB_SECONDS
    while time.monotonic() < deadline and not supervisor.stopping:
        supervisor.tick(0.1)
        with suppress(URLError, OSError), urlopen(url, timeout=1):  # noqa: S310 - our own address
            return True
    return False


def greeting() -> str:
    """Say where to go and how to sign in."""
    from django.conf import settings

    from config.runtime import first_run

    lines = ["", "  Warta is ready.", "", f"  Address   {settings.SITE_URL}"]
    found = first_run.sign_in()
    if found:
        lines += [
            f"  User      {found.email}",
            f"  Password  {found.password}   (until you change it; kept in {found.path})",
        ]
    place = embedded.places(settings.DATA_DIR)
    lines.append(f"  Data      {place.data_dir}")
    if place.home != place.data_dir:
        lines.append(f"            {place.home} (PostgreSQL and Valkey)")
    return "\n".join([*lines, "", "  Ctrl-C stops everything.", ""])


def run(names: Collection[str]) -> None:
    """Run these parts (none: all) until asked to stop.

    Raises:
        StartError: something is wrong before the start.
        embedded.EmbeddedError: an embedded service did not start.
    """
    start_checks.load_settings()
    from django.conf import settings
    from django.db import connections

    found = parts(names)
    with_web = any(part.name == "web" for part in found)
    if with_web:
        start_checks.check_port(settings.HOST, settings.PORT)
    start_checks.check_disk(settings.DATA_DIR)
    supervisor = Supervisor(found, as_json=settings.LOG_FORMAT == "json")
    supervisor.listen()
    with ExitStack() as stack:
        with supervisor.interruptible():
            wanted = start_checks.wanted_services()
            if wanted:
                supervisor.say("starting the embedded services")
            stack.enter_context(embedded.services(settings.DATA_DIR, wanted=wanted))
            reason = step_down(settings.DATA_DIR, port=settings.PORT if with_web else None)
            if reason:
                supervisor.say(f"everything runs as root: {reason}", level="warning")
            if with_web:
                addresses.keep_url(settings.DATA_DIR, settings.SITE_URL)
                prepare(supervisor)
            if any(part.name == "sandbox" for part in found) and "SANDBOX_PORT" not in os.environ:
                addresses.choose_port(settings.DATA_DIR)
        stack.callback(supervisor.stop)
        supervisor.tick(0)
        if with_web and wait_for_web(supervisor):
            sys.stdout.write(f"{greeting()}\n")
            sys.stdout.flush()
        connections.close_all()
        supervisor.run()
        supervisor.say("stopping")


def main(arguments: list[str]) -> int:
    """Run, and say in one sentence on stderr why not."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("LOG_PART", "run")
    try:
        stop_when_asked()
        run(arguments)
    except (StartError, embedded.EmbeddedError) as error:
        sys.stderr.write(f"Warta cannot start. {error}\n")
        return 1
    except StoppedWhileStartingError:
        sys.stderr.write(
            "Warta was stopped while it was starting. The next start goes on where this one was.\n"
        )
        return 0
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
