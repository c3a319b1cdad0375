"""What every mail gets, whatever its author wrote: a document, footer, preheader, open pixel."""

import re
from html import unescape

from django.utils import translation
from django.utils.translation import gettext as _
from markupsafe import escape
from selectolax.lexbor import LexborHTMLParser

from campaigns.rendering import markup
from campaigns.rendering.links import LINK_TAG, PIXEL_TAG
from campaigns.rendering.split_template import MergeTemplate, Slot
from campaigns.rendering.values import MergeTags

_DOCTYPE = re.compile(r"\s*+<!doctype[^>]*+>", re.IGNORECASE)
# What stands before the content where <body> is left out.
_HEAD = frozenset(
    {"html", "head", "title", "meta", "link", "style", "base", "script", "noscript", "xml"}
)
_SENDER = ("workspace_name", "postal_address")
# Fills the rest of the inbox line, so that no words of the mail follow the preheader.
_PADDING = "&#847;&zwnj;&nbsp;" * 60

PLAIN_FRAME = """<mjml><mj-head><mj-attributes>
<mj-all font-family="-apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif" />
<mj-text font-size="16px" line-height="1.6" color="#23211d" padding="0" />
</mj-attributes></mj-head><mj-body background-color="#ffffff" width="600px">
<mj-section padding="24px 20px"><mj-column><mj-text>{{ content }}</mj-text></mj-column></mj-section>
</mj-body></mjml>"""


def document(fragment: str, language: str) -> str:
    """Put a piece of HTML into a whole document."""
    return (
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"></head>\n'
        f"<body>{fragment}</body></html>\n"
    )


def body_of(html: str) -> tuple[int, int]:
    """Return where a document's body begins and ends; a piece of HTML is all body.

    Tags in conditional comments are not the document's own.
    """
    start, end = -1, len(html)
    head_end = 0
    in_head = True
    for element in markup.elements(html):
        if element.in_comment:
            continue
        if element.name == "body" and not element.closes and start < 0:
            start = element.end
        elif element.name == "body" and element.closes:
            end = element.start
        elif element.name in _HEAD and not (element.name == "html" and element.closes):
            head_end = element.end if in_head else head_end
        else:
            in_head = False
    if start < 0:
        start = max(head_end, _end_of_doctype(html))
    return start, max(start, end)


def _end_of_doctype(html: str) -> int:
    match = _DOCTYPE.match(html)
    return match.end() if match else 0


def before_end(html: str, addition: str) -> str:
    """Insert before </body>."""
    _start, at = body_of(html)
    return html[:at] + addition + html[at:]


def with_preheader(html: str, preheader: str) -> str:
    """Insert the line that inboxes show beside the subject, hidden in the mail itself."""
    if not preheader.strip():
        return html
    style = (
        "display:none;font-size:1px;line-height:1px;max-height:0;max-width:0;opacity:0;"
        "overflow:hidden;mso-hide:all"
    )
    hidden = f'<div style="{style}" aria-hidden="true">{preheader}{_PADDING}</div>'
    at, _end = body_of(html)
    return html[:at] + hidden + html[at:]


def with_pixel(html: str) -> str:
    """Insert the open pixel at the very end."""
    style = "display:block;border:0;width:1px;height:1px"
    pixel = f'<img src="{{{{ {PIXEL_TAG} }}}}" width="1" height="1" alt="" style="{style}">'
    return before_end(html, pixel)


def with_hidden_link(html: str) -> str:
    """Insert a link that nobody sees, hears or reaches by keyboard: who follows it is a program.

    It has number 0 and leads nowhere.
    """
    link = (
        f'<a href="{{{{ {LINK_TAG}0 }}}}" style="display:none;mso-hide:all" aria-hidden="true"'
        ' tabindex="-1" rel="nofollow"></a>'
    )
    return before_end(html, link)


def lacks_footer(template: MergeTemplate, tags: MergeTags) -> bool:
    """Tell whether some reader would miss the unsubscribe link or the postal address."""
    address = _letters(tags.constants.get("postal_address", ""))
    shown = _letters(re.sub(r"<[^<>]*+>", "", template.constant))
    return "unsubscribe_url" not in template.unconditional_tags or address not in shown


def shows_unsubscribe(template: MergeTemplate) -> bool:
    """Tell whether a browser finds the unsubscribe link: an open comment would swallow it."""
    address = "https://unsubscribe.invalid/"
    page = "".join(
        part
        if isinstance(part, str)
        else address
        if isinstance(part, Slot) and part.tag == "unsubscribe_url"
        else "x"
        for part in template.parts
    )
    links = LexborHTMLParser(page).css("a[href], area[href]")
    return any(address in (link.attributes.get("href") or "") for link in links)


def html_footer(tags: MergeTags, language: str) -> str:
    """Return the footer that is added when the author's own lacks something.

    The workspace's name and address are never part of a template's source; see `own_constants`.
    """
    sender = _sender(tags)
    with translation.override(language):
        unsubscribe, preferences = escape(_("Unsubscribe")), escape(_("Preferences"))
    style = (
        "padding:24px 16px;text-align:center;font-family:Helvetica,Arial,sans-serif;"
        "font-size:12px;line-height:1.6;color:#6b675f"
    )
    link = '<a href="{{{{ {} }}}}" style="color:#6b675f;text-decoration:underline">{}</a>'
    return (
        f'<div style="{style}">{sender}<br>'
        f"{link.format('unsubscribe_url', unsubscribe)} · "
        f"{link.format('preferences_url', preferences)}</div>"
    )


def text_footer(tags: MergeTags, language: str) -> str:
    """Return the footer of the plain-text part."""
    sender = _sender(tags)
    with translation.override(language):
        unsubscribe, preferences = _("Unsubscribe"), _("Preferences")
    return (
        f"\n-- \n{sender}\n"
        f"{unsubscribe}: {{{{ unsubscribe_url }}}}\n{preferences}: {{{{ preferences_url }}}}\n"
    )


def own_constants(tags: MergeTags) -> dict[str, str]:
    """Return a workspace's values with those of the footer, whose names no author can set."""
    return {**tags.constants, **{f"_{tag}": tags.constants[tag] for tag in _SENDER}}


def language_code(language: str) -> str:
    """Return a language as it may stand in an attribute: letters, digits and hyphens."""
    return "".join(
        letter for letter in language if (letter.isascii() and letter.isalnum()) or letter == "-"
    )


def _sender(tags: MergeTags) -> str:
    shown = [tag for tag in _SENDER if tags.constants[tag]]
    return " · ".join(f"{{{{ _{tag} }}}}" for tag in shown)


def _letters(text: str) -> str:
    return re.sub(r"\W+", "", unescape(text)).casefold()
