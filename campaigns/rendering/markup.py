"""Finds tags and attributes in HTML without rewriting what it doesn't touch.

A mail's HTML is full of tricks (conditional comments for Outlook, unknown elements) that a parser
would tidy away, so edits are made in place. Conditional comments count as mark-up: their links are
links too. Tags are read as the HTML standard says (§13.2.5), and every step goes forward, so that
the time taken grows with the length alone.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from html import unescape
from html.entities import html5

from markupsafe import escape

_OPENING = re.compile(r"<(?:(?P<comment>!--)|(?P<close>/?)(?P<name>[a-zA-Z][^\s/>]*+))")
# Quotes mean something only behind an equals sign. What is never closed takes the rest with it.
_ATTRIBUTES = re.compile(r"(?:[^>=]++|=\s*+(?:\"[^\"]*+\"|'[^']*+'|(?![\"'])[^\s>]*+))*+(?=>)")
_ATTRIBUTE = re.compile(
    r"(?P<name>[^\s=/>]++)(?:\s*+=\s*+(?P<value>\"[^\"]*+\"|'[^']*+'|[^\s>]++))?"
)
_CONDITION = re.compile(r"\[if[^\]<>]*+\]>", re.IGNORECASE)
_REFERENCE = re.compile(r"&(?:#[0-9]++;?|#[xX][0-9a-fA-F]++;?|[a-zA-Z][a-zA-Z0-9]*+[;=]?)")
_NOT_BREAK = re.compile(r"[^\n]")
RAW_TEXT = frozenset({"style", "script", "title", "textarea", "xmp", "mj-style"})
_RAW_END = {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in RAW_TEXT}
VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track"}
    | {"wbr"}
)
# These end by themselves where the next of their kind begins …
_ENDS_BY_ITSELF = frozenset(
    {"p", "li", "dt", "dd", "tr", "td", "th", "tbody", "thead", "tfoot", "option"}
)
# … unless one of these stands between.
_SCOPES = frozenset(
    {"table", "td", "th", "caption", "ul", "ol", "dl", "button", "object", "select", "template"}
)
# A parser opens these anew in each block that follows, until they are closed (§13.2.4.3).
_FORMATTING = frozenset(
    {"a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt"}
    | {"u"}
)


def unescape_attribute(source: str) -> str:
    """Resolve the character references of an attribute's value.

    ``&region=eu`` stays what it is: in attributes a name without a semicolon is no reference when
    a letter, a digit or an equals sign follows (HTML standard §13.2.5.73).
    """
    return _REFERENCE.sub(_resolved, source) if "&" in source else source


def _resolved(match: re.Match[str]) -> str:
    reference = match[0]
    if reference.startswith("&#"):
        return unescape(reference)
    return html5.get(reference[1:], reference)


@dataclass(slots=True)
class Element:
    """A start or end tag: lower-case name, where it stands, and its attributes' source.

    ``in_comment`` says that only programs which read a conditional comment see it.
    """

    name: str
    start: int
    end: int
    closes: bool
    attributes: str
    attributes_at: int
    in_comment: bool = False

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
            yield match["name"].lower(), unescape_attribute(bare), start, end


def elements(html: str) -> Iterator[Element]:
    """Yield every tag in order; what stands inside style, script and title is skipped."""
    position = 0
    comment_end = -1  # of the conditional comment that is being read
    while match := _OPENING.search(html, position):
        if comment_end >= 0 and match.start() >= comment_end:
            comment_end = -1
        if match["comment"]:
            if comment_end < 0:
                end = _comment_end(html, match.end())
                condition = _CONDITION.match(html, match.end(), end)
                position = condition.end() if condition else end
                comment_end = end if condition else -1
            else:  # a comment can't hold another
                position = match.end()
            continue
        limit = comment_end if comment_end >= 0 else len(html)
        attributes = _ATTRIBUTES.match(html, match.end(), limit)
        if attributes is None:
            if comment_end < 0:
                return  # the tag is never closed: no browser shows what follows
            position, comment_end = comment_end, -1
            continue
        found = Element(
            name=match["name"].lower(),
            start=match.start(),
            end=attributes.end() + 1,
            closes=bool(match["close"]),
            attributes=attributes[0],
            attributes_at=match.end(),
            in_comment=comment_end >= 0,
        )
        yield found
        position = found.end
        if found.name in RAW_TEXT and not found.closes and not _is_empty_mjml(found):
            close = _RAW_END[found.name].search(html, position, limit)
            position = close.start() if close else limit


def _is_empty_mjml(element: Element) -> bool:
    # In HTML a slash closes nothing: <style /> goes on to </style>.
    return element.is_empty and element.name.startswith("mj-")


def _comment_end(html: str, position: int) -> int:
    """Return where a comment ends whose ``<!--`` ends at ``position``."""
    for short in (">", "->"):
        if html.startswith(short, position):
            return position + len(short)
    end = html.find("-->", position)
    return len(html) if end < 0 else end + 3


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
        end = _comment_end(source, start + 4)
        out += [source[position:start], _NOT_BREAK.sub(" ", source[start:end])]
        position = end
    return "".join(out) + source[position:]


@dataclass(frozen=True, slots=True)
class Nesting:
    """How deep tags are nested, and how often a parser would repeat what is left open.

    Both are upper bounds: an end tag counts only when its own start tag is open.
    """

    depth: int
    repeated: int


def nesting(html: str) -> Nesting:
    """Measure a source before a parser gets it."""
    deepest = level = formatting = repeated = 0
    opened: Counter[str] = Counter()
    scopes = 0
    for element in elements(html):
        name = element.name
        if element.closes:
            if not opened[name]:
                continue
            opened[name] -= 1
            level -= 1
            formatting -= name in _FORMATTING
            scopes -= name in _SCOPES
            continue
        repeated += formatting
        if name in VOID or _is_empty_mjml(element):
            continue
        if name in _ENDS_BY_ITSELF and opened[name] > scopes:
            continue
        opened[name] += 1
        level += 1
        formatting += name in _FORMATTING
        scopes += name in _SCOPES
        deepest = max(deepest, level)
    return Nesting(deepest, repeated)


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


@lru_cache(maxsize=4)
def is_document(html: str) -> bool:
    """Tell whether HTML is a whole document rather than a piece of one."""
    head = html.lstrip()[:20].lower()
    if head.startswith("<!doctype"):
        return True
    return any(element.name in {"html", "body"} for element in elements(html))
