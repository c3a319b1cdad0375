"""Carries merge tags safely through Markdown, MJML, CSS inlining and HTML-to-text.

Every ``{{ … }}`` and ``{% … %}`` is replaced by a word of lower-case letters and digits that no
converter touches, and put back afterwards. Inside URLs and style sheets it comes back wrapped in
the filter that makes its value harmless there.
"""

import re
from dataclasses import dataclass
from enum import Enum
from itertools import count

from jinja2 import TemplateSyntaxError

from campaigns.rendering.sandbox import environment


class Kind(Enum):
    """What a protected piece is."""

    VALUE = "value"  # {{ … }}
    BLOCK = "block"  # {% … %}
    RAW = "raw"  # {% raw %} … {% endraw %}
    NOTHING = "nothing"  # {# … #}


@dataclass(frozen=True, kw_only=True, slots=True)
class Tag:
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
        joined = "\n".join(sources).lower()
        nonce = next(n for n in count(7) if f"zq{n}n" not in joined)
        self._prefix = f"zq{nonce}n"
        self.pattern = re.compile(self._prefix + r"(\d+)qz")
        self.tags: list[Tag] = []

    def add(self, tag: Tag) -> str:
        """Keep a tag and return its word."""
        self.tags.append(tag)
        return f"{self._prefix}{len(self.tags) - 1}qz"

    def value(self, expression: str) -> str:
        """Return the word of a value of our own."""
        return self.add(
            Tag(kind=Kind.VALUE, source=f"{{{{ {expression} }}}}", expression=expression)
        )

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
        return self.add(Tag(kind=kind, source="".join(held), expression=expression))

    def restore(self, text: str, name: str = "") -> str:
        """Put the tags back; with ``name``, values pass through that filter."""

        def tag(match: re.Match[str]) -> str:
            found = self.tags[int(match[1])]
            return found.escaped_by(name) if name else found.source

        return self.pattern.sub(tag, text)

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


def _tokens(source: str) -> list[tuple[int, str, str]]:
    try:
        return list(environment("text").lex(source))
    except TemplateSyntaxError:  # parsed before, so this can't be; better whole than lost
        return [(1, "data", source)]
