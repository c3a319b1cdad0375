"""Members' words: tags are looked up, never run, and nothing of a value acts."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.signup import wording

VALUES = {"first_name": "Ana", "lists": "Weekly", "confirm_url": "https://w.example/confirm/x/"}
HOSTILE = st.text(
    alphabet=st.sampled_from(list("<>\"'&()[]{}|*_`\\\r\n\0 :/=;#!ab\u2028\u202e\x85é中"))
)


def test_markdown_tags_and_fall_backs():
    found = wording.render(
        'Hi **{{ first_name }}**, {{ city|default("friend") }}\n\n- one\n'
        "- [here]({{ confirm_url }})",
        VALUES,
    )
    assert "<p>Hi <strong>Ana</strong>, friend</p>" in found.html
    assert '<a href="https://w.example/confirm/x/">here</a>' in found.html
    assert found.plain.startswith("Hi Ana, friend\n\n- one")
    assert "here: https://w.example/confirm/x/" in found.plain


@given(HOSTILE, HOSTILE)
def test_no_value_becomes_markup_or_a_link(value, other):
    plain = wording.render("A {{ a }} [b]({{ b }}) [c](https://x.example/?q={{ a }})", {})
    found = wording.render(
        "A {{ a }} [b]({{ b }}) [c](https://x.example/?q={{ a }})", {"a": value, "b": other}
    )
    tags = re.compile(r"<[^>]*>")
    bare = [re.sub(r'href="[^"]*"', "", tag) for tag in tags.findall(found.html)]
    assert bare == [re.sub(r'href="[^"]*"', "", tag) for tag in tags.findall(plain.html)]
    assert all(
        href.startswith(("https://", "http://")) or href == "#"
        for href in re.findall(r'href="([^"]*)"', found.html)
    )


@given(HOSTILE)
def test_no_text_becomes_html_that_acts(text):
    html = wording.render(text, VALUES).html.lower()
    assert not re.search(
        r"<(?!/?(p|em|strong|ul|ol|li|a|h[1-6]|code|pre|br|hr|blockquote)\b)", html
    )
    assert not re.search(r"<[^>]*\son\w+\s*=", html)
    for href in re.findall(r'href="([^"]*)"', html):
        assert href.startswith(("https://", "http://", "mailto:", "#"))


@given(HOSTILE, HOSTILE)
def test_a_subject_is_one_line(text, value):
    subject = wording.one_line(text + "{{ first_name }}", {"first_name": value})
    assert len(subject.splitlines()) <= 1
    assert not re.search(r"[\r\n\0\x85\u2028]", subject)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{ password }}", "not known here"),
        ("{% for x in y %}", "Braces hold a tag"),
        ("{{ first_name.__class__ }}", "Braces hold a tag"),
        ("{{ 7*7 }}", "Braces hold a tag"),
        ("{{ first_name|upper }}", "Braces hold a tag"),
        ("a\x07b", "control character"),
    ],
)
def test_what_would_not_be_filled_in_is_refused(text, words):
    (problem,) = wording.problems(text, tags=VALUES)
    assert words in problem
    assert wording.render(text, VALUES).html


@pytest.mark.parametrize(
    "text",
    [
        "[x](javascript:alert(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        "[x](//evil.example)",
        "![x](https://evil.example/pixel.gif)",
        "<img src=x onerror=alert(1)>",
        '<https://evil.example/" onclick=alert(1)>',
    ],
)
def test_links_pictures_and_html_that_could_act(text):
    html = wording.render(text, VALUES).html
    assert "<img" not in html
    assert "<script" not in html
    assert 'href="javascript' not in html
    assert 'href="data' not in html
    assert 'href="//' not in html
    assert not re.search(r"<a[^>]*onclick", html)
