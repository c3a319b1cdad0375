"""Words that members write for public pages and mails: Markdown with merge tags, no more.

A tag is looked up, never run: ``{{ first_name }}`` or ``{{ first_name|default("friend") }}``. So
there is no language in it that could loop, call or reach anything
(docs/decisions/0041-tags-in-public-texts.md). HTML is shown as text, pictures are left out,
links lead to http, https and mailto only, and a value is only ever text in its place.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import quote

from django.utils.translation import gettext as _
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup, escape

TAG = re.compile(
    r"\{\{\s*(?P<name>[a-z_][a-z0-9_]*)\s*"
    r"(?:\|\s*default\(\s*(?P<quote>[\"'])(?P<other>[^\"'{}\n]*)(?P=quote)\s*\)\s*)?\}\}"
)
LEFT_OVER = re.compile(r"\{[{%#]|[}%#]\}")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u0085\u2028\u2029]")
WORD = "wartatag{}x"  # letters that Markdown and links leave alone
FOUND = re.compile(r"wartatag(\d+)x")
ENDS = frozenset({"paragraph_close", "heading_close", "bullet_list_close"})
HREF = re.compile(r'href="([^"]*)"')


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """A text for one reader; ``plain`` spells links out."""

    html: Markup
    plain: str


def problems(text: str, *, tags: Iterable[str]) -> list[str]:
    """Say what is wrong with a text, in sentences; nothing is wrong with an empty list."""
    known = set(tags)
    found = [
        _("{{ %(tag)s }} is not known here. You can use: %(tags)s.")
        % {"tag": match["name"], "tags": ", ".join(sorted(known))}
        for match in TAG.finditer(text)
        if match["name"] not in known
    ]
    if LEFT_OVER.search(TAG.sub("", text)):
        found.append(
            _(
                "Braces hold a tag and nothing else, like {{ first_name }}; no {%% if %%} here."
            ).replace("%%", "%")
        )
    if CONTROL.search(text):
        found.append(_("There is an invisible control character in it. Write it anew."))
    return found


def one_line(text: str, values: Mapping[str, str]) -> str:
    """Fill a subject in: one line whatever the values hold (RFC 5322 section 2.2)."""
    return " ".join(CONTROL.sub(" ", TAG.sub(lambda match: _value(match, values), text)).split())


def render(text: str, values: Mapping[str, str]) -> Rendered:
    """Fill a text in and make HTML and plain text of it."""
    filled: list[str] = []

    def note(match: re.Match[str]) -> str:
        filled.append(_value(match, values))
        return WORD.format(len(filled) - 1)

    source = TAG.sub(note, FOUND.sub("", CONTROL.sub("", text)))
    tokens = _parser().parse(source)
    html = _parser().renderer.render(tokens, _parser().options, {})
    html = HREF.sub(lambda match: f'href="{escape(_address(match[1], filled))}"', html)
    html = FOUND.sub(lambda match: str(escape(filled[int(match[1])])), html)
    plain = FOUND.sub(lambda match: filled[int(match[1])], _plain(tokens))
    return Rendered(html=Markup(html), plain=plain)  # noqa: S704 - every part is escaped above


def _value(match: re.Match[str], values: Mapping[str, str]) -> str:
    return values.get(match["name"], "") or match["other"] or ""


def _address(href: str, filled: list[str]) -> str:
    """Fill tags of a link: one that is the whole link must be an address, others are quoted."""
    href = href.replace("&amp;", "&")
    whole = FOUND.fullmatch(href)
    if whole:
        value = filled[int(whole[1])]
        return value if value.startswith(("https://", "http://")) else "#"
    return FOUND.sub(lambda match: quote(filled[int(match[1])], safe=""), href)


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).disable(["image", "html_block"])
    parser.validateLink = (  # type: ignore[method-assign]  # markdown-it's own way to narrow it
        lambda url: bool(re.match(r"(https?://|mailto:|wartatag\d+x$)", url))
    )
    return parser


def _plain(tokens: list[Token]) -> str:
    lines: list[str] = []
    bullet = ""
    for token in tokens:
        if token.type == "list_item_open":
            bullet = f"{token.info}. " if token.info else "- "
        elif token.type == "inline":
            lines.append(bullet + _inline(token.children or []))
            bullet = ""
        elif token.type in {"fence", "code_block"}:
            lines.append(token.content.rstrip())
        elif token.type == "hr":
            lines.append("---")
        elif token.type in ENDS and lines and lines[-1]:
            lines.append("")
    return "\n".join(lines).strip()


def _inline(children: list[Token]) -> str:
    out: list[str] = []
    target = ""
    label_from = 0
    for token in children:
        if token.type == "link_open":
            target = str(token.attrGet("href") or "")
            label_from = len(out)
        elif token.type == "link_close":
            label = "".join(out[label_from:])
            if label != target:
                out.append(f": {target}" if label else target)
        elif token.type in {"softbreak", "hardbreak"}:
            out.append("\n")
        else:
            out.append(token.content)
    return "".join(out)
