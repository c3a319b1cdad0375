"""Writes a content in another kind: Simple, HTML, MJML or plain text."""

import re

from campaigns.rendering import checking, frame, markdown, mjml, plain
from campaigns.rendering.compile import Writing
from campaigns.rendering.protect import Protector
from campaigns.states import ContentKind, Where

WORDS = frozenset({ContentKind.MARKDOWN, ContentKind.TEXT})
_PLACE = re.compile(r"\{\{\s*content\s*\}\}")


def convert(writing: Writing, kind: ContentKind, language: str) -> str:
    """Return a writing's source in another kind.

    Raises:
        ContentError: it can't be read.
    """
    template = writing.template_source or frame.PLAIN_FRAME
    checking.parse(writing.source, where=Where.CONTENT)
    protector = Protector(writing.source, template)
    source = protector.protect(writing.source)
    if writing.kind in WORDS:
        html = markdown.to_html(source, protector, brand=writing.brand)
    elif writing.kind is ContentKind.MJML:
        html = mjml.to_html(mjml.frame(source), protector, language=language, where=Where.CONTENT)
    else:
        html = source
    if kind in WORDS:
        return protector.as_written(plain.from_html(html, protector)).strip() + "\n"
    if kind is ContentKind.HTML:
        return protector.as_written(html)
    start, end = frame.body_of(html)
    inner = protector.as_written(html[start:end])
    # A function as replacement, so that backslashes of the author stay what they are.
    return _PLACE.sub(lambda _match: f"\n{inner}\n", template)
