"""One draft never keeps all rendering processes, nor all threads of the web server."""

import threading
from contextlib import ExitStack

import pytest

from campaigns.rendering.turns import NoTurnError, Turns

LONG = {"seconds": 60, "crowded_seconds": 60}
AT_ONCE = {"seconds": 60, "crowded_seconds": 0}


class Waiting(threading.Thread):
    """Somebody who waits for a turn in a thread of their own."""

    def __init__(self, turns, owner):
        super().__init__(daemon=True)
        self.turns, self.owner = turns, owner
        self.has_turn, self.done, self.was_sent_away = (threading.Event() for _ in range(3))
        held = turns._held
        self.start()
        while turns._held == held and not self.was_sent_away.is_set():
            pass

    def run(self):
        """Wait for a turn, and keep it until `done`."""
        try:
            with self.turns.take(self.owner, **LONG):
                self.has_turn.set()
                self.done.wait(60)
        except NoTurnError:
            self.was_sent_away.set()


def test_an_owner_has_one_turn_at_a_time():
    turns = Turns(at_once=2)
    first = Waiting(turns, "a")
    assert first.has_turn.wait(60)
    second = Waiting(turns, "a")
    other = Waiting(turns, "b")
    assert other.has_turn.wait(60)
    assert not second.has_turn.is_set()
    other.done.set()
    other.join()
    assert not second.has_turn.is_set()
    first.done.set()
    assert second.has_turn.wait(60)
    second.done.set()


def test_nobody_waits_longer_than_said():
    turns = Turns(at_once=1)
    with (
        turns.take("a", **LONG),
        pytest.raises(NoTurnError),
        turns.take("b", seconds=0, crowded_seconds=0),
    ):
        pass
    with turns.take("b", **AT_ONCE):
        pass


def test_a_thread_stays_free_for_other_pages():
    turns = Turns(at_once=2, most=2)
    with ExitStack() as held:
        held.enter_context(turns.take("a", **LONG))
        held.enter_context(turns.take("b", **LONG))
        with pytest.raises(NoTurnError), turns.take("c", **AT_ONCE):
            pass


def test_who_has_nothing_under_way_takes_the_place_of_a_second_draft():
    turns = Turns(at_once=2, most=2)
    first = Waiting(turns, "a")
    assert first.has_turn.wait(60)
    second = Waiting(turns, "a")
    with turns.take("b", **AT_ONCE):
        assert second.was_sent_away.wait(60)
    first.done.set()
