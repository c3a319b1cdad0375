"""What templates may and may not do."""

import pytest
from django.template import engines
from jinja2 import UndefinedError

from config.pages import icons


def render(source: str, **context: object) -> str:
    return engines["jinja2"].from_string(source).render(context)


def test_values_are_escaped() -> None:
    assert render("{{ name }}", name="<b>") == "&lt;b&gt;"


def test_a_name_that_nobody_passed_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        render("{% if nobody %}x{% endif %}")


def test_a_key_may_be_asked_for_but_not_printed() -> None:
    assert render("{% if item.note %}x{% endif %}", item={}) == ""
    with pytest.raises(UndefinedError):
        render("{{ item.note }}", item={})


def test_texts_take_their_values_by_name_and_escape_them() -> None:
    assert render("{{ _('Hello %(name)s', name=name) }}", name="<b>") == "Hello &lt;b&gt;"
    assert render("{{ ngettext('%(num)s person', '%(num)s people', 2) }}") == "2 people"


def test_an_icon_is_hidden_unless_it_has_a_name() -> None:
    assert 'aria-hidden="true"' in icons.icon("send")
    assert 'role="img" aria-label="&lt;Send&gt;"' in icons.icon("send", label="<Send>")
    with pytest.raises(FileNotFoundError):
        icons.icon("no-such-icon")
