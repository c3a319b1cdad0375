"""A text as words that can be asked for phrases, each in time that grows with the text alone."""

import re
from functools import cache
from typing import Final, NamedTuple

GAP: Final = 48  # characters that "…" may stand for
_ADDRESS: Final = re.compile(r"[^\s<>()\[\]\"'=:;,@]{1,128}@[\w.-]{1,255}")
_NOT_A_WORD: Final = re.compile(r"[\W_]+")


def normal(text: str) -> str:
    """Return lower-case words with one space around each; all else is taken for space."""
    return f" {_NOT_A_WORD.sub(' ', text.casefold()).strip()} "


class Phrase(NamedTuple):
    """Words that follow each other; ``rest`` after a gap of at most `GAP`, "" for none.

    ``anchor`` is a whole word that must stand in the text, so that most phrases need no search.
    """

    first: str
    rest: str
    anchor: str


@cache
def phrase(written: str) -> Phrase:
    """Read a phrase as rules write it: ``*`` ends a word's beginning, one ``…`` is a gap.

    Scripts without spaces between words match anywhere.
    """
    before, _, after = written.partition("…")
    first, rest = _side(before), _side(after) if after else ""
    whole = [
        word
        for side in (first, rest)
        for place, word in enumerate(side.split(" "))
        if word and 0 < place < side.count(" ")
    ]
    return Phrase(first, rest, max(whole, key=len, default=""))


def _side(written: str) -> str:
    is_open = written.rstrip().endswith("*")
    side = normal(written)
    if not _spaced(side):
        return side.strip()
    return side[:-1] if is_open else side


def _spaced(text: str) -> bool:
    """Say whether words stand apart in this script: not in Chinese, Japanese, Thai."""
    return not any(
        "\u0e00" <= letter <= "\u0eff" or "\u3040" <= letter <= "\u9fff" for letter in text
    )


class Words:
    """One text, made ready once."""

    __slots__ = ("all", "is_ascii", "text")

    def __init__(self, text: str) -> None:
        self.text = normal(_ADDRESS.sub(" ", text))
        self.all = frozenset(self.text.split())
        self.is_ascii = self.text.isascii()

    def has(self, wanted: Phrase) -> bool:
        """Say whether the phrase stands in the text."""
        if not wanted.rest:
            return wanted.first in self.text
        return self._has_both(wanted)

    def _has_both(self, wanted: Phrase) -> bool:
        at = self.text.find(wanted.first)
        while at >= 0:
            start = at + len(wanted.first) - 1  # the space between them may be the same one
            if self.text.find(wanted.rest, start, start + GAP + len(wanted.rest)) >= 0:
                return True
            at = self.text.find(wanted.first, at + 1)
        return False
