"""Values are written in the reader's language and time zone."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.utils import timezone, translation

from config.pages import display

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _in_jakarta() -> Iterator[None]:
    with timezone.override(ZoneInfo("Asia/Jakarta")), time_machine.travel(NOW, tick=False):
        yield


def test_numbers_are_grouped_the_readers_way() -> None:
    assert display.number(12402) == "12,402"
    assert display.number(None) == "–"
    assert display.number(1234.56, 1) == "1,234.6"
    with translation.override("id"):
        assert display.number(12402) == "12.402"
        assert display.percent(0.386) == "38,6\N{NO-BREAK SPACE}%"


def test_changes_carry_their_sign() -> None:
    assert display.signed(412) == "+412"
    assert display.signed(-1.4, 1) == "\N{MINUS SIGN}1.4"
    assert display.signed(0) == "0"


def test_a_share_is_never_rounded_to_nothing_or_everything() -> None:
    assert display.share(1, 12402) == "<\N{NO-BREAK SPACE}0.1\N{NO-BREAK SPACE}%"
    assert display.share(12401, 12402) == ">\N{NO-BREAK SPACE}99.9\N{NO-BREAK SPACE}%"
    assert display.share(0, 12402) == "0.0\N{NO-BREAK SPACE}%"
    assert display.share(12402, 12402) == "100.0\N{NO-BREAK SPACE}%"
    assert display.share(3, 0) == "–"


@pytest.mark.parametrize(
    ("distance", "written"),
    [
        (timedelta(), "today 10:00"),
        (timedelta(days=1), "tomorrow 10:00"),
        (timedelta(days=-1), "yesterday 10:00"),
        (timedelta(days=3), "26 Nov 10:00"),
        (timedelta(days=-400), "19 Oct 2025 10:00"),
    ],
)
def test_moments_are_told_from_today(distance: timedelta, written: str) -> None:
    assert display.moment(NOW + distance) == written


def test_days_name_the_year_only_when_it_is_another() -> None:
    assert display.day(date(2026, 11, 14)) == "14 Nov"
    assert display.day(date(2025, 11, 14)) == "14 Nov 2025"


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (12, "12 s"),
        (250, "4 min"),
        (3599.9, "1 h"),
        (7200, "2 h"),
        (7800, "2 h 10 min"),
        (86400, "1 day"),
        (260_000, "3 days"),
    ],
)
def test_durations_use_their_largest_unit(seconds: float, written: str) -> None:
    assert display.duration(seconds) == written


def test_how_long_ago() -> None:
    assert display.ago(NOW - timedelta(seconds=5)) == "just now"
    assert display.ago(NOW - timedelta(minutes=4)) == "4 min ago"
    assert display.ago(NOW + timedelta(hours=2)) == "in 2 h"
    assert display.ago(NOW - timedelta(days=40)) == "14 Oct"


def test_a_time_tag_says_it_in_full_too() -> None:
    assert display.time_tag(NOW, "clock") == (
        '<time datetime="2026-11-23T03:00:00+00:00" title="23 November 2026, 10:00 (Asia/Jakarta)">'
        "10:00</time>"
    )


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Ayu Sari", "AS"), ("dewi.anggraini@gmail.example", "DA"), ("Budi", "B"), ("", "?")],
)
def test_initials(name: str, letters: str) -> None:
    assert display.initials(name) == letters


def test_line_breaks_are_kept_and_markup_is_not() -> None:
    assert display.lines("a<b>\nc") == "a&lt;b&gt;<br>c"
