"""What every test may ask for: running services, the cast, signed-in clients."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import redis
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone, translation

from accounts.installation import watch
from config.runtime import embedded

if TYPE_CHECKING:
    from accounts.models import User, Workspace
    from tests.people import Cast

_clients: list[redis.Redis] = []


@pytest.fixture(scope="session")
def running_services() -> Iterator[redis.Redis]:
    """PostgreSQL and Valkey, embedded unless DATABASE_URL and REDIS_URL name others."""
    data_dir = Path(settings.DATA_DIR)
    database_here = settings.DATABASES["default"]["HOST"] == str(embedded.places(data_dir).sockets)
    redis_here = settings.REDIS_URL.startswith(embedded.redis_url(data_dir))
    wanted = [embedded.POSTGRES] * database_here + [embedded.VALKEY] * redis_here
    with embedded.services(data_dir, wanted=wanted, durable=False):
        client = redis.from_url(settings.REDIS_URL)
        _clients.append(client)
        yield client
        _clients.clear()
        client.close()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, running_services: redis.Redis
) -> None:
    """Have PostgreSQL up before pytest-django makes the test database."""


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """End what processes that tests have killed still hold open, before the database goes."""
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.fixture(autouse=True)
def _empty_redis() -> None:
    for client in _clients:
        client.flushdb()


@pytest.fixture(autouse=True)
def _unknown_database() -> None:
    """Let no test find another's database in its place: each has been here before nobody."""
    for mark in Path(settings.MARKS_DIR).iterdir():
        mark.unlink()
    watch.forget()


@pytest.fixture(autouse=True)
def _own_clock() -> Iterator[None]:
    """Leave no reader's time zone to the next test; a web thread gets a new one by each request."""
    yield
    timezone.deactivate()


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    """Requests of a test client leave the language they were answered in to the test after them."""
    with translation.override(settings.LANGUAGE_CODE):
        yield


@pytest.fixture
def redis_client(running_services: redis.Redis) -> redis.Redis:
    """A client of this test's own, empty Redis database; answers in bytes."""
    return running_services


@pytest.fixture
def cast(db: None) -> "Cast":
    """Everybody of `tests.people`."""
    from tests import people

    return people.make_cast()


@pytest.fixture
def workspace(cast: "Cast") -> "Workspace":
    """The workspace "Kopi Senja"."""
    return cast.workspace


@pytest.fixture
def other_workspace(cast: "Cast") -> "Workspace":
    """The outsider's workspace."""
    return cast.other_workspace


@pytest.fixture
def owner(cast: "Cast") -> "User":
    return cast.owner


@pytest.fixture
def admin(cast: "Cast") -> "User":
    return cast.admin


@pytest.fixture
def editor(cast: "Cast") -> "User":
    return cast.editor


@pytest.fixture
def analyst(cast: "Cast") -> "User":
    return cast.analyst


@pytest.fixture
def outsider(cast: "Cast") -> "User":
    return cast.outsider


@pytest.fixture
def signed_in() -> Callable[["User"], Client]:
    """Return a function that makes a client in which a user has signed in."""
    from tests.browsing import MemberClient

    def sign_in(user: "User") -> Client:
        client = MemberClient()
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def owner_client(owner: "User", signed_in: Callable[["User"], Client]) -> Client:
    return signed_in(owner)


@pytest.fixture
def admin_client(admin: "User", signed_in: Callable[["User"], Client]) -> Client:
    """The workspace's admin (not pytest-django's superuser)."""
    return signed_in(admin)


@pytest.fixture
def editor_client(editor: "User", signed_in: Callable[["User"], Client]) -> Client:
    return signed_in(editor)


@pytest.fixture
def analyst_client(analyst: "User", signed_in: Callable[["User"], Client]) -> Client:
    return signed_in(analyst)


@pytest.fixture
def outsider_client(outsider: "User", signed_in: Callable[["User"], Client]) -> Client:
    return signed_in(outsider)
