"""Health for load balancers and monitors: is the process alive, and can it do its work?"""

from collections.abc import Callable
from functools import cache

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

OK = "ok"


@require_safe
@never_cache
def live(_request: HttpRequest) -> JsonResponse:
    """Answer that the web process runs; asks nothing else, so it is cheap."""
    return JsonResponse({"status": OK})


@require_safe
@never_cache
def ready(_request: HttpRequest) -> JsonResponse:
    """Answer whether database, Redis and schema are fit for work: 200, or 503 with the reason."""
    found = {name: check() for name, check in CHECKS.items()}
    well = all(word == OK for word in found.values())
    return JsonResponse(
        {"status": OK if well else "unavailable", **found}, status=200 if well else 503
    )


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "unreachable"
    return OK


def _redis() -> str:
    try:
        _client().ping()
    except redis.RedisError:
        return "unreachable"
    return OK


@cache
def _client() -> redis.Redis:
    return redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)


_migrated: list[bool] = []


def _migrations() -> str:
    # Once migrated, this process's code stays migrated: the graph is read only until then.
    if _migrated:
        return OK
    try:
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return "unknown"
    if pending:
        return "pending"
    _migrated.append(True)
    return OK


CHECKS: dict[str, Callable[[], str]] = {
    "database": _database,
    "redis": _redis,
    "migrations": _migrations,
}
