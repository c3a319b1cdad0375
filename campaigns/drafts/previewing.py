"""Documents for the preview's frame: a campaign or a template, as one person would see it."""

import re

from django.utils.html import escape
from django.utils.translation import gettext as _

from accounts.models import Workspace
from campaigns import starters
from campaigns.models import Template
from campaigns.rendering import isolation
from campaigns.rendering.compile import Writing
from campaigns.rendering.errors import ContentError
from campaigns.rendering.preview import Preview
from campaigns.rendering.values import merge_tags
from campaigns.states import ContentKind

_DARK_QUERY = re.compile(r"\(\s*prefers-color-scheme\s*:\s*dark\s*\)", re.IGNORECASE)
_HEAD_END = re.compile(r"</head\s*>", re.IGNORECASE)
# What a mail program that turns colours round makes of a mail without dark colours of its own.
_TURNED_ROUND = (
    "<style>html{background:#fff;filter:invert(1) hue-rotate(180deg)}"
    "img{filter:invert(1) hue-rotate(180deg)}</style>"
)
# Always true and always false wherever a media query allows a condition.
_YES, _NO = "(min-width: 0px)", "(max-width: 0px)"
_LIGHT = "<style>:root{color-scheme:light!important;scrollbar-width:thin}</style>"
_DARK = "<style>:root{color-scheme:dark!important;scrollbar-width:thin}</style>"
_TEXT = (
    '<!doctype html><meta charset="utf-8"><title>{}</title><style>'
    "body{{margin:0;padding:24px;font:14px/1.65 ui-monospace,Menlo,Consolas,monospace;"
    "white-space:pre-wrap;overflow-wrap:anywhere;color:#1c2321;background:#fff}}"
    "</style><body>{}</body>"
)


def document(shown: Preview, *, view: str = "") -> str:
    """Return a previewed mail as a document for the frame.

    ``view`` "text" shows the plain-text part, "dark" the mail's dark colours (or, if it has none,
    what a mail program that turns colours round makes of it).
    """
    if view == "text":
        return _TEXT.format(escape(_("Plain text")), escape(shown.text))
    # The reader's own theme must not decide: "dark" is dark, everything else is light.
    html, has_dark = _DARK_QUERY.subn(_YES if view == "dark" else _NO, shown.html)
    extra = _LIGHT
    if view == "dark":
        extra = _DARK if has_dark else _LIGHT + _TURNED_ROUND
    head = _HEAD_END.search(html)
    return extra + html if head is None else html[: head.start()] + extra + html[head.start() :]


def template_preview(source: str, workspace: Workspace) -> Preview:
    """Show a template with a sample text in it, as an invented person sees it."""
    with isolation.on_behalf_of(workspace.pk):
        return isolation.preview(sample(source, workspace), merge_tags(workspace))


def template_problem(template: Template) -> str:
    """Say what is wrong with a template's source, "" if nothing is."""
    workspace = template.workspace
    try:
        with isolation.on_behalf_of(workspace.pk):
            isolation.compile_content(
                sample(template.source, workspace), merge_tags(workspace), on_page=True
            )
    except ContentError as error:
        return str(error)
    return ""


def sample(source: str, workspace: Workspace) -> Writing:
    """Put a sample text into a template's source."""
    return Writing(
        kind=ContentKind.MARKDOWN,
        source=starters.sample_text(),
        subject="{{ workspace_name }}",
        template_source=source,
        brand=workspace.brand_colour,
    )
