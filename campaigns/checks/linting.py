"""Finds what is wrong with a source as it is typed, with lines for the editor's margin."""

from accounts.models import Workspace
from campaigns import lengths
from campaigns.drafts import previewing
from campaigns.rendering import isolation
from campaigns.rendering.compile import Writing
from campaigns.rendering.lint import LineMark
from campaigns.rendering.values import merge_tags
from campaigns.states import ContentKind


def content(source: str, kind: ContentKind, *, workspace: Workspace) -> list[LineMark]:
    """Check a campaign's content."""
    with isolation.on_behalf_of(workspace.pk):
        return isolation.lint(
            Writing(kind=kind, source=source[: lengths.SOURCE]), merge_tags(workspace)
        )


def template(source: str, *, workspace: Workspace) -> list[LineMark]:
    """Check a template's MJML with a sample text in it."""
    with isolation.on_behalf_of(workspace.pk):
        writing = previewing.sample(source[: lengths.SOURCE], workspace)
        return isolation.lint(writing, merge_tags(workspace), is_template=True)
