"""Columns that say where somebody stands, which tags they have, which lists they are on."""

import re
from typing import TYPE_CHECKING

from subscribers.fields import CONTROL
from subscribers.problems import Problem
from subscribers.states import SubscriptionStatus, SuppressionReason

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_TAGS = 1_000  # different ones in one file: more are no tags
MOST_LISTS = 100
LONGEST = {"tags": 80, "lists": 120}
NOTHING = r"\N"
# A status that ends all mail makes no subscriber: the address is suppressed.
ENDS = (SuppressionReason.BOUNCED, SuppressionReason.COMPLAINED, SuppressionReason.IMPORTED)
OLD_WORD = "".join(("black", "listed"))  # noqa: FLY002 - other tools say it; we don't
STATUS_WORDS: dict[str, str] = {
    word: status
    for status, words in {
        SubscriptionStatus.SUBSCRIBED: (
            "subscribed subscribe active confirmed enabled aktif abonniert"
        ),
        SubscriptionStatus.UNCONFIRMED: "unconfirmed pending waiting notconfirmed nonconfirmed",
        SubscriptionStatus.UNSUBSCRIBED: (
            "unsubscribed unsubscribe optedout optout inactive removed left berhenti abgemeldet"
        ),
        SuppressionReason.BOUNCED: "bounced bounce hardbounce hardbounced cleaned undeliverable",
        SuppressionReason.COMPLAINED: "complained complaint spam abuse spamcomplaint junk",
        SuppressionReason.IMPORTED: (
            f"blocklisted {OLD_WORD} blocked suppressed disabled donotmail donotcontact "
            "nonsubscribed"
        ),
    }.items()
    for word in words.split()
}


def status(text: str) -> str:
    """Read a status as other tools write it; "" for an empty cell.

    Raises:
        Problem: nobody knows this word.
    """
    word = re.sub(r"[\W_]+", "", text.lower())
    if not word and not text.strip():
        return ""
    found = STATUS_WORDS.get(word)
    if found is None:
        raise Problem("status")
    return found


def names(text: str) -> list[str]:
    """Cut a cell into names: at semicolons, else at upright strokes, else at commas."""
    separator = ";" if ";" in text else "|" if "|" in text else ","
    found: dict[str, str] = {}
    for part in text.split(separator):
        name = " ".join(part.split()).strip("\"' ")
        if name:
            found.setdefault(name.lower(), name)
    return list(found.values())


class LabelReader:
    """Reads one such column into what COPY takes, and remembers answers."""

    def __init__(self, what: str) -> None:
        """Prepare for a column of "status", "tags" or "lists"."""
        self._what = what
        self._read: Callable[[str], str] = self._status if what == "status" else self._names
        self._known: dict[str, str | Problem] = {"": NOTHING}
        self.found: dict[str, str] = {}  # names by their lower-cased form
        self.counts: dict[str, int] = {}  # rows by status

    def read(self, text: str) -> str:
        """Return the value for COPY.

        Raises:
            Problem: the cell can't be read.
        """
        answer = self._known.get(text)
        if answer is None:
            try:
                answer = self._read(text)
            except Problem as problem:
                answer = problem
            if len(self._known) < 20_000:  # noqa: PLR2004 - enough; the rest is read each time
                self._known[text] = answer
        if isinstance(answer, Problem):
            raise answer
        if self._what == "status":
            self.counts[answer] = self.counts.get(answer, 0) + 1
        return answer

    def _status(self, text: str) -> str:
        return status(text) or NOTHING

    def _names(self, text: str) -> str:
        given = names(text)
        most = MOST_TAGS if self._what == "tags" else MOST_LISTS
        for name in given:
            if len(name) > LONGEST[self._what]:
                raise Problem("too_long", limit=LONGEST[self._what])
            if CONTROL(name):
                raise Problem("control_character")
            if name.lower() not in self.found and len(self.found) >= most:
                raise Problem("too_many_names", limit=most)
            self.found.setdefault(name.lower(), name)
        if not given:
            return NOTHING
        quoted = (name.replace("\\", "\\\\").replace('"', '\\"') for name in given)
        return ("{" + ",".join(f'"{name}"' for name in quoted) + "}").replace("\\", "\\\\")
