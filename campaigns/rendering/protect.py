"""Carries merge tags safely through Markdown, MJML, CSS inlining and HTML-to-text.

Every ``{{ … }}`` and ``{% … %}`` is replaced by a word of lower-case letters and digits that no
converter touches, and put back afterwards. Inside URLs and style sheets it comes back wrapped in
the filter that makes its value harmless there.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import count

from jinja2 import TemplateSyntaxError

from campaigns.rendering.delimiters import as_text, pieces
from campaigns.rendering.restricted_jinja import environment

_USED = re.compile(r"zq(?=(\d{1,9})n)")  # numbers that a source holds already


class Kind(Enum):
    """What a protected piece is."""

    VALUE = "value"  # {{ … }}
    BLOCK = "block"  # {% … %}
    RAW = "raw"  # {% raw %} … {% endraw %}
    NOTHING = "nothing"  # {# … #}


@dataclass(frozen=True, kw_only=True, slots=True)
class ProtectedTag:
    """A protected piece: its whole source and, for a value, the expression inside."""

    kind: Kind
    source: str
    expression: str = ""

    def escaped_by(self, name: str) -> str:
        """Return the source with the value passed through one more filter."""
        return f"{{{{ ({self.expression})|{name} }}}}" if self.kind is Kind.VALUE else self.source


class Protector:
    """Swaps merge tags for words and back. One for all parts of a content, so words are unique."""

    def __init__(self, *sources: str) -> None:
        used = {found for source in sources for found in _USED.findall(source.lower())}
        nonce = next(n for n in count(7) if str(n) not in used)
        self._prefix = f"zq{nonce}n"
        self.pattern = re.compile(self._prefix + r"(\d+)qz")
        brace = rf"\{{(?=[{{%#]|{self._prefix}\d+qz)"
        self._restorable = re.compile(rf"{self.pattern.pattern}|{brace}(?:[^{{z]*+{brace})*+")
        self.tags: list[ProtectedTag] = []
        self._holding = re.compile(self._prefix + r"h(\d+)qz")
        self._held: list[str] = []

    @property
    def kept(self) -> tuple[tuple[ProtectedTag, ...], tuple[str, ...]]:
        """What all words stand for, in order: tags, and pieces that were held."""
        return tuple(self.tags), tuple(self._held)

    def begin_with(self, tags: tuple[ProtectedTag, ...], held: tuple[str, ...]) -> None:
        """Know the words that another protector of the same sources gave."""
        self.tags[:], self._held[:] = tags, held

    def add(self, tag: ProtectedTag) -> str:
        """Keep a tag and return its word."""
        self.tags.append(tag)
        return f"{self._prefix}{len(self.tags) - 1}qz"

    def value(self, expression: str) -> str:
        """Return the word of a value of our own."""
        return self.add(
            ProtectedTag(kind=Kind.VALUE, source=f"{{{{ {expression} }}}}", expression=expression)
        )

    def hold(self, text: str) -> str:
        """Keep a piece of text and return a word for it; `release` puts it back."""
        self._held.append(text)
        return f"{self._prefix}h{len(self._held) - 1}qz"

    def release(self, text: str) -> str:
        """Put back all that was held, as it is."""
        return self._holding.sub(lambda match: self._held[int(match[1])], text)

    def protect(self, source: str) -> str:
        """Replace every merge tag by its word; line breaks inside tags are dropped.

        The source must have been parsed before (`checking.parse`), so that errors have lines.
        """
        out: list[str] = []
        held: list[str] = []
        kind = Kind.NOTHING
        for _line, token, text in _tokens(source):
            if token in _BEGINS:
                held, kind = [text], _BEGINS[token]
            elif token in _ENDS:
                held.append(text)
                out.append(self._word(kind, held))
                held = []
            elif held:
                held.append(text)
            else:
                out.append(text)
        return "".join(out)

    def _word(self, kind: Kind, held: list[str]) -> str:
        if kind is Kind.NOTHING:
            return ""
        expression = "".join(held[1:-1]).strip() if kind is Kind.VALUE else ""
        return self.add(ProtectedTag(kind=kind, source="".join(held), expression=expression))

    def restore(self, text: str) -> str:
        """Put the tags back; a brace that only looks like the begin of one is marked as text."""
        return self._restorable.sub(self._restored, text)

    def as_written(self, text: str) -> str:
        """Put the tags back for people to go on writing."""
        return self.pattern.sub(lambda match: self.tags[int(match[1])].source, text)

    def _restored(self, match: re.Match[str]) -> str:
        return self.tags[int(match[1])].source if match[1] else as_text(match[0])

    def kind_of(self, match: re.Match[str]) -> Kind:
        """Return the kind of a word found by `pattern`."""
        return self.tags[int(match[1])].kind

    def has_block(self, text: str) -> bool:
        """Tell whether a text holds an if, for, set or the like."""
        return any(self.kind_of(match) is Kind.BLOCK for match in self.pattern.finditer(text))


_BEGINS = {
    "variable_begin": Kind.VALUE,
    "block_begin": Kind.BLOCK,
    "comment_begin": Kind.NOTHING,
    "raw_begin": Kind.RAW,
}
_ENDS = {"variable_end", "block_end", "comment_end", "raw_end"}


def _tokens(source: str) -> Iterator[tuple[int, str, str]]:
    for piece, is_literal in pieces(source):
        if is_literal:
            yield 1, "data", piece
            continue
        try:
            yield from list(environment("text").lex(piece))
        except TemplateSyntaxError:  # parsed before, so this can't be; better whole than lost
            yield 1, "data", piece
