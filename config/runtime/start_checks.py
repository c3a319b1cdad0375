"""Everything that can be wrong before the start, each said in one sentence."""

import shutil
import socket
import time
from pathlib import Path

import psycopg
import redis
import structlog
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connection

from config.runtime import embedded

OLDEST_POSTGRES = 15
LOADING_SECONDS = 120.0
LEAST_FREE = 200 * 1024 * 1024  # bytes; a new embedded PostgreSQL takes about 60 MB
log = structlog.get_logger()


class StartError(Exception):
    """The start is not possible; the message says why and what to do, in one sentence."""


def load_settings() -> None:
    """Import the settings and set Django up.

    Raises:
        StartError: a variable has a wrong value, or DATA_DIR cannot be used.
    """
    import django
    from django.conf import settings

    try:
        _ = settings.INSTALLED_APPS
    except (ImproperlyConfigured, ValueError) as error:
        raise StartError(str(error)) from error
    django.setup()


def wanted_services() -> list[str]:
    """Return which embedded services the settings rely on."""
    from django.conf import settings

    place = embedded.places(settings.DATA_DIR)
    wanted = []
    if settings.DATABASES["default"].get("HOST") == str(place.sockets):
        wanted.append(embedded.POSTGRES)
    if settings.REDIS_URL.startswith(embedded.redis_url(settings.DATA_DIR)):
        wanted.append(embedded.VALKEY)
    return wanted


def check_port(host: str, port: int) -> None:
    """Check that the web server will be able to listen.

    Raises:
        StartError: the port is in use, or the host is not an address of this machine.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except PermissionError as error:
        raise StartError(f"Port {port} may only be used by root; choose another PORT.") from error
    except socket.gaierror as error:
        raise StartError(f"HOST has a wrong value: {host!r} is not an address.") from error
    except OSError as error:
        raise StartError(
            f"Port {port} on {host} cannot be used ({error.strerror}): stop what runs there, "
            f"or choose another one with PORT=…"
        ) from error


def check_disk(data_dir: Path) -> None:
    """Check that DATA_DIR can be written and its disk has room.

    Raises:
        StartError: it cannot, or it has not.
    """
    probe = data_dir / ".write_test"
    try:
        data_dir.mkdir(mode=0o711, parents=True, exist_ok=True)
        probe.write_bytes(b"x" * 4096)
        probe.unlink()
        free = shutil.disk_usage(data_dir).free
    except OSError as error:
        raise StartError(f"DATA_DIR {data_dir} cannot be written: {error.strerror}.") from error
    if free < LEAST_FREE:
        raise StartError(
            f"The disk of DATA_DIR {data_dir} is full: {free // 2**20} MB are free and at least "
            f"{LEAST_FREE // 2**20} MB are needed."
        )


def check_database() -> None:
    """Check that PostgreSQL answers and is new enough.

    Raises:
        StartError: it does not, or it is not.
    """
    options = connection.get_connection_params()
    options.setdefault("connect_timeout", 10)
    where = f"{options.get('host') or 'localhost'}:{options.get('port') or 5432}"
    try:
        connection.settings_dict["OPTIONS"].setdefault("connect_timeout", 10)
        connection.ensure_connection()
        version = int(connection.cursor().connection.info.server_version)
    except (OperationalError, psycopg.Error) as error:
        words = (str(error).strip().splitlines() or ["no reason given"])[0]
        reason = words.split("failed: ")[-1].split("FATAL: ")[-1].strip().rstrip(".")
        raise StartError(
            f"The PostgreSQL of DATABASE_URL ({where}) cannot be used: {reason}."
        ) from error
    if version < OLDEST_POSTGRES * 10_000:
        raise StartError(
            f"The PostgreSQL of DATABASE_URL ({where}) is version {version // 10_000}; "
            f"Warta needs {OLDEST_POSTGRES} or newer."
        )


def _wait_while_loading(client: redis.Redis) -> None:
    """Return when Redis answers; one that still reads its append-only file is asked again."""
    until = time.monotonic() + LOADING_SECONDS
    while True:
        try:
            client.ping()
        except redis.BusyLoadingError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return


def check_redis() -> None:
    """Check that Redis or Valkey answers, and warn where it may lose the journal.

    Raises:
        StartError: it does not answer.
    """
    from django.conf import settings

    try:
        with redis.from_url(settings.REDIS_URL, socket_connect_timeout=10) as client:
            _wait_while_loading(client)
            try:
                policy = dict(client.config_get("maxmemory-policy")).get("maxmemory-policy")
                persistent = dict(client.config_get("appendonly")).get("appendonly")
            except redis.ResponseError:  # managed services forbid CONFIG
                return
    except (redis.RedisError, ValueError) as error:
        reason = str(error).strip().rstrip(".")
        raise StartError(f"The Redis of REDIS_URL cannot be used: {reason}.") from error
    if policy != "noeviction":
        log.warning(
            "Redis may evict the journal of mail on the wire: set maxmemory-policy", is_=policy
        )
    if persistent != "yes":
        log.warning(
            "Redis forgets the journal of mail on the wire when it restarts: set appendonly"
        )
