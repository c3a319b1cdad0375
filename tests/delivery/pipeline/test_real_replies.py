"""What real servers say, judged as others judge it (data of `WARTA_TEST_DATA`, never copied)."""

import csv
import os
from pathlib import Path

import pytest

from delivery.pipeline import replies
from delivery.states import Reason
from delivery.transports.protocol import Outcome, Verdict
from delivery.transports.smtp.reply import ReplyStage, judge, make

ROOT = Path(__file__).parents[3]
FILE = (
    Path(os.environ.get("WARTA_TEST_DATA", ROOT / "../shared/data"))
    / "smtp-responses"
    / "expected.tsv"
)
# Others call these "filtered", whatever they say: that such a person does not exist.
SAY_NO_SUCH_PERSON = ("user unknown", "unknown user", "no such user", "not exist")


def judged() -> list[tuple[dict[str, str], Verdict, Reason]]:
    if not FILE.exists():
        pytest.skip(f"no real replies at {FILE}; set WARTA_TEST_DATA to try them")
    found = []
    with FILE.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            code, words = int(row["response"][:3]), row["response"][4:]
            reply = make(code, (words,))
            verdict = judge(ReplyStage.RCPT, reply, accepted_before=True).verdict
            outcome = Outcome(
                message_id=1,
                verdict=verdict,
                code=code,
                enhanced=reply.enhanced,
                text=reply.text,
            )
            found.append((row, verdict, replies.reason_for(outcome)))
    return found


def test_nobody_is_suppressed_for_what_is_no_fault_of_the_address():
    wrong = [
        row["response"]
        for row, _verdict, reason in judged()
        if reason is Reason.ADDRESS_INVALID
        and row["class_or_action"] == "soft"
        and not any(words in row["response"].lower() for words in SAY_NO_SUCH_PERSON)
    ]
    assert wrong == []


def test_nearly_all_addresses_that_do_not_exist_are_recognised():
    known = [
        reason is Reason.ADDRESS_INVALID
        for row, _verdict, reason in judged()
        if row["category_or_reason"] == "userunknown"
    ]
    assert len(known) > 20
    assert sum(known) >= 0.95 * len(known)


def test_temporary_answers_are_tried_again():
    for row, verdict, reason in judged():
        if row["response"].startswith("4"):
            assert verdict is Verdict.DEFERRED, row["response"]
            assert reason in {Reason.TEMPORARY, Reason.THROTTLED_BY_SERVER}
