"""What an author sees while writing: the mail as one person gets it, mistakes included."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from markupsafe import escape

from campaigns.rendering import checking
from campaigns.rendering.compile import CompiledContent, Writing, compile_content
from campaigns.rendering.errors import ContentError
from campaigns.rendering.split_template import merge_template
from campaigns.rendering.values import (
    SYSTEM_TAGS,
    MergeTags,
    Person,
    Trusted,
    values_for,
)
from campaigns.states import Where


@dataclass(frozen=True, kw_only=True, slots=True)
class ExamplePerson:
    """Somebody to preview as while a workspace has no subscribers."""

    email: str = "dewi@example.com"
    first_name: str = "Dewi"
    last_name: str = "Anggraini"
    language: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """A content as one person gets it. ``html`` is never empty: it shows an error if there is one.

    Serve ``html`` from its own address with ``Content-Security-Policy: sandbox``.
    """

    subject: str
    preheader: str
    html: str
    text: str
    problems: tuple[ContentError, ...]


def preview(writing: Writing, tags: MergeTags, person: Person | None = None) -> Preview:
    """Render a writing for a person (an example without one). Never raises for its content."""
    values = preview_values(tags, person)
    try:
        compiled = compile_content(writing, tags, track_clicks=False, preview=True)
        preheader = merge_template(
            writing.preheader, "preview_text", constants=tags.constants, where=Where.PREHEADER
        )
        return Preview(
            subject=compiled.subject.render(values),
            preheader=preheader.render(values),
            html=_page(compiled, values),
            text=compiled.text.render(values),
            problems=tuple(unknown_tags(writing, tags)),
        )
    except ContentError as error:
        return of_error(writing, error)


def of_error(writing: Writing, error: ContentError) -> Preview:
    """Show why a writing can't be shown."""
    return Preview(
        subject=writing.subject,
        preheader=writing.preheader,
        html=_error_page(error),
        text=str(error),
        problems=(error,),
    )


def preview_values(tags: MergeTags, person: Person | None = None) -> dict[str, str]:
    """Return the values of a preview: links of ours lead nowhere."""
    values = values_for(person or ExamplePerson(), tags)
    return values | dict.fromkeys(SYSTEM_TAGS, Trusted("#"))


def unknown_tags(writing: Writing, tags: MergeTags) -> list[ContentError]:
    """Return everything in the writing that keeps it from being sent, with lines."""
    found: list[ContentError] = []
    for where, source in writing.parts():
        known = tags.known | {"content"} if where is Where.TEMPLATE else tags.known
        found += checking.problems(source, known, where=where)
    return found


def _page(compiled: CompiledContent, values: Mapping[str, str]) -> str:
    if compiled.html is not None:
        return compiled.html.render(values)
    text = escape(compiled.text.render(values))
    style = "margin:24px;font:14px/1.6 ui-monospace,Menlo,Consolas,monospace;white-space:pre-wrap"
    return f'<!doctype html><meta charset="utf-8"><body><pre style="{style}">{text}</pre></body>'


def _error_page(error: ContentError) -> str:
    style = "margin:32px;font:15px/1.6 system-ui,sans-serif;color:#7a2318"
    title = escape(_("This can't be shown yet"))
    return (
        f'<!doctype html><meta charset="utf-8"><body style="{style}">'
        f"<strong>{title}</strong><p>{escape(str(error))}</p></body>"
    )
