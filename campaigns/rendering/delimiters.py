"""Tells merge tags from braces that mean something else.

Style sheets and scripts are full of braces: ``@media(max-width:600px){#body{…}}`` opens no comment.
A ``{#`` is one only when it is closed before the next, and inside style sheets and scripts ``{{``
and ``{%`` are merge tags only when what they hold reads as one.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator

from jinja2 import Environment, TemplateSyntaxError

_BEGINS = re.compile(r"\{[{%#]")
_RAW = re.compile(r"\{%[-+]?\s*+raw\s*+-?%\}")
_RAW_END = re.compile(r"\{%[-+]?\s*+endraw\s*+[-+]?%\}")
_STATEMENT = re.compile(r"[-+]?\s*+([a-z]+)")
_STATEMENTS = frozenset(
    {"if", "elif", "else", "endif", "for", "endfor", "set", "endset", "with", "endwith", "macro"}
    | {"endmacro", "call", "endcall", "filter", "endfilter", "raw", "endraw", "include", "import"}
    | {"from", "extends", "block", "endblock", "autoescape", "endautoescape", "do"}
)
_CODE = re.compile(r"<(style|script|mj-style)(?=[\s>])", re.IGNORECASE)
_CODE_END = {
    name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE)
    for name in ("style", "script", "mj-style")
}
RAW_BRACE = "{% raw %}{{% endraw %}"  # how a template writes a brace that begins nothing
_LONGEST = 2_000  # characters of an expression in a style sheet or script
_expressions = Environment(autoescape=True)


def literals(source: str) -> list[tuple[int, int]]:
    """Return which pieces hold a ``{`` that Jinja would take for the begin of a tag, but is text.

    A piece begins and ends with such a brace and has no tag inside.
    """
    found: list[tuple[int, int]] = []
    closings = _Closings(source)
    codes = _codes(source)
    position = 0
    after_tag = True
    while match := _BEGINS.search(source, position):
        start = match.start()
        end = _end_of_tag(source, start, _limit(codes, start), closings)
        if end >= 0:
            position, after_tag = end, True
            continue
        position = start + 1
        if after_tag:
            found.append((start, position))
        else:
            found[-1] = (found[-1][0], position)
        after_tag = False
    return found


def as_template(source: str) -> str:
    """Return a source that Jinja reads as it is meant; line numbers stay."""
    return "".join(as_text(piece) if is_text else piece for piece, is_text in pieces(source))


def as_text(piece: str) -> str:
    """Write a piece with braces so that Jinja takes it for text."""
    if "endraw" in piece:
        return piece.replace("{", RAW_BRACE)
    return f"{{% raw %}}{piece}{{% endraw %}}"


def pieces(source: str) -> Iterator[tuple[str, bool]]:
    """Cut a source; True marks what only looks like the begin of a tag."""
    position = 0
    for start, end in literals(source):
        yield source[position:start], False
        yield source[start:end], True
        position = end
    yield source[position:], False


class _Closings:
    """Finds closing delimiters; each part of the source is searched once for each."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._found: dict[str, int] = {}

    def find(self, closing: str, start: int, limit: int) -> int:
        """Return where it stands, -1 without one before ``limit``. ``start`` only grows."""
        found = self._found.get(closing, -2)
        if found != -1 and found < start:
            found = self._found[closing] = self._source.find(closing, start)
        return found if found < limit else -1


def _end_of_tag(source: str, start: int, limit: int, closings: _Closings) -> int:
    """Return where the tag that begins here ends; -1 when it is none.

    Outside style sheets and scripts (``limit`` 0) only a comment can be none.
    """
    opening = source[start : start + 2]
    if opening == "{#":
        end = closings.find("#}", start + 2, limit or len(source))
        is_comment = end >= 0 and source.find("{#", start + 2, end) < 0
        return end + 2 if is_comment else -1
    if opening == "{%" and (raw := _RAW.match(source, start)):
        end_of_raw = _RAW_END.search(source, raw.end())
        return end_of_raw.end() if end_of_raw else len(source)
    closing = "}}" if opening == "{{" else "%}"
    end = closings.find(closing, start + 2, limit or len(source))
    if not limit:
        return end + 2 if end >= 0 else len(source)  # never closed: the parser says so
    if end < 0 or end - start > _LONGEST:
        return -1
    inside = source[start + 2 : end]
    reads = _is_statement(inside) if opening == "{%" else _is_expression(inside)
    return end + 2 if reads else -1


def _is_statement(inside: str) -> bool:
    word = _STATEMENT.match(inside)
    return word is not None and word[1] in _STATEMENTS


def _is_expression(inside: str) -> bool:
    if "{{" in inside:
        return False
    try:
        _expressions.parse("{{" + inside + "}}")
    except (TemplateSyntaxError, RecursionError, ValueError, OverflowError):
        return False
    return True


def _codes(source: str) -> list[tuple[int, int]]:
    """Return where style sheets and scripts begin and end."""
    found: list[tuple[int, int]] = []
    position = 0
    while match := _CODE.search(source, position):
        end = _CODE_END[match[1].lower()].search(source, match.end())
        position = end.end() if end else len(source)
        found.append((match.end(), end.start() if end else len(source)))
    return found


def _limit(codes: list[tuple[int, int]], position: int) -> int:
    """Return the end of the style sheet or script that a position is in, 0 outside."""
    index = bisect_right(codes, (position, position)) - 1
    return codes[index][1] if index >= 0 and position < codes[index][1] else 0
