"""Health answers say what is wrong, to machines."""

from typing import Any

import pytest
import redis
from django.db import connection
from django.test import Client

from config import health


def test_live_asks_neither_database_nor_redis(client: Client) -> None:
    response = client.get("/health/live")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert "no-store" in response.headers["Cache-Control"]


def test_live_reads_no_session(client: Client, django_assert_num_queries: Any, owner: Any) -> None:
    client.force_login(owner)
    assert client.cookies
    with django_assert_num_queries(0):
        response = client.get("/health/live")
    assert response.json() == {"status": "ok"}
    assert not response.cookies


def test_ready_when_everything_is_there(client: Client, db: None, redis_client: object) -> None:
    response = client.get("/health/ready")
    assert (response.status_code, response.json()) == (
        200,
        {"status": "ok", "database": "ok", "redis": "ok", "migrations": "ok"},
    )


def test_not_ready_without_redis(client: Client, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = redis.from_url("redis://127.0.0.1:1/0")
    monkeypatch.setattr(health, "_client", lambda: nobody)
    response = client.get("/health/ready")
    assert response.status_code == 503
    assert response.json()["redis"] == "unreachable"
    assert response.json()["status"] == "unavailable"


def test_not_ready_while_a_migration_is_missing(
    client: Client, db: None, redis_client: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_migrated", [])
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'reports'")
    response = client.get("/health/ready")
    assert (response.status_code, response.json()["migrations"]) == (503, "pending")


def test_changing_methods_are_refused(client: Client) -> None:
    assert client.post("/health/live").status_code == 405
