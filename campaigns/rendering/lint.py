"""What is wrong with a source while it is being typed, with lines for the editor's margin."""

from typing import TypedDict

from campaigns.rendering import checking
from campaigns.rendering.compile import Writing
from campaigns.rendering.errors import ContentError
from campaigns.rendering.preview import preview
from campaigns.rendering.values import MergeTags
from campaigns.states import Where


class LineMark(TypedDict):
    """One thing to show at a line (from 1)."""

    line: int
    message: str
    severity: str


def marks(writing: Writing, tags: MergeTags, *, is_template: bool = False) -> list[LineMark]:
    """Check a writing's content, or its template (``is_template``), then try it on an example."""
    source, known, where = writing.source, tags.known, Where.CONTENT
    if is_template:
        source, known, where = writing.template_source, tags.known | {"content"}, Where.TEMPLATE
    found = checking.problems(source.replace("\r\n", "\n"), known, where=where)
    if not found and writing.source.strip():
        found = list(preview(writing, tags).problems)
    return [mark(problem) for problem in found]


def mark(problem: ContentError) -> LineMark:
    """Return a problem as the editor shows it."""
    return LineMark(line=max(problem.line, 1), message=problem.sentence, severity="error")
