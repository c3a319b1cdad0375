"""Mails that come back in free words, in the forms of programs and the languages of people."""

import tomllib
from pathlib import Path

import pytest

from delivery.bounces.reading import read
from delivery.states import Effect
from tests.delivery.bounces.examples import mail

MAILS = tomllib.loads((Path(__file__).parent / "free_words.toml").read_text())["mail"]


@pytest.mark.parametrize("told", MAILS, ids=[told["name"] for told in MAILS])
def test_a_mail_in_free_words_is_understood(told):
    reading = read(
        mail(
            told["text"].lstrip("\n"),
            sender=told["from"],
            subject=told["subject"],
            headers=told.get("headers", ""),
            charset=told.get("charset", "utf-8"),
        )
    )
    assert reading.kind.name == told["kind"]
    if "recipients" in told:
        assert [report.recipient for report in reading.reports] == told["recipients"]
    effects = [report.effect.name for report in reading.reports]
    if "effect" in told:
        assert effects
        assert set(effects) == {told["effect"]}
    assert effects == told.get("effects", effects)
    assert reading.header_id == told.get("header_id", reading.header_id)


def test_nobody_is_called_bad_for_an_answer_or_a_delay():
    for told in MAILS:
        if told["kind"] != "BOUNCE":
            assert told.get("effect") != Effect.ADDRESS_INVALID.name
