"""A lost or changed SECRET_KEY is noticed; one that was rotated is not complained about."""

from typing import Any

import pytest
from django.core.management import call_command

from accounts.installation import key_check, watch
from accounts.installation.key_check import KeyState
from config.run import say_what_is_held
from delivery.health import doctor
from delivery.mime import tokens

OLD = "an-old-key-8Vq2mZx9Lr4Tn8Kd3Wp6Yb1Hc5Js0Gf"


@pytest.fixture
def used_with_old(db: None, settings: Any) -> str:
    new = str(settings.SECRET_KEY)
    settings.SECRET_KEY = OLD
    watch.look()
    assert key_check.look() is KeyState.SAME
    settings.SECRET_KEY = new
    return new


class Sayings:
    """What a start says."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, words: str, *, level: str = "info") -> None:
        """Take one line."""
        self.said.append(f"{level}: {words}")


def test_it_is_noticed_at_start_by_doctor_and_by_the_command(
    used_with_old: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert key_check.look() is KeyState.CHANGED
    sayings = Sayings()
    say_what_is_held(sayings)
    assert "SECRET_KEY is another" in sayings.said[0]
    assert [found.subject for found in doctor._held()] == ["SECRET_KEY"]
    with pytest.raises(SystemExit):
        call_command("secret_key")
    assert "SECRET_KEY_FALLBACKS" in capsys.readouterr().out
    call_command("secret_key", "--accept")
    assert key_check.look() is KeyState.SAME


def test_after_a_rotation_links_that_were_sent_go_on_working(
    used_with_old: str, settings: Any
) -> None:
    settings.SECRET_KEY = OLD
    sent = tokens.make(12, tokens.Purpose.UNSUBSCRIBE)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = used_with_old, [OLD]
    assert key_check.look() is KeyState.ROTATED
    assert tokens.read(sent, tokens.Purpose.UNSUBSCRIBE) == 12
    assert list(doctor._held()) == []
