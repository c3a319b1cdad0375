"""The journal: who may still hand over, and what a dead worker's entries mean."""

from collections.abc import Iterator

import pytest
import redis

from delivery.pipeline import journal
from delivery.transports.protocol import JournalClosedError, Outcome, Verdict


@pytest.fixture
def line(redis_client: redis.Redis) -> Iterator[journal.JournalConnection]:
    line = journal.JournalConnection()
    yield line
    line.close()


def open_journal(line: journal.JournalConnection) -> tuple[str, journal.Journal]:
    token = line.open()
    return token, line.use(token, version=3)


def accepted(message: int) -> Outcome:
    return Outcome(message_id=message, verdict=Verdict.SENT, code=250, provider_id="queue|1")


def test_an_answered_message_is_found_with_its_answer(line: journal.JournalConnection) -> None:
    token, notes = open_journal(line)
    notes.announce(7)
    notes.confirm(7)
    refused = Outcome(
        message_id=7, verdict=Verdict.FAILED, code=550, enhanced="5.1.1", text="a = b | c\nd"
    )
    notes.settle(refused)
    notes.flush()
    found = journal.take_over(token, written_in=line.epoch)
    assert found == journal.JournalFindings(answers={7: refused}, version=3)


def test_a_final_dot_without_answer_is_in_doubt(line: journal.JournalConnection) -> None:
    token, notes = open_journal(line)
    notes.announce(7)
    notes.confirm(7)
    assert journal.take_over(token, written_in=line.epoch) == journal.JournalFindings(
        doubtful=frozenset({7}), version=3
    )


def test_of_two_mails_on_a_connection_only_the_first_is_in_doubt(
    line: journal.JournalConnection,
) -> None:
    token, notes = open_journal(line)
    notes.announce(7)
    notes.announce(8, after=7)
    notes.confirm(8)
    found = journal.take_over(token, written_in=line.epoch)
    assert found is not None
    assert found.doubtful == {7}


def test_the_second_is_in_doubt_once_the_first_is_answered(line: journal.JournalConnection) -> None:
    token, notes = open_journal(line)
    notes.announce(7)
    notes.announce(8, after=7)
    notes.settle(accepted(7))
    notes.confirm(8)
    found = journal.take_over(token, written_in=line.epoch)
    assert found is not None
    assert (set(found.answers), set(found.doubtful)) == ({7}, {8})
    assert found.answers[7].provider_id == "queue 1"


def test_the_last_announcement_counts(line: journal.JournalConnection) -> None:
    token, notes = open_journal(line)
    notes.announce(7)
    notes.announce(8, after=7)
    notes.announce(8)  # moved to another connection
    notes.confirm(8)
    found = journal.take_over(token, written_in=line.epoch)
    assert found is not None
    assert found.doubtful == {7, 8}


def test_nothing_is_handed_over_after_a_takeover(line: journal.JournalConnection) -> None:
    token, notes = open_journal(line)
    notes.announce(7)
    notes.confirm(7)
    assert journal.take_over(token, written_in=line.epoch) is not None
    notes.announce(8)
    with pytest.raises(JournalClosedError):
        notes.confirm(8)
    with pytest.raises(JournalClosedError):  # and it stays closed
        notes.confirm(8)
    found = journal.take_over(token, written_in=line.epoch)  # a sweeper that died reads it again
    assert found is not None
    assert found.doubtful == {7}


def test_a_flushed_redis_closes_the_journal(
    line: journal.JournalConnection, redis_client: redis.Redis
) -> None:
    token, notes = open_journal(line)
    redis_client.flushdb()
    notes.announce(7)
    with pytest.raises(JournalClosedError):
        notes.confirm(7)
    assert journal.take_over(token, written_in=line.epoch) is None


def test_a_restarted_redis_without_append_only_file_has_lost_it(
    line: journal.JournalConnection,
) -> None:
    token, _notes = open_journal(line)
    assert journal.take_over(token, written_in="another-run:0") is None
    assert journal.take_over(token, written_in="another-run:1") is not None


def test_an_unused_journal_is_used_for_the_next_claim(line: journal.JournalConnection) -> None:
    token = line.open()
    assert line.open() == token
    line.use(token, version=1)
    assert line.open() != token


def test_open_hand_overs_are_counted(line: journal.JournalConnection) -> None:
    token, notes = open_journal(line)
    notes.announce(7)
    notes.announce(9)
    notes.settle(accepted(7))
    notes.confirm(9)
    assert journal.handed_over([token, "unknown-token"]) == 1
