"""Mails that others collected, with the verdicts they gave (`WARTA_TEST_DATA`, never copied)."""

import pytest

from benchmarks import _bounce_corpus as corpus


@pytest.fixture(scope="module")
def scores():
    if not corpus.FOLDER.exists():
        pytest.skip(f"no returned mails in {corpus.FOLDER}; set WARTA_TEST_DATA to read them")
    return corpus.judge()


def test_recipient_sets_are_exact(scores):
    mails = sum(score.mails for score in scores.values())
    assert mails > 300
    assert sum(score.exact for score in scores.values()) >= 0.98 * mails, wrong(scores)


def test_effects_are_right(scores):
    verdicts = sum(score.verdicts for score in scores.values())
    assert sum(score.right for score in scores.values()) >= 0.95 * verdicts, wrong(scores)


def test_nobody_is_called_bad_by_an_answer_a_delay_or_no_bounce(scores):
    assert sum(score.false_hards for score in scores.values()) == 0


def wrong(scores):
    return "\n".join(line for score in scores.values() for line in score.wrong)
