"""MJML into HTML by mrml, with its silent losses turned into errors that have a line.

mrml drops what it doesn't know (a misspelt element with all its content) and names no line, so the
source is checked first. Nothing is ever included from files or the network.
"""

import re

import mrml
from django.utils.translation import gettext as _

from campaigns.rendering.errors import ContentError, Where
from campaigns.rendering.markup import VOID, Element, apply, elements, without_comments
from campaigns.rendering.protect import Kind, Protector

# Elements that hold only other elements: an {% if %} between those stands in an mj-raw.
_CONTAINERS = frozenset(
    {"mj-body", "mj-wrapper", "mj-section", "mj-group", "mj-column", "mj-hero", "mj-navbar"}
    | {"mj-social", "mj-carousel", "mj-accordion"}
)
_RAW = frozenset({"mj-style", "mj-raw", "style", "script", "title"})
_KNOWN = _CONTAINERS | {
    *("mjml", "mj-head", "mj-attributes", "mj-all", "mj-class", "mj-breakpoint", "mj-font"),
    *("mj-html-attributes", "mj-html-attribute", "mj-selector", "mj-preview", "mj-style"),
    *("mj-title", "mj-accordion-element", "mj-accordion-text", "mj-accordion-title"),
    *("mj-button", "mj-carousel-image", "mj-divider", "mj-image", "mj-navbar-link", "mj-raw"),
    *("mj-social-element", "mj-spacer", "mj-table", "mj-text"),
}


def to_html(source: str, protector: Protector, *, language: str, where: Where) -> str:
    """Turn protected MJML into a whole HTML document.

    Raises:
        ContentError: with the line where one can be told.
    """
    ready = _with_language(_prepared(source, protector, where), language)
    try:
        return mrml.to_html(
            ready,
            mrml.ParserOptions(include_loader=mrml.noop_loader()),
            mrml.RenderOptions(disable_comments=False, fonts={}),
        ).content
    except OSError as error:
        line = _line_of(str(error), ready)
        sentence = _("This MJML can't be read: %(detail)s.") % {"detail": error}
        raise ContentError(sentence, line=line, where=where) from error


def _prepared(source: str, protector: Protector, where: Where) -> str:
    """Check nesting and names, and put an mj-raw around blocks between elements."""
    bare = without_comments(source)
    edits: list[tuple[int, int, str]] = []
    stack: list[tuple[str, int]] = []
    position = 0
    for element in elements(bare):
        if not stack or stack[-1][0] not in _RAW:
            edits += _between(bare, position, element.start, stack, protector, where)
        position = element.end
        _nest(element, stack, _line(bare, element.start), where)
    edits += _between(bare, position, len(bare), stack, protector, where)
    if stack:
        name, line = stack[-1]
        raise ContentError(_not_closed(name), line=line, tag=name, where=where)
    return apply(source, edits)


def _nest(element: Element, stack: list[tuple[str, int]], line: int, where: Where) -> None:
    name = element.name
    if name == "mj-include":
        raise ContentError(
            _("mj-include is not available. Paste what you want to include."),
            line=line,
            tag=name,
            where=where,
        )
    if name.startswith("mj") and name not in _KNOWN:
        raise ContentError(
            _("MJML has no element <%(name)s>.") % {"name": name}, line=line, tag=name, where=where
        )
    if element.closes:
        if not stack:
            sentence = _("</%(name)s> closes an element that was never opened.") % {"name": name}
            raise ContentError(sentence, line=line, tag=name, where=where)
        opened, opened_line = stack.pop()
        if opened != name:
            raise ContentError(_not_closed(opened), line=opened_line, tag=opened, where=where)
    elif not element.is_empty and name not in VOID:
        stack.append((name, line))


def _not_closed(name: str) -> str:
    return _("<%(name)s> is opened here but not closed.") % {"name": name}


def _between(  # noqa: PLR0913, PLR0917 - one step of the scan above
    source: str,
    start: int,
    end: int,
    stack: list[tuple[str, int]],
    protector: Protector,
    where: Where,
) -> list[tuple[int, int, str]]:
    """Look at the text between two tags."""
    text = source[start:end]
    stray = text.find("<")
    if stray >= 0:
        sentence = _("There is a lone “<” here. Write &lt; for the sign itself.")
        raise ContentError(sentence, line=_line(source, start + stray), where=where)
    if not stack or stack[-1][0] not in _CONTAINERS or not text.strip():
        return []
    blank = protector.pattern.sub(lambda match: " " * len(match[0]), text)
    if blank.strip():
        at = start + len(blank) - len(blank.lstrip())
        sentence = _("This text stands between elements and would be lost. Put it in <mj-text>.")
        raise ContentError(sentence, line=_line(source, at), tag=stack[-1][0], where=where)
    return [
        (start + found.start(), start + found.end(), _wrapped(found, protector, stack[-1][0]))
        for found in protector.pattern.finditer(text)
    ]


def _wrapped(match: re.Match[str], protector: Protector, parent: str) -> str:
    if protector.kind_of(match) is Kind.BLOCK:
        return f"<mj-raw>{match[0]}</mj-raw>"
    inner = f"<mj-text>{match[0]}</mj-text>"
    if parent in {"mj-body", "mj-wrapper"}:
        return f"<mj-section><mj-column>{inner}</mj-column></mj-section>"
    return f"<mj-column>{inner}</mj-column>" if parent == "mj-section" else inner


def _with_language(source: str, language: str) -> str:
    opening = re.search(r"<mjml\b([^<>]*+)>", source)
    if opening is None or "lang=" in opening[1]:
        return source
    return (
        f'{source[: opening.start()]}<mjml lang="{language}"{opening[1]}>{source[opening.end() :]}'
    )


def _line(source: str, position: int) -> int:
    return source.count("\n", 0, position) + 1


def _line_of(message: str, source: str) -> int:
    place = re.search(r"position (\d+):\d+", message)
    return _line(source, int(place[1])) if place else 0


def frame(source: str) -> str:
    """Put loose MJML sections into a whole document."""
    if "<mjml" in source:
        return source
    return f"<mjml><mj-body>{source}</mj-body></mjml>"
