"""What answers while Redis, the broker or the database does not; `tests.faults` walks the pages."""

import json

import psycopg
import pytest
import redis
from django.conf import settings
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.utils import translation
from kombu import Connection

import config.celery  # noqa: F401 - tasks go into its queues
from accounts.background import waking
from accounts.tasks import send_system_mail
from config import errors
from config.forgiving_cache import ForgivingCache
from config.postgresql.base import connect

NOBODY = "redis://127.0.0.1:1/0"


@pytest.fixture
def away() -> ForgivingCache:
    return ForgivingCache(NOBODY, {})


def test_a_cache_that_is_away_does_not_know(away: ForgivingCache) -> None:
    away.set("one", 1)
    assert away.set_many({"one": 1, "two": 2}) == ["one", "two"]
    assert away.get("one") is None
    assert away.get("one", "unknown") == "unknown"
    assert away.get_many(["one", "two"]) == {}
    assert away.delete("one") is False
    assert "one" not in away


@pytest.mark.parametrize("count", [lambda cache: cache.add("a", 1), lambda cache: cache.incr("a")])
def test_what_is_counted_is_not_guessed(away: ForgivingCache, count) -> None:
    away.get("a")
    with pytest.raises(redis.RedisError):
        count(away)


def test_a_cache_that_is_full_remembers_nothing_and_reads_on(redis_client: redis.Redis) -> None:
    cache = ForgivingCache(settings.REDIS_URL, {})
    cache.set("before", "kept")
    redis_client.config_set("maxmemory", "1")
    try:
        cache.set("after", "lost")
    finally:
        redis_client.config_set("maxmemory", "0")
    fresh = ForgivingCache(settings.REDIS_URL, {})
    assert (fresh.get("before"), fresh.get("after")) == ("kept", None)


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = {"max_retries": 1, "interval_start": 0, "interval_step": 0}
    monkeypatch.setattr(
        waking, "_broker", lambda _process: Connection(NOBODY, transport_options=quick)
    )


@pytest.mark.usefixtures("broker")
def test_an_act_is_done_though_nobody_hears_of_it(transactional_db: None) -> None:
    waking.wake(send_system_mail)


def test_who_is_woken_hears_of_it(transactional_db: None, redis_client: redis.Redis) -> None:
    waking.wake(send_system_mail)
    assert redis_client.llen("mail") == 1


def test_a_statement_that_is_never_answered_is_given_up(db: None) -> None:
    values = connection.get_connection_params()
    names = ("dbname", "user", "host", "port", "password")
    given = {name: values[name] for name in names if name in values}
    with connect(patience=1.0, **given) as patient:
        assert patient.execute("SELECT 1").fetchone() == (1,)
        with pytest.raises(psycopg.OperationalError, match="did not answer in time"):
            patient.execute("SELECT pg_sleep(600)")
        assert patient.closed


def handled(error: Exception, request: HttpRequest) -> HttpResponse:
    """Answer as Django has it answered while it handles an error."""

    def fail() -> None:
        raise error

    try:
        fail()
    except type(error):
        return errors.server_error(request)
    raise AssertionError


@pytest.mark.parametrize(("language", "said"), [("en", "not answering"), ("id", "tidak menjawab")])
def test_a_page_that_needs_what_is_away_says_so(
    rf: RequestFactory, language: str, said: str
) -> None:
    for error in (OperationalError(), redis.ConnectionError(), redis.TimeoutError()):
        with translation.override(language):
            answer = handled(error, rf.get("/campaigns/"))
        assert (answer.status_code, answer["Retry-After"]) == (503, "5")
        assert said in answer.content.decode()


def test_a_program_is_told_so_too(rf: RequestFactory) -> None:
    answer = handled(OperationalError(), rf.get("/api/v1/lists"))
    assert answer.status_code == 503
    assert "Try again" in json.loads(answer.content)["detail"]


def test_what_is_broken_stays_a_fault(rf: RequestFactory) -> None:
    assert handled(ValueError(), rf.get("/campaigns/")).status_code == 500
