"""The whole product on one machine: ``python -m config.run`` (what ``make run`` starts).

With ``--background`` only the background processes run (workers, beat, sandbox), for a management
command that needs them for a while.
"""

import os
import sys
import time
from contextlib import ExitStack, suppress
from importlib.util import find_spec
from urllib.error import URLError
from urllib.request import urlopen

from config import addresses, embedded, preflight
from config.preflight import StartError
from config.supervisor import Part, Supervisor

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


def parts(*, background: bool) -> list[Part]:
    """Return what is to run, first what is to be stopped first."""
    from django.conf import settings

    sending = settings.WORKERS or cores()
    found = [
        Part(name="beat", command=celery("beat", "--pidfile=")),
        Part(name="sending", command=worker("sending", processes=sending)),
        Part(name="events", command=worker("events,default", processes=min(2, cores()))),
    ]
    if not background:
        found.insert(0, Part(name="web", command=[sys.executable, "-m", "config.web"]))
    if find_spec("delivery.sandbox_server"):
        command = [sys.executable, "-m", "delivery.sandbox_server"]
        # Stays until the workers have handed over what they had begun.
        found.append(Part(name="sandbox", command=command, stage=1))
    return found


def prepare() -> None:
    """Bring schema, static files and the first user up to date.

    Raises:
        StartError: PostgreSQL or Redis cannot be used.
    """
    from config import first_run

    preflight.check_database()
    preflight.check_redis()
    first_run.migrate()
    first_run.collect_static()
    first_run.make_administrator()


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

    from config import first_run

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


def run(*, background: bool) -> None:
    """Run until asked to stop.

    Raises:
        StartError: something is wrong before the start.
        embedded.EmbeddedError: an embedded service did not start.
    """
    preflight.load_settings()
    from django.conf import settings
    from django.db import connections

    if not background:
        preflight.check_port(settings.HOST, settings.PORT)
    preflight.check_disk(settings.DATA_DIR)
    with ExitStack() as stack:
        supervisor = Supervisor(parts(background=background), as_json=settings.LOG_FORMAT == "json")
        supervisor.listen()
        stack.enter_context(
            embedded.services(settings.DATA_DIR, wanted=preflight.wanted_services())
        )
        if not background:
            prepare()
        if "SANDBOX_PORT" not in os.environ:
            addresses.choose_port(settings.DATA_DIR)
        stack.callback(supervisor.stop)
        supervisor.tick(0)
        if not background and wait_for_web(supervisor):
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
        run(background="--background" in arguments)
    except (StartError, embedded.EmbeddedError) as error:
        sys.stderr.write(f"Warta cannot start. {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
