"""Simple writing: Markdown with tables, pictures and buttons, into HTML that mail programs show."""

import re

from django.utils.translation import gettext as _
from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markupsafe import escape

from accounts.choices import USUAL_COLOUR, is_colour
from campaigns.rendering import web_addresses
from campaigns.rendering.errors import ContentError
from campaigns.rendering.inlining import inlined
from campaigns.rendering.protect import Kind, Protector

MAX_BLOCKS = 15_000  # tokens, three for each cell: a table of 700 bytes can have 12,000 cells
_BUTTON = re.compile(r"::button\[(?P<label>[^\]\n]+)\]\((?P<url>\S+)\)\s*")

# Sizes and spaces only: font and colour come from the frame around the writing.
_STYLE = """
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 16px; font-weight: 700; }
h2 { font-size: 20px; line-height: 1.3; margin: 28px 0 12px; font-weight: 700; }
h3 { font-size: 17px; line-height: 1.35; margin: 24px 0 8px; font-weight: 700; }
h4, h5, h6 { font-size: 16px; line-height: 1.4; margin: 20px 0 8px; font-weight: 700; }
p { margin: 0 0 16px; line-height: 1.6; }
a { color: BRAND; }
ul, ol { margin: 0 0 16px; padding: 0 0 0 24px; line-height: 1.6; }
li { margin: 0 0 6px; }
blockquote { margin: 0 0 16px; padding: 0 0 0 16px; border-left: 3px solid #d9d6cf; }
hr { border: 0; border-top: 1px solid #e2dfd8; margin: 24px 0; }
img { max-width: 100%; height: auto; border: 0; border-radius: 8px; }
pre { margin: 0 0 16px; padding: 12px; background: #f4f2ee; overflow: auto; }
code { font-family: Menlo, Consolas, monospace; font-size: 0.92em; }
table.data { border-collapse: collapse; width: 100%; margin: 0 0 16px; }
table.data th { text-align: left; padding: 8px; border-bottom: 2px solid #d9d6cf; }
table.data td { padding: 8px; border-bottom: 1px solid #e2dfd8; vertical-align: top; }
table.button { border-collapse: separate; margin: 8px 0 24px; }
table.button td { border-radius: 8px; background: BRAND; text-align: center; }
table.button a { display: inline-block; padding: 13px 26px; color: #ffffff; font-weight: 700;
  line-height: 1.2; text-decoration: none; border-radius: 8px; }
"""


def _button(state: StateBlock, start: int, _end: int, silent: bool) -> bool:  # noqa: FBT001 - markdown-it's signature
    """Read ``::button[label](url)`` on a line of its own."""
    line = state.src[state.bMarks[start] + state.tShift[start] : state.eMarks[start]]
    match = _BUTTON.fullmatch(line)
    if match is None:
        return False
    if silent:
        return True
    url = state.md.normalizeLink(match["url"])
    token = state.push("html_block", "", 0)
    frame = (
        '<table role="presentation" class="button" border="0" cellpadding="0" cellspacing="0">'
        '<tr><td bgcolor="BRAND"><a href="{}">{}</a></td></tr></table>\n'
    )
    token.content = frame.format(escape(url), state.md.renderInline(match["label"]))
    token.map = [start, start + 1]
    state.line = start + 1
    return True


def _bare_addresses(state: StateCore) -> None:
    """Make links of web addresses in running text."""
    for block in state.tokens:
        if block.type != "inline" or not block.children or "://" not in block.content:
            continue
        children: list[Token] = []
        depth = 0
        for token in block.children:
            depth += {"link_open": 1, "link_close": -1}.get(token.type, 0)
            if token.type != "text" or depth:
                children.append(token)
            else:
                children += _linked(token.content)
        block.children = children


def _linked(text: str) -> list[Token]:
    out: list[Token] = []
    for piece, is_address in web_addresses.linked(text):
        if is_address:
            out.append(Token("link_open", "a", 1, attrs={"href": piece}))
        out.append(Token("text", "", 0, content=piece))
        if is_address:
            out.append(Token("link_close", "a", -1))
    return out


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(
        ["table", "strikethrough"]
    )
    parser.block.ruler.before(
        "paragraph", "button", _button, {"alt": ["paragraph", "blockquote", "list"]}
    )
    parser.core.ruler.after("inline", "bare_addresses", _bare_addresses)
    return parser


_PARSER = _parser()


def to_html(source: str, protector: Protector, *, brand: str, css: str = "") -> str:
    """Turn protected Markdown into HTML with its styles inlined.

    ``brand`` colours links and buttons (#rrggbb), ``css`` adds a frame's own rules, which win.
    """
    colour = brand if is_colour(brand) else USUAL_COLOUR
    blocks = _PARSER.parse(_set_apart(source, protector))
    if len(blocks) > MAX_BLOCKS:
        raise ContentError(
            _(
                "This has more than %(limit)d paragraphs and table cells. "
                "Split it up, or link to it."
            )
            % {"limit": MAX_BLOCKS // 3}
        )
    html = _PARSER.renderer.render(blocks, _PARSER.options, {})
    html = _unwrap(html, protector).replace("<table>", '<table class="data">')
    html = html.replace('<td bgcolor="BRAND">', f'<td bgcolor="{colour}">')
    return inlined(html, protector, sheets=(_STYLE.replace("BRAND", colour), css))


def _is_block_line(line: str, protector: Protector) -> bool:
    rest = protector.pattern.sub(
        lambda match: "" if protector.kind_of(match) is Kind.BLOCK else match[0], line
    )
    return not rest.strip() and bool(line.strip())


def _set_apart(source: str, protector: Protector) -> str:
    """Give {% if %} and {% for %} on a line of their own a paragraph of their own.

    Not between rows of a table, which an empty line would end.
    """
    lines = source.replace("\r\n", "\n").split("\n")
    out: list[str] = []
    fenced = False
    for index, line in enumerate(lines):
        fenced ^= line.lstrip().startswith(("```", "~~~"))
        beside = [out[-1] if out else "", lines[index + 1] if index + 1 < len(lines) else ""]
        in_table = any(text.lstrip().startswith("|") for text in beside)
        if _is_block_line(line, protector) and not fenced and not in_table:
            out += ["", line.strip(), ""]
        else:
            out.append(line)
    return "\n".join(out)


def _unwrap(html: str, protector: Protector) -> str:
    """Take the paragraph or table row away from around a lone {% if %}."""
    word = protector.pattern.pattern.replace("(", "(?:")
    paragraph = re.compile(rf"<p>(\s*+(?:{word}\s*+)++)</p>")
    row = re.compile(rf"<tr>\s*+<td>((?:{word})++)</td>(?:\s*+<td></td>)*+\s*+</tr>")

    def bare(match: re.Match[str]) -> str:
        return match[1].strip() if _is_block_line(match[1], protector) else match[0]

    return row.sub(bare, paragraph.sub(bare, html))
