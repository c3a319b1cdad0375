"""One bad member of a batch is left out and noted; the others go on."""

from collections.abc import Sequence
from typing import Any

import pytest
from django.db import DataError, OperationalError, connection
from django.utils import timezone

from accounts.background import set_aside
from accounts.models import SetAside


def insert(numbers: Any) -> None:
    """Write what PostgreSQL takes as addresses of networks."""
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO seen (ip) VALUES (%s::inet)", [[one] for one in numbers])


@pytest.fixture
def seen(db: None) -> Any:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE seen (ip inet) ON COMMIT DROP")

    def stored() -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT host(ip) FROM seen ORDER BY ip")
            return [row[0] for row in cursor.fetchall()]

    return stored


@pytest.mark.parametrize("bad", [[0], [6], [3], [0, 1, 5], list(range(7))])
def test_a_batch_goes_on_without_its_bad_members(seen: Any, bad: list[int]) -> None:
    batch = ["fe80::1%eth0" if n in bad else f"10.0.0.{n}" for n in range(7)]
    done = set_aside.together("hits", batch, insert, name="a hit".format)
    assert done == 7 - len(bad)
    assert seen() == [f"10.0.0.{n}" for n in range(7) if n not in bad]
    (noted,) = SetAside.objects.all()
    assert (noted.kind, noted.subject, noted.count) == ("hits", "a hit", len(bad))
    assert noted.reason == "DataError: invalid input syntax for type inet: …"


def test_one_by_one(db: None) -> None:
    done: list[int] = []

    def work(number: int) -> None:
        if number == 2:
            raise DataError("no")
        done.append(number)

    assert set_aside.each("workspaces", [1, 2, 3], work, name="workspace {}".format) == 2
    assert done == [1, 3]
    assert SetAside.objects.get().subject == "workspace 2"


def test_what_is_away_is_nobodys_fault(db: None) -> None:
    def away(_items: Any) -> None:
        raise OperationalError("the database is away")

    for run in (set_aside.each, set_aside.together):
        with pytest.raises(OperationalError):
            run("hits", [1, 2], away)
    assert not SetAside.objects.exists()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('invalid input for "Budi"\nDETAIL: Key (email)=(a@x.example)', "invalid input for …"),
        ("budi@example.org is no good", "… is no good"),
        ("from 10.1.2.3 or fe80::1ff", "from … or …"),
        ('duplicate key violates unique constraint "message_unique"', None),
        ("a \x00 byte", "a byte"),
        ("'Budi' and “Ana”", "… and …"),
    ],
)
def test_nothing_of_people_is_noted(text: str, kept: str | None) -> None:
    assert set_aside.without_values(text) == (text if kept is None else kept)


def test_what_never_happened_again_is_forgotten(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        set_aside.put("hits", subject=f"message {number}", error="bad")
    long_ago = timezone.now() - set_aside.KEPT * 2
    SetAside.objects.filter(subject="message 0").update(last_at=long_ago)
    monkeypatch.setattr(set_aside, "MOST", 3)
    assert set_aside.forget_old() == 2
    assert SetAside.objects.count() == 3


def test_a_row_that_no_index_can_hold_is_at_fault_itself(db: None) -> None:
    """Psycopg counts it among what is away for a moment."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE words (word text) ON COMMIT DROP")
        cursor.execute("CREATE INDEX ON words (word)")
    long = "".join(chr(0x4E00 + (number * 7_919) % 20_000) for number in range(5_000))

    def insert(words: Sequence[str]) -> None:
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO words VALUES (%s)", [[word] for word in words])

    done = set_aside.together("words", ["a", long, "b"], insert, name=lambda word: word[:1])
    assert done == 2
    assert SetAside.objects.get().kind == "words"


def test_what_cannot_be_made_has_something_in_its_place(db: None) -> None:
    def make(numbers: Sequence[int]) -> str:
        return ",".join(str(12 // number) for number in numbers) + ";"

    made = set_aside.making("lines", [1, 2, 0, 3, 0], make, instead=lambda number: f"({number});")
    assert "".join(made) == "12,6;(0);4;(0);"
    assert SetAside.objects.get().count == 2
    assert list(set_aside.making("lines", [1, 2], make, instead=str)) == ["12,6;"]
