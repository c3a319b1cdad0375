"""How servers' answers are kept: one row for each shape, however many ids they hold."""

import secrets
import uuid
from collections.abc import Callable

import pytest

from delivery.models import ServerReply, UserAgent
from delivery.pipeline import replies
from delivery.tracking import ingest
from delivery.transports.protocol import Outcome, Verdict


def answer(number: int, text: str, code: int = 550, enhanced: str = "5.1.1") -> Outcome:
    return Outcome(
        message_id=number, verdict=Verdict.FAILED, code=code, enhanced=enhanced, text=text
    )


UNIQUE: list[Callable[[int], str]] = [
    lambda n: f"gsmtp {secrets.token_hex(8)}-{secrets.token_hex(6)}si{n}.112 - gsmtp",
    lambda n: f"<reader{n}@example.org>: user unknown (queue {secrets.token_hex(5).upper()}{n})",
    lambda n: f"blocked, reference {uuid.uuid5(uuid.NAMESPACE_DNS, str(n))}",
    lambda n: f"try later, it is Mon, {n % 28 + 1} Nov 2026 08:{n % 60:02}:11 +0000",
    lambda n: f"rejected at 2026-11-30T08:{n % 60:02}:{n % 60:02}Z id=1tGx{n}-0007aB-Cd",
    lambda n: f"ticket [{10_000_000 + n}] for reader{n}@example.org",
    lambda n: f"see https://postmaster.example.com/help?id={secrets.token_hex(12)}{n}",
    lambda n: f"token {secrets.token_urlsafe(24)}{n}",
    lambda n: f"message-id <{secrets.token_hex(10)}@mta{n}.example.net> refused",
]


@pytest.mark.django_db
@pytest.mark.parametrize("words", UNIQUE)
def test_answers_that_differ_by_ids_alone_are_one_row(words):
    stored = replies.store(answer(number, words(number)) for number in range(300))
    assert len(stored) == 300
    assert len(set(stored.values())) == 1
    assert ServerReply.objects.count() == 1
    kept = ServerReply.objects.get().text
    assert "@example" not in kept.replace("<…>", "")
    assert len(kept) > 10  # the words of the first, as an example


@pytest.mark.django_db
def test_what_says_something_else_is_another_row():
    texts = [
        "user unknown",
        "mailbox full",
        "blocked by 10.0.0.1",
        "blocked by 10.0.0.2",
        "quota of 100 exceeded",
        "quota of 200 exceeded",
    ]
    stored = replies.store(answer(number, text) for number, text in enumerate(texts, 1))
    assert len(set(stored.values())) == len(texts)


@pytest.mark.django_db
def test_our_own_words_are_kept_as_they_are():
    stored = replies.store(
        Outcome(message_id=n, verdict=Verdict.NOT_SENT, text=f"There is no field order_{n}.")
        for n in (1, 2)
    )
    assert len(set(stored.values())) == 2


@pytest.mark.django_db
def test_a_server_that_says_something_new_each_time_fills_no_table(monkeypatch):
    monkeypatch.setattr(replies, "MOST", 5)
    known = replies.store([answer(1, "user unknown")])
    words = [
        "alpha",
        "beta",
        "gamma",
        "delta",
        "epsilon",
        "zeta",
        "eta",
        "theta",
        "iota",
        "kappa",
        "lambda",
        "mu",
    ]
    for number, word in enumerate(words, 2):
        assert replies.store([answer(number, f"{word} says no"), answer(1, "user unknown")])
    assert ServerReply.objects.count() <= 6
    assert replies.store([answer(1, "user unknown")]) == known
    bare = replies.store([answer(99, "nothing that was ever said")])
    assert str(ServerReply.objects.get(pk=bare[99])) == "550 5.1.1"


@pytest.mark.django_db
def test_programs_that_name_themselves_anew_each_time_fill_no_table(monkeypatch):
    monkeypatch.setattr(ingest, "MOST_AGENTS", 10)
    assert len(ingest.user_agents(f"Agent {n}" for n in range(8))) == 8
    assert ingest.user_agents(f"Fresh {n}" for n in range(8)) == {}
    assert len(ingest.user_agents(["Agent 1", "One more"])) == 2
    assert UserAgent.objects.count() == 9
