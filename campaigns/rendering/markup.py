"""Finds tags and attributes in HTML without rewriting what it doesn't touch.

A mail's HTML is full of tricks (conditional comments for Outlook, unknown elements) that a parser
would tidy away, so edits are made in place. Conditional comments count as mark-up: their links are
links too.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import unescape

from markupsafe import escape

# Possessive quantifiers, and no "<" in the loose parts, keep hostile input from costing much.
_TOKEN = re.compile(
    r"(?P<condition><!--\[if[^\]<>]*+\]>(?:<!-->)?)"  # the opening of a conditional comment
    r"|(?P<comment><!--)(?!<?!\[endif\])"
    r"|<(?P<close>/?)(?P<name>[a-zA-Z][^\s/<>]*+)"
    r"(?P<attributes>(?:[^<>\"']|\"[^\"]*+\"|'[^']*+')*+)>",
)
_ATTRIBUTE = re.compile(
    r"(?P<name>[^\s=/>\"']++)(?:\s*+=\s*+(?P<value>\"[^\"]*+\"|'[^']*+'|[^\s>\"']++))?"
)
_NOT_BREAK = re.compile(r"[^\n]")
RAW_TEXT = frozenset({"style", "script", "title", "textarea", "xmp", "mj-style"})
VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track"}
    | {"wbr"}
)


@dataclass(frozen=True, slots=True)
class Element:
    """A start or end tag: lower-case name, where it stands, and its attributes' source."""

    name: str
    start: int
    end: int
    closes: bool
    attributes: str
    attributes_at: int

    @property
    def is_empty(self) -> bool:
        """Whether the tag closes itself (``<br />``)."""
        return self.attributes.endswith("/")

    def get(self, wanted: str) -> str | None:
        """Return an attribute's value, entities resolved; None without it."""
        for name, value, _start, _end in self.pairs():
            if name == wanted:
                return value
        return None

    def pairs(self) -> Iterator[tuple[str, str, int, int]]:
        """Yield (name, value, start, end) with the value's place in the document, quotes included.

        An attribute without a value has start and end -1.
        """
        for match in _ATTRIBUTE.finditer(self.attributes):
            source = match["value"] or ""
            start = -1 if match["value"] is None else self.attributes_at + match.start("value")
            end = -1 if match["value"] is None else self.attributes_at + match.end("value")
            bare = source[1:-1] if source[:1] in {'"', "'"} else source
            yield match["name"].lower(), unescape(bare), start, end


def elements(html: str) -> Iterator[Element]:
    """Yield every tag in order; what stands inside style, script and title is skipped."""
    position = 0
    while match := _TOKEN.search(html, position):
        position = match.end()
        if match["comment"]:
            end = html.find("-->", position)
            position = len(html) if end < 0 else end + 3
        if not match["name"]:
            continue
        found = Element(
            name=match["name"].lower(),
            start=match.start(),
            end=match.end(),
            closes=bool(match["close"]),
            attributes=match["attributes"],
            attributes_at=match.start("attributes"),
        )
        yield found
        if found.name in RAW_TEXT and not found.closes and not found.is_empty:
            close = re.compile(rf"</{found.name}\s*+>", re.IGNORECASE).search(html, position)
            position = close.start() if close else len(html)


def raw_texts(html: str, *names: str) -> Iterator[tuple[str, int, int]]:
    """Yield (name, start, end) of the text inside each style, script or the like."""
    opened: Element | None = None
    for element in elements(html):
        if opened is not None and element.closes and element.name == opened.name:
            yield opened.name, opened.end, element.start
        opened = None if element.closes or element.name not in names else element


def without_comments(source: str) -> str:
    """Blank out comments, conditional ones too; every other character keeps its place."""
    out: list[str] = []
    position = 0
    while (start := source.find("<!--", position)) >= 0:
        end = source.find("-->", start)
        end = len(source) if end < 0 else end + 3
        out += [source[position:start], _NOT_BREAK.sub(" ", source[start:end])]
        position = end
    return "".join(out) + source[position:]


def depth(html: str) -> int:
    """Return how deep tags are nested at most; unclosed ones count, so it is an upper bound."""
    deepest = level = 0
    for element in elements(html):
        if element.closes:
            level = max(level - 1, 0)
        elif not element.is_empty and element.name not in VOID:
            level += 1
            deepest = max(deepest, level)
    return deepest


def rewrite(html: str, change: Callable[[Element, str, str], str | None]) -> str:
    """Change attributes: ``change(element, name, value)`` returns a new value or None.

    A new value is escaped and quoted; all else stays byte for byte.
    """
    edits: list[tuple[int, int, str]] = []
    for element in elements(html):
        if element.closes:
            continue
        for name, value, start, end in element.pairs():
            if start < 0:
                continue
            new = change(element, name, value)
            if new is not None:
                edits.append((start, end, f'"{escape(new)}"'))
    return apply(html, edits)


def apply(text: str, edits: list[tuple[int, int, str]]) -> str:
    """Replace (start, end, new) pieces, given in order and not overlapping."""
    out: list[str] = []
    position = 0
    for start, end, new in edits:
        out += [text[position:start], new]
        position = end
    out.append(text[position:])
    return "".join(out)


def is_document(html: str) -> bool:
    """Tell whether HTML is a whole document rather than a piece of one."""
    head = html.lstrip()[:20].lower()
    if head.startswith("<!doctype"):
        return True
    return any(element.name in {"html", "body"} for element in elements(html))
