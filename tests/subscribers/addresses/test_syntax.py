"""Real address syntax cases, made by others; read from WARTA_TEST_DATA."""

import csv
import json
import os
from pathlib import Path

import pytest

from subscribers.addresses import addresses
from subscribers.fields.problems import Problem

DATA = Path(os.environ.get("WARTA_TEST_DATA", Path(__file__).parents[4] / "shared" / "data"))
CASES = DATA / "address-syntax" / "isemail" / "cases.tsv"
# What they call an error can be no address for us either; what they call valid we take, but for
# what no mailbox on the open internet has: domains without a dot, quotes, literals.
REFUSED = {"ISEMAIL_ERR"}
ACCEPTED = {"ISEMAIL_VALID_CATEGORY", "ISEMAIL_DNSWARN"}


def cases() -> list[tuple[str, str]]:
    if not CASES.exists():
        return []
    with CASES.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [(json.loads(row["address_json"]), row["category"]) for row in rows]


def accepts(text: str) -> bool:
    try:
        addresses.normalise(text)
    except Problem:
        return False
    return True


def test_syntax_cases_of_others() -> None:
    found = cases()
    if not found:
        pytest.skip(f"no address cases in {DATA}")
    taken = [text for text, category in found if category in REFUSED and accepts(text)]
    # Spaces and line ends around an address are cut off, not refused.
    assert [text for text in taken if text == text.strip()] == []
    refused = [text for text, category in found if category in ACCEPTED and not accepts(text)]
    assert [text for text in refused if "." in text.rpartition("@")[2] and '"' not in text] == []
