"""One revision is turned into a page once, however many ask about it and in which way."""

from typing import Any

import mrml
import pytest

from campaigns.rendering.compile import Writing, _page, compile_content
from campaigns.rendering.content_checks import findings
from campaigns.rendering.preview import ExamplePerson, preview
from campaigns.rendering.split_template import MergeTemplate
from campaigns.states import ContentKind
from tests.campaigns.rendering.writings import TAGS

TEMPLATE = (
    "<mjml><mj-body><mj-section><mj-column><mj-text>Kopi Senja</mj-text><mj-raw>{{ content }}"
    "</mj-raw></mj-column></mj-section></mj-body></mjml>"
)
LETTER = Writing(
    kind=ContentKind.MARKDOWN,
    subject="Halo {{ first_name }}",
    preheader="Untuk {{ first_name }}",
    source="Halo {{ first_name }}, [baca](https://kopisenja.example/{{ first_name }})",
    template_source=TEMPLATE,
)
WHOLE = Writing(
    kind=ContentKind.MJML,
    subject="Halo",
    source=TEMPLATE.replace("{{ content }}", "<p>{{ first_name }}</p>"),
)


@pytest.fixture
def conversions(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    done: list[str] = []
    real = mrml.to_html

    def to_html(source: str, *options: Any) -> Any:
        done.append(source)
        return real(source, *options)

    monkeypatch.setattr(mrml, "to_html", to_html)
    _page.cache_clear()
    return done


@pytest.mark.parametrize("writing", [LETTER, WHOLE], ids=["markdown", "mjml"])
def test_preview_checks_and_sending_convert_a_revision_once(
    writing: Writing, conversions: list[str]
) -> None:
    people = [ExamplePerson(first_name=name) for name in ("Dewi", "Ana", "Budi")]
    shown = preview(writing, TAGS, people[0])
    assert not shown.problems
    findings(writing, TAGS, people)
    first = compile_content(writing, TAGS)
    assert compile_content(writing, TAGS) == first
    assert len(conversions) == 1


def test_another_revision_is_converted_anew(conversions: list[str]) -> None:
    for source in ("Satu", "Dua"):
        written = Writing(kind=ContentKind.MARKDOWN, source=source, template_source=TEMPLATE)
        assert source in preview(written, TAGS).html
    assert len(conversions) == 2


def test_a_converted_revision_is_filled_in_as_a_fresh_one(conversions: list[str]) -> None:
    fresh = compile_content(LETTER, TAGS)
    preview(LETTER, TAGS)
    again = compile_content(LETTER, TAGS)
    assert isinstance(again.html, MergeTemplate)
    assert again == fresh
    assert again.links == ("https://kopisenja.example/{{ first_name }}",)
