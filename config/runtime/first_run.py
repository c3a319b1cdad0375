"""What a start brings up to date: the schema, the collected static files, the first user."""

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django
import structlog
from django.conf import settings
from django.core.management import call_command, get_commands
from django.db import connection, transaction

from config.runtime import migrating

ADMINISTRATOR = "admin@warta.example"
MIGRATION_LOCK = 0x77617274  # any number, the same in every process
log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class SignIn:
    """How the administrator signs in for the first time."""

    email: str
    password: str
    path: Path


def is_new() -> bool:
    """Say whether the database has never been migrated."""
    return "django_migrations" not in connection.introspection.table_names()


def migrate() -> int:
    """Bring the schema up to date and return how many migrations that took.

    Of several processes that start at once, one migrates and the others wait. Whoever is told to
    stop meanwhile leaves each migration whole or undone; see `config.runtime.migrating`.
    """
    with _alone():
        return migrating.migrate()


@contextmanager
def _alone() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [MIGRATION_LOCK])


def collect_static() -> bool:
    """Collect and compress the static files if they changed since the last time."""
    root = Path(settings.STATIC_ROOT)
    stamp = root / ".stamp"
    state = _static_state()
    with suppress(OSError):
        if stamp.read_text(encoding="ascii") == state:
            return False
    call_command("collectstatic", interactive=False, verbosity=0, clear=root.exists())
    root.mkdir(parents=True, exist_ok=True)
    stamp.write_text(state, encoding="ascii")
    return True


def _static_state() -> str:
    found = hashlib.sha256(django.get_version().encode())
    for folder in settings.STATICFILES_DIRS:
        for path in sorted(Path(folder).rglob("*")):
            state = path.stat()
            if path.is_file():
                found.update(f"{path}:{state.st_size}:{state.st_mtime_ns}".encode())
    return found.hexdigest()


def make_administrator() -> None:
    """On an empty installation make the administrator and (unless DEMO=false) the demo."""
    from accounts.models import User

    with _alone():
        if User.objects.exists():
            return
        password = "-".join(secrets.token_hex(2) for _ in range(4))
        path = settings.DATA_DIR / "administrator"
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{ADMINISTRATOR}\n{password}\n")
        # Both or none: whoever is stopped in between makes both at the next start.
        with transaction.atomic():
            User.objects.create_superuser(ADMINISTRATOR, password)
            if settings.DEMO and "load_demo" in get_commands():
                log.info("filling the demo workspace")
                call_command("load_demo", stdout=_Nowhere())


def follow_settings() -> None:
    """Make, change or take away the sending account that SMTP_URL describes."""
    from delivery.accounts import setup

    setup.follow_settings()


def sign_in() -> SignIn | None:
    """Return the first user's password for as long as it is the generated one."""
    from accounts.models import User

    path = settings.DATA_DIR / "administrator"
    try:
        email, password = path.read_text(encoding="utf-8").split()
    except (OSError, ValueError):
        return None
    user = User.objects.filter(email=email, is_active=True).first()
    if user is None or not user.check_password(password):
        path.unlink(missing_ok=True)  # changed: what we kept is of no use any more
        return None
    return SignIn(email=email, password=password, path=path)


class _Nowhere:
    """An output that keeps nothing: load_demo tells us a password that we know."""

    def write(self, *_: Any) -> None:
        """Drop the words."""

    def flush(self) -> None:
        """Do nothing."""
