"""Carries what was written over to another way of writing, as well as that goes.

Simple becomes code without loss; code becomes Simple or plain text with its words and merge tags
but not its looks. The version that was converted is kept (`content.switch`).
"""

from campaigns.models import Content
from campaigns.rendering import isolation
from campaigns.rendering.convert import WORDS
from campaigns.rendering.errors import ContentError
from campaigns.rendering.stored import writing_of
from campaigns.states import ContentKind


def convert(content: Content, kind: ContentKind) -> str:
    """Return the content's source written as ``kind``; what can't be read stays as it is.

    Raises:
        BusyError: it could not be tried just now.
    """
    now = ContentKind(content.kind)
    if now is kind or not content.source.strip() or {now, kind} <= WORDS:
        return content.source
    try:
        workspace = content.campaign.workspace
        with isolation.on_behalf_of(workspace.pk):
            return isolation.convert(writing_of(content), kind, workspace.default_language)
    except isolation.BusyError:
        raise
    except ContentError:
        return content.source


def is_untouched(content: Content) -> bool:
    """Say whether a version is just what `convert` made of the one before it."""
    before = Content.objects.filter(campaign=content.campaign_id, version=content.version - 1)
    previous = before.select_related("template", "campaign__workspace").first()
    return previous is not None and convert(previous, ContentKind(content.kind)) == content.source
