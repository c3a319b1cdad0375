"""MJML into HTML by mrml, with its silent losses turned into errors that have a line.

mrml drops what it doesn't know (a misspelt element with all its content) and names no line, so the
source is checked first. Nothing is ever included from files or the network.
"""

import re
from bisect import bisect_left

import mrml
from django.utils.translation import gettext as _

from campaigns.rendering import web_addresses
from campaigns.rendering.errors import ContentError
from campaigns.rendering.inlining import inlined
from campaigns.rendering.markup import VOID, Element, apply, elements, without_comments
from campaigns.rendering.protect import Kind, Protector
from campaigns.states import Where

MAX_TAGS = 5_000  # each becomes a table or two
# Elements that hold only other elements: an {% if %} between those stands in an mj-raw.
_CONTAINERS = frozenset(
    {"mj-body", "mj-wrapper", "mj-section", "mj-group", "mj-column", "mj-hero", "mj-navbar"}
    | {"mj-social", "mj-carousel", "mj-accordion"}
)
_KNOWN = _CONTAINERS | {
    *("mjml", "mj-head", "mj-attributes", "mj-all", "mj-class", "mj-breakpoint", "mj-font"),
    *("mj-html-attributes", "mj-html-attribute", "mj-selector", "mj-preview", "mj-style"),
    *("mj-title", "mj-accordion-element", "mj-accordion-text", "mj-accordion-title"),
    *("mj-button", "mj-carousel-image", "mj-divider", "mj-image", "mj-navbar-link", "mj-raw"),
    *("mj-social-element", "mj-spacer", "mj-table", "mj-text"),
}


# Their content is HTML or text that mrml need not read: it stands aside and comes back as written.
_ENDING = frozenset(
    {"mj-text", "mj-button", "mj-table", "mj-raw", "mj-navbar-link", "mj-social-element"}
    | {"mj-accordion-text", "mj-accordion-title", "mj-style", "mj-title", "mj-preview"}
)
# Attributes that mrml only passes on, and writes with Rust's escapes: \\n, \\", \\u{94d}.
_PASSED_ON = frozenset(
    {"href", "src", "alt", "title", "rel", "target", "srcset", "sizes", "usemap", "background-url"}
)
_ADDRESSES = frozenset({"href", "src", "background-url"})
_VALUE = re.compile(r"=\s*+(?:\"[^\"]*+\"|'[^']*+')")


def to_html(source: str, protector: Protector, *, language: str, where: Where) -> str:
    """Turn protected MJML into a whole HTML document.

    Raises:
        ContentError: with the line where one can be told.
    """
    prepared = _Preparation(source, protector, where)
    ready = _with_language(prepared.source, language)
    try:
        html = mrml.to_html(
            ready,
            mrml.ParserOptions(include_loader=mrml.noop_loader()),
            mrml.RenderOptions(disable_comments=False, fonts={}),
        ).content
    except OSError as error:
        line = _line_of(str(error), ready)
        sentence = _("This MJML can't be read: %(detail)s.") % {"detail": error}
        raise ContentError(sentence, line=line, where=where) from error
    html = protector.release(html)
    return inlined(html, protector, sheets=prepared.sheets) if prepared.sheets else html


class _Preparation:
    """Checks nesting and names, and makes a source that mrml passes through unharmed.

    What mrml need not read stands aside (`Protector.hold`), an mj-raw is put around blocks between
    elements, and ``sheets`` are the style sheets to inline, which mrml would drop.
    """

    def __init__(self, source: str, protector: Protector, where: Where) -> None:
        self._written = source
        self._bare = without_comments(source)
        self._protector = protector
        self._where = where
        self._lines = [match.start() for match in re.finditer("\n", source)]
        self._edits: list[tuple[int, int, str]] = []
        self._stack: list[Element] = []
        self.sheets: list[str] = []
        self._count = 0
        self._read()
        self.source = apply(source, self._edits)

    def _read(self) -> None:
        position = 0
        for element in elements(self._bare):
            opened = self._stack[-1] if self._stack else None
            if opened is not None and opened.name in _ENDING:
                if not (element.closes and element.name == opened.name):
                    continue
                self._set_aside(opened, element)
            else:
                self._between(position, element.start)
            self._nest(element)
            position = element.end
        if self._stack:
            raise self._error(_not_closed(self._stack[-1].name), self._stack[-1])
        self._between(position, len(self._bare))

    def _error(self, sentence: str, element: Element) -> ContentError:
        line = self._line(element.start)
        return ContentError(sentence, line=line, tag=element.name, where=self._where)

    def _line(self, position: int) -> int:
        return bisect_left(self._lines, position) + 1

    def _nest(self, element: Element) -> None:
        name = element.name
        if name == "mj-include":
            sentence = _("mj-include is not available. Paste what you want to include.")
            raise self._error(sentence, element)
        if name.startswith("mj") and name not in _KNOWN:
            raise self._error(_("MJML has no element <%(name)s>.") % {"name": name}, element)
        if "<" in name or self._stray(element):
            sentence = _("There is a lone “<” here. Write &lt; for the sign itself.")
            raise self._error(sentence, element)
        self._count += 1
        if self._count > MAX_TAGS:
            sentence = _("This has more than %(limit)d MJML tags. Shorten it.")
            raise self._error(sentence % {"limit": MAX_TAGS}, element)
        if element.closes:
            if not self._stack:
                sentence = _("</%(name)s> closes an element that was never opened.")
                raise self._error(sentence % {"name": name}, element)
            opened = self._stack.pop()
            if opened.name != name:
                raise self._error(_not_closed(opened.name), opened)
            return
        self._attributes(element)
        if not element.is_empty and name not in VOID:
            self._stack.append(element)

    def _stray(self, element: Element) -> bool:
        """Tell whether a bracket stands between attributes: the tag before was not ended."""
        bare = _VALUE.sub("", element.attributes)
        return "<" in bare

    def _attributes(self, element: Element) -> None:
        """Let mrml see only what it has to read of an element's attributes."""
        for name, _value, start, end in element.pairs():
            if start < 0:
                continue
            written = self._written[start:end]
            bare = written[1:-1] if written[:1] in {'"', "'"} else written
            if name in _PASSED_ON and bare:
                held = self._protector.hold(_for_attribute(bare, name))
                self._edits.append((start, end, f'"{held}"{_line_breaks(bare)}'))
            elif not bare.isprintable() or '"' in bare:
                tidy = " ".join(bare.split()).replace('"', "'")
                self._edits.append((start, end, f'"{tidy}"{_line_breaks(bare)}'))

    def _set_aside(self, opened: Element, closing: Element) -> None:
        """Take the content of an element out that mrml only passes on."""
        content = self._written[opened.end : closing.start]
        if opened.name == "mj-style" and opened.get("inline") == "inline":
            self.sheets.append(content)
            self._edits.append((opened.start, closing.end, _line_breaks(content)))
            return
        if not content.strip():
            return
        if opened.name == "mj-title":  # stands in an attribute, too
            content = content.replace('"', "&quot;")
        # Line breaks go into the end tag, so that what follows keeps its line.
        end = f"</{opened.name}{_line_breaks(content)}>"
        self._edits.append((opened.end, closing.end, self._protector.hold(content) + end))

    def _between(self, start: int, end: int) -> None:
        """Look at the text between two tags."""
        text = self._bare[start:end]
        parent = self._stack[-1].name if self._stack else ""
        stray = text.find("<")
        if stray >= 0:
            sentence = _("There is a lone “<” here. Write &lt; for the sign itself.")
            raise ContentError(sentence, line=self._line(start + stray), where=self._where)
        if parent not in _CONTAINERS or not text.strip():
            return
        pattern = self._protector.pattern
        blank = pattern.sub(lambda match: " " * len(match[0]), text)
        if blank.strip():
            line = self._line(start + len(blank) - len(blank.lstrip()))
            sentence = _(
                "This text stands between elements and would be lost. Put it in <mj-text>."
            )
            raise ContentError(sentence, line=line, tag=parent, where=self._where)
        self._edits += [
            (start + found.start(), start + found.end(), _wrapped(found, self._protector, parent))
            for found in pattern.finditer(text)
        ]


def _line_breaks(text: str) -> str:
    return "\n" * text.count("\n")


def _for_attribute(written: str, name: str) -> str:
    """Return an attribute's value as it is written between double quotes."""
    if name in _ADDRESSES:
        written = web_addresses.without_breaks(written)
    if name == "background-url":
        written = written.replace("'", "%27")  # mrml puts it between single quotes in a style
    return written.replace('"', "&quot;")


def _not_closed(name: str) -> str:
    return _("<%(name)s> is opened here but not closed.") % {"name": name}


def _wrapped(match: re.Match[str], protector: Protector, parent: str) -> str:
    if protector.kind_of(match) is Kind.BLOCK:
        return f"<mj-raw>{match[0]}</mj-raw>"
    inner = f"<mj-text>{match[0]}</mj-text>"
    if parent in {"mj-body", "mj-wrapper"}:
        return f"<mj-section><mj-column>{inner}</mj-column></mj-section>"
    return f"<mj-column>{inner}</mj-column>" if parent == "mj-section" else inner


def _with_language(source: str, language: str) -> str:
    opening = re.search(r"<mjml(?=[\s>])([^<>]*+)>", source)
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
