"""A database that went back in time or is a copy is noticed; nothing else is."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from django.db import connection
from django.utils import timezone

from accounts.installation import hold, marks, signs, watch
from accounts.installation.marks import Outside
from accounts.installation.signs import Inside, Server, UnderWay
from accounts.mails import system_mail
from accounts.models import Installation, SystemMail

Because = Installation.Because
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
INSIDE: dict[str, Any] = {
    "cluster": "1",
    "home": "5/7",
    "timeline": 1,
    "pulse": 40,
    "pulse_at": NOW - timedelta(seconds=2),
}
SERVER: dict[str, Any] = {"cluster": "1", "home": "5/7", "timeline": 1, "now": NOW}


@pytest.mark.parametrize(
    ("what", "inside", "server", "outside", "expected"),
    [
        ("as it was", {}, {}, Outside(pulse=40), None),
        ("a mark that was written late", {}, {}, Outside(pulse=38), None),
        ("pg_restore on the same server", {}, {"home": "6/9"}, Outside(pulse=40), Because.RESTORED),
        ("pg_restore --clean", {}, {"home": "5/9"}, Outside(pulse=40), Because.RESTORED),
        ("loaded into another server", {}, {"cluster": "2"}, Outside(), Because.RESTORED),
        ("the server does not say who it is", {}, {"cluster": ""}, Outside(pulse=40), None),
        ("a snapshot in place", {"pulse": 12}, {}, Outside(pulse=40), Because.WENT_BACK),
        ("a copy on another host", {}, {}, Outside(), Because.UNKNOWN_HERE),
        ("Redis is away, and DATA_DIR new", {}, {}, Outside(is_complete=False), None),
        ("a copied folder", {}, {}, Outside(pulse=40, is_copied=True), Because.COPIED),
        ("a copied folder and no Redis", {}, {}, Outside(is_copied=True), Because.COPIED),
        ("a replica takes over", {}, {"timeline": 2}, Outside(pulse=40), Because.PROMOTED),
        (
            "a replica that has everything",
            {},
            {"timeline": 2, "is_synchronous": True},
            Outside(pulse=40),
            None,
        ),
        (
            "a replica that lacks the last seconds",
            {"pulse": 37},
            {"timeline": 2, "is_synchronous": True},
            Outside(pulse=40),
            Because.WENT_BACK,
        ),
        (
            "the machine was off for long",
            {"pulse_at": NOW - timedelta(hours=2)},
            {},
            Outside(pulse=40),
            Because.AWAY,
        ),
        ("off for a while", {"pulse_at": NOW - timedelta(minutes=50)}, {}, Outside(pulse=40), None),
    ],
)
def test_every_way_a_database_can_come_here(
    what: str, inside: Any, server: Any, outside: Outside, expected: Because | None
) -> None:
    found = signs.judge(
        Inside(**INSIDE | inside),
        Server(**SERVER | server),
        outside,
        lambda: UnderWay(now=True, at_all=True),
    )
    assert found == expected, what


@pytest.mark.parametrize(
    ("inside", "server", "outside"),
    [
        ({}, {}, Outside(pulse=40, is_copied=True)),
        ({}, {"timeline": 2}, Outside(pulse=40)),
        ({"pulse_at": NOW - timedelta(days=9)}, {}, Outside(pulse=40)),
    ],
)
def test_where_nothing_would_be_sent_a_move_a_failover_or_a_holiday_asks_nothing(
    inside: Any, server: Any, outside: Outside
) -> None:
    quiet = UnderWay(now=False, at_all=False)
    here, there = Inside(**INSIDE | inside), Server(**SERVER | server)
    assert signs.judge(here, there, outside, lambda: quiet) is None


def row() -> Installation:
    return Installation.objects.get()


def a_second_later() -> None:
    Installation.objects.update(pulse_at=timezone.now() - timedelta(seconds=5))  # due again
    watch.forget()


@pytest.fixture
def settled(db: None) -> Installation:
    """A database that has worked here for a while."""
    assert watch.may_send()
    a_second_later()
    assert watch.may_send()
    return row()


def test_the_pulse_goes_up_and_its_marks_follow(
    settled: Installation, redis_client: redis.Redis
) -> None:
    assert settled.pulse == 1
    assert redis_client.get(f"warta:installation:{settled.key}") == b"1"
    assert marks.read(settled.key).pulse == 1


def test_an_emptied_redis_alone_holds_nothing(
    settled: Installation, redis_client: redis.Redis
) -> None:
    redis_client.flushdb()
    a_second_later()
    assert watch.may_send()
    assert redis_client.get(f"warta:installation:{settled.key}") == b"2"  # and it is known again


def test_a_lost_folder_alone_holds_nothing(settled: Installation, settings: Any) -> None:
    for mark in Path(settings.MARKS_DIR).iterdir():
        mark.unlink()
    a_second_later()
    assert watch.may_send()
    assert marks.read(settled.key).pulse == 2


def test_an_emptied_redis_does_not_let_go_what_is_held(
    settled: Installation, redis_client: redis.Redis
) -> None:
    hold.begin(Because.RESTORED)
    redis_client.flushdb()
    watch.forget()
    assert not watch.may_send()


def test_who_is_known_nowhere_is_held(
    settled: Installation, redis_client: redis.Redis, settings: Any
) -> None:
    redis_client.flushdb()
    for mark in Path(settings.MARKS_DIR).iterdir():
        mark.unlink()
    watch.forget()
    assert watch.look() is Because.UNKNOWN_HERE


def test_a_database_behind_its_marks_is_held(settled: Installation) -> None:
    Installation.objects.update(pulse=0)
    assert watch.look() is Because.WENT_BACK
    assert row().held_because == Because.WENT_BACK


def test_it_is_noticed_by_the_file_when_redis_was_emptied_too(
    settled: Installation, redis_client: redis.Redis
) -> None:
    Installation.objects.update(pulse=0)
    redis_client.flushdb()
    assert watch.look() is Because.WENT_BACK


def test_a_dump_that_is_restored_has_another_table(settled: Installation) -> None:
    """What pg_restore does, with marks that fit: the same rows in a table of another number."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("CREATE TABLE copy (LIKE accounts_installation INCLUDING ALL)")
        cursor.execute("INSERT INTO copy SELECT * FROM accounts_installation")
        cursor.execute("DROP TABLE accounts_installation CASCADE")
        cursor.execute("ALTER TABLE copy RENAME TO accounts_installation")
    assert watch.look() is Because.RESTORED


def test_a_folder_that_was_copied_vouches_for_nothing(
    settled: Installation, settings: Any, tmp_path: Path
) -> None:
    shutil.copytree(settings.MARKS_DIR, tmp_path / "copy")
    settings.MARKS_DIR, settings.DATABASE_IS_EMBEDDED = tmp_path / "copy", False
    assert not marks.read(settled.key).is_copied  # the database is elsewhere
    settings.DATABASE_IS_EMBEDDED = True
    assert marks.read(settled.key).is_copied


def test_going_on_makes_it_another_installation(settled: Installation) -> None:
    Installation.objects.update(pulse=0)
    watch.look()
    assert watch.let_go()
    assert row().key != settled.key
    assert row().pulse == 2  # beyond all that was seen
    assert watch.may_send()
    # What goes on beside with the old key finds that this is not its database.
    assert marks.read(settled.key).other == row().key


def test_a_hold_that_somebody_asked_for_does_not_hide_a_restore(settled: Installation) -> None:
    hold.begin(Because.ASKED)
    waiting = system_mail.put("greeting")
    Installation.objects.update(pulse=0)
    assert watch.look() is Because.WENT_BACK
    waiting.refresh_from_db()
    assert waiting.state == SystemMail.State.KEPT


def test_an_old_dump_without_the_row_is_held_where_another_worked(
    settled: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    Installation.objects.all().delete()
    monkeypatch.setattr(watch, "_has_history", [lambda: True])
    assert watch.look() is Because.RESTORED


def test_workers_write_nothing_into_a_table_that_is_being_loaded(settled: Installation) -> None:
    Installation.objects.all().delete()
    watch.forget()
    assert not watch.may_send()
    assert not Installation.objects.exists()


def test_mail_that_waited_is_kept_and_mail_of_today_goes(settled: Installation) -> None:
    system_mail.register("greeting", lambda: None)
    before = system_mail.put("greeting")
    hold.begin(Because.RESTORED)
    today = system_mail.put("greeting")
    of_many = system_mail.put("greeting", may_wait=True)
    asked_before = system_mail.put("greeting", asked_at=timezone.now() - timedelta(hours=1))
    asked_since = system_mail.put("greeting", asked_at=timezone.now())
    while system_mail.send_next():
        pass
    states = {mail.pk: mail.state for mail in SystemMail.objects.all()}
    assert states == {
        before.pk: "kept",
        today.pk: "dropped",
        of_many.pk: "kept",
        asked_before.pk: "kept",
        asked_since.pk: "dropped",
    }
    assert hold.kept() == {(None, "greeting"): 3}
    assert hold.settle_mails(None, send=True) == 3
    while system_mail.send_next():
        pass
    assert not SystemMail.objects.filter(state="kept").exists()


def test_system_mail_stays_before_anybody_has_noticed(settled: Installation) -> None:
    system_mail.register("greeting", lambda: None)
    system_mail.put("greeting")
    assert watch.may_send()  # looked a moment ago
    Installation.objects.update(home="1/1")
    assert not system_mail.send_next()
