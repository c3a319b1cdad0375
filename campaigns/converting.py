"""Carries what was written over to another way of writing, as well as that goes.

Simple becomes code without loss; code becomes Simple or plain text with its words and merge tags
but not its looks. The version that was converted is kept (`content.switch`).
"""

import re

from campaigns.models import Content
from campaigns.rendering import checking, frame, markdown, mjml, plain
from campaigns.rendering.errors import ContentError, Where
from campaigns.rendering.protect import Protector
from campaigns.states import ContentKind

_WORDS = frozenset({ContentKind.MARKDOWN, ContentKind.TEXT})
_PLACE = re.compile(r"\{\{\s*content\s*\}\}")


def convert(content: Content, kind: ContentKind) -> str:
    """Return the content's source written as ``kind``; what can't be read stays as it is."""
    now = ContentKind(content.kind)
    if now is kind or not content.source.strip() or {now, kind} <= _WORDS:
        return content.source
    try:
        return _converted(content, now, kind)
    except ContentError:
        return content.source


def is_untouched(content: Content) -> bool:
    """Say whether a version is just what `convert` made of the one before it."""
    before = Content.objects.filter(campaign=content.campaign_id, version=content.version - 1)
    previous = before.select_related("template", "campaign__workspace").first()
    return previous is not None and convert(previous, ContentKind(content.kind)) == content.source


def _converted(content: Content, now: ContentKind, kind: ContentKind) -> str:
    template = content.template.source if content.template else frame.PLAIN_FRAME
    checking.parse(content.source, where=Where.CONTENT)
    protector = Protector(content.source, template)
    source = protector.protect(content.source)
    brand = content.campaign.workspace.brand_colour
    language = content.campaign.workspace.default_language
    if now in _WORDS:
        html = markdown.to_html(source, protector, brand=brand)
    elif now is ContentKind.MJML:
        html = mjml.to_html(mjml.frame(source), protector, language=language, where=Where.CONTENT)
    else:
        html = source
    if kind in _WORDS:
        return protector.as_written(plain.from_html(html, protector)).strip() + "\n"
    if kind is ContentKind.HTML:
        return protector.as_written(html)
    start, end = frame.body_of(html)
    inner = protector.as_written(html[start:end])
    # A function as replacement, so that backslashes of the author stay what they are.
    return _PLACE.sub(lambda _match: f"\n{inner}\n", template)
