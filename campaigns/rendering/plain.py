"""The plain-text part: made from the HTML, with every link's address readable."""

import re
from html import escape

from inscriptis import get_text
from inscriptis.css_profiles import CSS_PROFILES
from inscriptis.model.config import ParserConfig

from campaigns.rendering.markup import Element, apply, elements, rewrite, without_comments
from campaigns.rendering.protect import Kind, Protector

_CONFIG = ParserConfig(css=CSS_PROFILES["strict"], display_images=False, display_links=False)
# What stands for a layout table's start and end tags.
_LAYOUT = {
    "table": ('<div style="margin-top:1em;margin-bottom:1em">', "</div>"),
    "td": ("<div>", "</div>"),
    "th": ("<div>", "</div>"),
}
_TABLE_PARTS = frozenset({"table", "thead", "tbody", "tfoot", "tr", "td", "th", "caption"})


def from_html(html: str, protector: Protector) -> str:
    """Turn protected HTML into protected text."""
    document = rewrite(without_comments(html), _without_spaces)
    document = _flatten_layout(document, protector)
    document = _spell_out(document, protector)
    text = get_text(document, _CONFIG)
    return _tidy(text, protector)


def _without_spaces(_element: Element, name: str, value: str) -> str | None:
    """Drop margins and the like, which would become spaces; what is hidden stays hidden."""
    if name != "style":
        return None
    return "display:none" if "display:none" in value.replace(" ", "").lower() else ""


def _flatten_layout(html: str, protector: Protector) -> str:
    """Turn layout tables into blocks that follow each other; tables of data stay."""
    edits: list[tuple[int, int, str]] = []
    open_tables: list[bool] = []
    layout = _layout_tables(html, protector)
    for element in elements(html):
        if element.name not in _TABLE_PARTS:
            continue
        if element.name == "table" and not element.closes:
            open_tables.append(element.start in layout)
        flat = bool(open_tables) and open_tables[-1]
        closes = int(element.closes)
        if element.name == "table" and element.closes and open_tables:
            open_tables.pop()
        if flat:
            edits.append((element.start, element.end, _LAYOUT.get(element.name, ("", ""))[closes]))
    return apply(html, edits)


def _layout_tables(html: str, protector: Protector) -> set[int]:
    """Return where layout tables start: marked so, or holding tables, pictures or conditions."""
    layout: set[int] = set()
    stack: list[Element] = []
    for element in elements(html):
        if element.name == "img" and stack:
            layout.add(stack[-1].start)
        if element.name != "table":
            continue
        if not element.closes:
            layout |= {outer.start for outer in stack}
            if (element.get("role") or "") in {"presentation", "none"}:
                layout.add(element.start)
            stack.append(element)
        elif stack:
            opened = stack.pop()
            if protector.has_block(html[opened.end : element.start]):
                layout.add(opened.start)
    return layout


def _spell_out(html: str, protector: Protector) -> str:
    """Write a link's address behind its text and a picture's description in its place."""
    edits: list[tuple[int, int, str]] = []
    address, opened_at = "", 0
    for element in elements(html):
        if element.name == "img":
            alt = (element.get("alt") or "").strip()
            edits.append((element.start, element.end, f"[{escape(alt)}]" if alt else ""))
        elif element.name == "a" and not element.closes:
            address, opened_at = (element.get("href") or "").strip(), element.end
        elif element.name == "a" and address:
            source = html[opened_at : element.start]
            shown = _visible(source)
            readable = address.removeprefix("mailto:").removeprefix("tel:")
            if "<" not in source and shown.startswith(("http://", "https://", "www.")):
                edits.append((opened_at, element.start, str(escape(readable))))
            elif shown != readable and _leads_somewhere(readable, protector):
                edits.append((element.start, element.end, f"</a> &lt;{escape(readable)}&gt;"))
            address = ""
    return apply(html, edits)


def _leads_somewhere(address: str, protector: Protector) -> bool:
    starts = protector.pattern.match(address) is not None or "://" in address
    return starts or "@" in address or address[:1] == "+"


def _visible(html: str) -> str:
    return " ".join(re.sub(r"<[^<>]*+>", " ", html).split())


def _tidy(text: str, protector: Protector) -> str:
    """Drop padding and surplus empty lines; a lone {% if %} takes its line with it."""
    lines = [line.rstrip() for line in text.replace("\u200c", "").split("\n")]
    out: list[str] = []
    for line in lines:
        rest = protector.pattern.sub(
            lambda match: "" if protector.kind_of(match) is Kind.BLOCK else match[0], line
        )
        if line and not rest.strip():
            out.append(line.strip())
            continue
        out.append(line + "\n")
    joined = "".join(out).strip("\n")
    return re.sub(r"\n{3,}", "\n\n", joined) + "\n" if joined else ""
