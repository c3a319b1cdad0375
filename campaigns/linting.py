"""Finds what is wrong with a source as it is typed, with lines for the editor's margin."""

from typing import TypedDict

from accounts.models import Workspace
from campaigns import previewing
from campaigns.rendering import checking
from campaigns.rendering.compile import Writing
from campaigns.rendering.errors import ContentError, Where
from campaigns.rendering.preview import preview
from campaigns.rendering.values import merge_tags
from campaigns.states import ContentKind

MAX_CHECKED = 1_000_000  # characters; more can't be saved anyway


class Mark(TypedDict):
    """One thing to show at a line (from 1)."""

    line: int
    message: str
    severity: str


def content(source: str, kind: ContentKind, *, workspace: Workspace) -> list[Mark]:
    """Check a campaign's content."""
    tags = merge_tags(workspace)
    return _marks(source, tags.known, Where.CONTENT) or _tried(
        Writing(kind=kind, source=source[:MAX_CHECKED]), workspace
    )


def template(source: str, *, workspace: Workspace) -> list[Mark]:
    """Check a template's MJML with a sample text in it."""
    known = merge_tags(workspace).known | {"content"}
    return _marks(source, known, Where.TEMPLATE) or _tried(
        previewing.sample(source[:MAX_CHECKED], workspace), workspace
    )


def _marks(source: str, known: frozenset[str], where: Where) -> list[Mark]:
    found = checking.problems(source[:MAX_CHECKED].replace("\r\n", "\n"), known, where=where)
    return [_mark(problem) for problem in found]


def _tried(writing: Writing, workspace: Workspace) -> list[Mark]:
    """Fill it in for an invented person, which finds what only running it can find."""
    if not writing.source.strip():
        return []
    return [_mark(problem) for problem in preview(writing, merge_tags(workspace)).problems]


def _mark(problem: ContentError) -> Mark:
    return Mark(line=max(problem.line, 1), message=problem.sentence, severity="error")
