"""Pre-flight and preview: what an author is told."""

from dataclasses import replace

import pytest

from campaigns.rendering.compile import Writing
from campaigns.rendering.content_checks import findings
from campaigns.rendering.preview import preview
from campaigns.rendering.values import Untrusted
from campaigns.states import ContentKind, Where
from tests.campaigns.rendering.writings import TAGS, Reader

GOOD = "# Halo {{ first_name|default('friend') }}\n\n[Read](https://a.example/x)"
PEOPLE = [Reader(), Reader(first_name=""), Reader(fields={"points": 0})]


def codes(
    source=GOOD, *, kind=ContentKind.MARKDOWN, subject="News", people=PEOPLE, tags=TAGS, **more
):
    writing = Writing(kind=kind, source=source, subject=subject, **more)
    return [(finding.level, finding.code) for finding in findings(writing, tags, people)]


def test_a_good_mail_has_no_findings():
    assert codes() == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("", [("blocks", "no_content")]),
        ("Hello", [("warns", "no_link")]),
        ("Hi {{ first_nam }}", [("blocks", "error")]),
        (GOOD + "\n\nHi {{ first_name }}", [("warns", "empty_value")]),
        (GOOD + "{% if first_name %}{{ 1 / points }}{% endif %}", [("warns", "merge_error")]),
        (GOOD + "\n\n![](panen.jpg)", [("warns", "picture_address")]),
        ("[x](example.com)", [("blocks", "broken_link")]),
        ("[x](https://)", [("blocks", "broken_link")]),
        (GOOD + "\n\n[x](#)", []),
        (GOOD + "\n\n" + "words " * 20_000, [("warns", "too_large")]),
    ],
    ids=lambda value: str(value)[:40],
)
def test_each_weakness_is_found(source, expected):
    people = [Reader(fields={"points": 1}), Reader(first_name=""), Reader(fields={"points": 0})]
    if "points" in source:
        people = [Reader(fields={"points": 5}), Reader(fields={"points": 0})]
    assert codes(source, people=people) == expected


def test_html_pictures_and_links():
    source = '<img src="https://a.example/p.jpg"><a href="javascript:alert(1)">x</a>'
    assert codes(source, kind=ContentKind.HTML) == [("blocks", "broken_link"), ("warns", "no_alt")]


def test_an_error_for_everybody_blocks():
    source = GOOD + "{{ 1 / points }}"
    assert codes(source, people=[Reader(fields={"points": 0})]) == [("blocks", "merge_error")]


def test_a_missing_subject_blocks():
    assert codes(subject=" ") == [("blocks", "no_subject")]


def test_a_missing_postal_address_blocks():
    tags = replace(TAGS, constants=TAGS.constants | {"postal_address": Untrusted("")})
    assert codes(tags=tags) == [("blocks", "no_postal_address")]


def test_a_finding_says_what_and_how():
    (finding,) = findings(
        Writing(kind=ContentKind.MARKDOWN, source="a\n\n{{ first_nam }}", subject="x"), TAGS
    )
    assert finding.text == (
        "Content, line 3: There is no tag {{ first_nam }}. Did you mean {{ first_name }}?"
    )
    assert (finding.line, finding.tag, finding.where) == (3, "first_nam", Where.CONTENT)
    assert finding.note


def test_a_preview_shows_what_one_person_gets():
    writing = Writing(
        kind=ContentKind.MARKDOWN,
        source="Halo {{ first_name }}, [x](https://a.example/{{ city }})",
        subject="Hi {{ first_name }}",
        preheader="For {{ city }}",
    )
    shown = preview(writing, TAGS, Reader(fields={"city": "Bandung"}))
    assert (shown.subject, shown.preheader, shown.problems) == ("Hi Dewi", "For Bandung", ())
    assert "Halo Dewi" in shown.html
    assert 'href="https://a.example/Bandung"' in shown.html
    assert "/o/" not in shown.html
    assert shown.text.startswith("Halo Dewi, x <https://a.example/Bandung>")


def test_a_preview_shows_unknown_tags_and_reports_them():
    writing = Writing(
        kind=ContentKind.MARKDOWN, source="Halo {{ first_nam }}", subject="Hi {{ frist_name }}"
    )
    shown = preview(writing, TAGS)
    assert shown.subject == "Hi [frist_name?]"
    assert ">[first_nam?]</mark>" in shown.html
    assert shown.text.startswith("Halo [first_nam?]")
    assert [problem.tag for problem in shown.problems] == ["frist_name", "first_nam"]


@pytest.mark.parametrize(
    "source", ["{% if x %}", "{{ '' .__class__ }}", "{{ 9 ** 9 ** 9 }}", "{{ first_name.x.y }}"]
)
def test_a_preview_never_fails(source):
    shown = preview(Writing(kind=ContentKind.MARKDOWN, source=source), TAGS)
    assert shown.problems
    assert shown.html
