"""Tell where a row says that somebody stands: subscribed, unsubscribed, bounced and the like.

Several columns may say so (`consent_columns` finds them); the worse wins, so that no doubt makes
anybody a subscriber. What nobody has said the meaning of is never read as "subscribed": it raises.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from subscribers.fields.problems import Problem
from subscribers.imports import moments
from subscribers.imports.consent_words import (
    ASK,
    BLOCKED,
    BOUNCED,
    COMPLAINED,
    EMPTY,
    LEFT_IF_NO,
    LEFT_OUT,
    NO,
    STATUS_WORDS,
    SUBSCRIBED,
    UNCONFIRMED,
    UNSUBSCRIBED,
    WORD,
    WORD_OR_NOTHING,
    YES,
)
from subscribers.imports.normalizing import fold

T = TypeVar("T")
# Keys of values that no word stands for, in counts and answers.
EMPTY_KEY, DATE_KEY, TEXT_KEY, OTHERS_KEY = "", "(date)", "(text)", "*"
NOTHING = ""  # the column says nothing; what the import gives everybody holds
BY_SEVERITY = (
    NOTHING, SUBSCRIBED, UNCONFIRMED, LEFT_OUT, UNSUBSCRIBED, BLOCKED, BOUNCED, COMPLAINED,
)  # fmt: skip
SEVERITY = {standing: rank for rank, standing in enumerate(BY_SEVERITY)}
# What a value may be said to mean.
CHOICES = (SUBSCRIBED, UNCONFIRMED, UNSUBSCRIBED, BOUNCED, COMPLAINED, BLOCKED, LEFT_OUT)
ON_A_LIST = re.compile(r"\(([^()]+)\)(?=\s*(?:[;,]|$))")
REMEMBERED = 20_000  # values of a column
LONGEST_KEY = 120
LONGEST_DETAIL = 200


def key_of(  # noqa: PLR0911 - one answer for each kind of value
    text: str, *, reads: str, day_first: bool = False
) -> str:
    """Return what a cell is counted and answered under; alike values have one key."""
    text = text.strip()
    word = fold(text)
    if word in EMPTY and text not in YES:
        return EMPTY_KEY
    if not word:
        return text[:LONGEST_KEY]
    # "Weekly (unsubscribed); Offers (unsubscribed)": only if all lists say the same.
    on_lists = {fold(one) for one in ON_A_LIST.findall(text)} if "(" in text else set()
    if len(on_lists) == 1 and on_lists <= STATUS_WORDS.keys():
        return on_lists.pop()
    if word in STATUS_WORDS or word in YES or word in NO:
        return word
    if any(map(str.isdigit, text)):
        if not word.strip("0"):
            return EMPTY_KEY if len(word) > 1 else "0"  # 0000-00-00 00:00:00
        if moments.parse(text, day_first=day_first):
            return DATE_KEY
    if reads.endswith(":filled"):
        return TEXT_KEY
    return word[:LONGEST_KEY]


def meaning(key: str, *, reads: str, answers: Mapping[str, str]) -> str | None:
    """Return where a value says that somebody stands; None: only people can tell."""
    if key in answers:
        return answers[key]
    known = _by_rule(key, reads or WORD)
    return known if known is not None else answers.get(OTHERS_KEY)


def _by_rule(key: str, reads: str) -> str | None:
    if reads in {WORD, WORD_OR_NOTHING, ASK}:
        if key == EMPTY_KEY:
            return NOTHING if reads == WORD_OR_NOTHING else None
        if reads == WORD_OR_NOTHING and key in NO:
            return NOTHING
        return STATUS_WORDS.get(key)
    outcome, _colon, test = reads.partition(":")
    return _by_test(key, outcome, test)


def _by_test(key: str, outcome: str, test: str) -> str | None:
    is_yes = key in YES or key == DATE_KEY or (key.isdigit() and bool(key.strip("0")))
    if key == EMPTY_KEY:
        if test in {"yes", "filled"}:
            return NOTHING
        # Nobody said that they agreed, and nobody that they did not.
        return None if outcome == UNSUBSCRIBED else outcome
    if is_yes or key in NO:
        holds = is_yes if test in {"yes", "filled"} else not is_yes
        return outcome if holds else NOTHING
    if key in STATUS_WORDS:
        return STATUS_WORDS[key]
    return outcome if test == "filled" else None


@dataclass(frozen=True, kw_only=True, slots=True)
class RowStatus:
    """What a row says; ``at``: since when, ``detail``: why, ``confirmed_at`` by a column's date."""

    word: str
    at: datetime | None = None
    detail: str = ""
    confirmed_at: datetime | None = None
    agreed_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class StatusColumn:
    """A column to read: where it is, how, and what people said of its values."""

    index: int
    reads: str
    answers: Mapping[str, str]
    day_first: bool = False


class StandingReader:
    """Reads the status columns of one file, row by row, and remembers answers."""

    def __init__(self, columns: Sequence[StatusColumn]) -> None:
        """Prepare for a file's columns, in its order."""
        self._columns = columns
        self._known: list[dict[str, RowStatus]] = [{} for _column in columns]

    def read(self, cells: Sequence[str]) -> RowStatus:
        """Return where a row says that somebody stands.

        Raises:
            Problem: a value that nobody has said the meaning of.
        """
        if len(self._columns) == 1:
            return self._one(0, cells)
        found = [self._one(number, cells) for number in range(len(self._columns))]
        worst = max(found, key=lambda one: SEVERITY[one.word])
        return RowStatus(
            word=worst.word,
            at=worst.at or _first(one.at for one in found if one.word == worst.word),
            detail=worst.detail
            or _first(one.detail for one in found if one.word == worst.word)
            or "",
            confirmed_at=_first(one.confirmed_at for one in found),
            agreed_at=_first(one.agreed_at for one in found),
        )

    def _one(self, number: int, cells: Sequence[str]) -> RowStatus:
        column = self._columns[number]
        text = cells[column.index]
        known = self._known[number]
        found = known.get(text)
        if found is None:
            found = _standing(text, column)
            if len(known) < REMEMBERED:
                known[text] = found
        return found


def _standing(text: str, column: StatusColumn) -> RowStatus:
    key = key_of(text, reads=column.reads, day_first=column.day_first)
    word = meaning(key, reads=column.reads, answers=column.answers)
    if word is None:
        raise Problem("status")
    at = moments.moment(text, day_first=column.day_first) if key == DATE_KEY else None
    return RowStatus(
        word=word,
        at=at if SEVERITY[word] > SEVERITY[UNCONFIRMED] else None,
        detail=" ".join(text.split())[:LONGEST_DETAIL] if key == TEXT_KEY else "",
        confirmed_at=at if column.reads.startswith(f"{UNCONFIRMED}:") else None,
        agreed_at=at if column.reads == LEFT_IF_NO else None,
    )


def _first(values: Iterable[T | None]) -> T | None:
    return next((value for value in values if value), None)
