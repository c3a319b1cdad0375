"""A workspace's own values are data: they never become part of a template."""

from dataclasses import replace

import pytest

from campaigns.rendering.compile import Writing
from campaigns.rendering.preview import preview
from campaigns.rendering.values import Untrusted
from campaigns.states import ContentKind
from tests.campaigns.rendering.writings import TAGS, compiled, values

NASTY = [
    "Kopi {% Senja",
    "Kopi {{ Senja",
    "{{ 1 + 1 }}",
    "{% for a in 'abc' %}{{ a }}{% endfor %}",
    "{# Senja #}",
    "}} %} #}",
    "{% raw %}",
    "{% endraw %}",
    "a\\b'\"<i>",
]


def tags_with(value):
    constants = dict.fromkeys(("workspace_name", "postal_address", "website"), Untrusted(value))
    return replace(TAGS, constants=constants)


@pytest.mark.parametrize("value", NASTY)
@pytest.mark.parametrize("kind", ContentKind)
def test_they_are_shown_as_they_are(kind, value):
    tags = tags_with(value)
    source = "{{ workspace_name }}"
    content = compiled(source, kind, tags=tags, subject="{{ workspace.name }}")
    assert content.subject.render() == value
    text = content.text.render(values())
    assert f"\n-- \n{value} · {value}\n" in text
    shown = preview(Writing(kind=kind, source=source, subject="{{ workspace_name }}"), tags)
    assert (shown.subject, shown.problems) == (value, ())


@pytest.mark.parametrize("kind", ContentKind)
def test_an_author_cannot_take_the_address_out_of_the_footer(kind):
    source = "{% set postal_address = '' %}{% set workspace_name = 'x' %}{{ workspace_name }}"
    given = values()
    content = compiled(source, kind)
    assert "Kopi Senja · Jl. Braga 12, Bandung" in content.text.render(given)
    if content.html:
        assert "Kopi Senja · Jl. Braga 12, Bandung" in content.html.render(given)
