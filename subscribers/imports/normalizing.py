"""Names of columns and words in cells, written so that those that mean the same are equal."""

import re
import unicodedata

# Letters that Unicode does not take for a letter with a mark.
LETTERS = str.maketrans(
    {"ı": "i", "ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th"}
)
MARKS = re.compile(r"[\W_]+")
# Where a name is cut into its words: marks, and a capital behind a small letter (isActive).
INSIDE = re.compile(r"[\W_]+|(?<=[a-z])(?=[A-Z])|(?<=[a-zA-Z])(?=\d)|(?<=\d)(?=[a-zA-Z])")


def fold(text: str) -> str:
    """Return a text in small letters of usual width, without accents, spaces and punctuation."""
    if text.isascii():
        return MARKS.sub("", text.lower())
    return MARKS.sub("", unicodedata.normalize("NFKD", text).casefold().translate(LETTERS))


def words(text: str) -> list[str]:
    """Return the words of a column's name, each as `fold` writes it."""
    return [folded for word in INSIDE.split(text) if (folded := fold(word))]


def folded(names: str) -> tuple[str, ...]:
    """Return names, separated by commas, as `fold` writes them; each once, in their order."""
    return tuple(dict.fromkeys(fold(name) for name in names.split(",") if name.strip()))
