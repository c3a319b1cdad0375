"""Started by root, everything but the supervisors of embedded services goes on as another user.

A hole in the web server or in a worker then opens what this user may open, and no more.
"""

import os
import subprocess
import sys
from pathlib import Path

from config.runtime.service_user import ServiceUser

BASE_DIR = Path(__file__).parent.parent.parent
LAST_OF_ROOT = 1023  # ports up to this one
# What the embedded services look after themselves.
OWN_HOMES = ("postgres", "postgres.new", "valkey", "run", "elsewhere")


def step_down(data_dir: Path, *, port: int | None) -> str:
    """Become the service user if we are root; returns why we stay root, "" if we do not.

    ``port`` is what the web server is to listen on, None without it.
    """
    if os.geteuid() != 0:
        return ""
    if port is not None and port <= LAST_OF_ROOT and not _is_open(port):
        return f"port {port} may only be used by root; a proxy in front and another PORT help"
    user = ServiceUser.choose()
    own(data_dir, user)  # the trial reads its secret, and root reads everything anyway
    if not _can_run(user):
        return (
            f"the user {user.name} cannot read {BASE_DIR} or {sys.prefix}, DATA_DIR, or a file of "
            "secrets; let it, or start Warta as a user of its own"
        )
    os.setgroups([])
    os.setgid(user.gid)
    os.setuid(user.uid)
    os.environ["HOME"] = str(data_dir)
    return ""


def own(data_dir: Path, user: ServiceUser) -> None:
    """Give DATA_DIR to the user, but for what the embedded services keep."""
    user.own(data_dir)
    for entry in data_dir.iterdir():
        if entry.name in OWN_HOMES:
            continue
        user.own(entry)
        if entry.is_dir() and not entry.is_symlink():
            for path in entry.rglob("*"):
                user.own(path)


def _is_open(port: int) -> bool:
    """Say whether the system lets everybody use this port (containers often do)."""
    try:
        first = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text(encoding="ascii")
    except OSError:
        return False
    return port >= int(first)


def _can_run(user: ServiceUser) -> bool:
    """Try it: whether the program and its settings can be read depends on many folders."""
    command = [sys.executable, "-c", "import django; django.setup(); import config.celery"]
    try:
        done = subprocess.run(  # noqa: S603 - our own words
            command,
            cwd=BASE_DIR,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"},
            user=user.uid,
            group=user.gid,
            extra_groups=[],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except OSError:  # not even Python itself
        return False
    return done.returncode == 0
