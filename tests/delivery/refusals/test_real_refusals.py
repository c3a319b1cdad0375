"""What real servers say, judged as others judge it (data of `WARTA_TEST_DATA`, never copied)."""

import csv
import os
from pathlib import Path

import pytest

from delivery.refusals.classify import refusal
from delivery.states import Effect

ROOT = Path(__file__).parents[3]
FILE = (
    Path(os.environ.get("WARTA_TEST_DATA", ROOT / "../shared/data"))
    / "smtp-responses"
    / "expected.tsv"
)


def judged() -> list[tuple[dict[str, str], Effect]]:
    if not FILE.exists():
        pytest.skip(f"no real replies at {FILE}; set WARTA_TEST_DATA to try them")
    with FILE.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [
        (row, refusal(code=int(row["response"][:3]), enhanced="", text=row["response"][4:]).effect)
        for row in rows
    ]


def test_nobody_is_called_unknown_for_what_is_no_fault_of_the_address():
    # "Filtered" is what others call refusals that say in plain words that there is no such person.
    wrong = [
        row["response"]
        for row, effect in judged()
        if effect is Effect.ADDRESS_INVALID
        and row["class_or_action"] == "soft"
        and row["category_or_reason"] != "filtered"
    ]
    assert wrong == []


def test_nearly_all_bad_addresses_are_recognised():
    bad = [effect for row, effect in judged() if row["class_or_action"] == "hard"]
    assert len(bad) > 30
    assert bad.count(Effect.ADDRESS_INVALID) >= 0.95 * len(bad)


def test_nearly_all_answers_are_understood():
    effects = [effect for _row, effect in judged()]
    assert effects.count(Effect.UNDECIDED) <= 0.02 * len(effects)
