"""Columns that say which tags somebody has, which lists they are on."""

from collections.abc import Iterable

from subscribers.fields.definitions import CONTROL
from subscribers.fields.problems import Problem
from subscribers.states import SuppressionReason

MOST_TAGS = 1_000  # different ones in one file: more are no tags
MOST_LISTS = 100
LONGEST = {"tags": 80, "lists": 120}
NOTHING = r"\N"
# A status that ends all mail makes no subscriber: the address is suppressed.
ENDS = (SuppressionReason.BOUNCED, SuppressionReason.COMPLAINED, SuppressionReason.IMPORTED)
OF_GOOGLE = ":::"  # between the labels of Google Contacts, whose own begin with a star


def names(text: str) -> list[str]:
    """Cut a cell into names: at semicolons, else at upright strokes, else at commas."""
    separators = (OF_GOOGLE, ";", "|", ",")
    separator = next((one for one in separators if one in text), ",")
    found: dict[str, str] = {}
    for part in text.split(separator):
        if part.lstrip().startswith("* "):
            continue
        name = " ".join(part.split()).strip("\"' ")
        if name:
            found.setdefault(name.lower(), name)
    return list(found.values())


class LabelReader:
    """Reads one such column into what COPY takes, and remembers answers."""

    def __init__(self, what: str) -> None:
        """Prepare for a column of "tags" or "lists"."""
        self._what = what
        self._known: dict[str, str | Problem] = {"": NOTHING}
        self.found: dict[str, str] = {}  # names by their lower-cased form

    def read(self, text: str) -> str:
        """Return the value for COPY.

        Raises:
            Problem: the cell can't be read.
        """
        answer = self._known.get(text)
        if answer is None:
            try:
                answer = self._names(text)
            except Problem as problem:
                answer = problem
            if len(self._known) < 20_000:  # noqa: PLR2004 - enough; the rest is read each time
                self._known[text] = answer
        if isinstance(answer, Problem):
            raise answer
        return answer

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
        return array(given) if given else NOTHING


def array(given: Iterable[str]) -> str:
    """Write an array of texts for COPY."""
    quoted = (name.replace("\\", "\\\\").replace('"', '\\"') for name in given)
    return ("{" + ",".join(f'"{name}"' for name in quoted) + "}").replace("\\", "\\\\")
