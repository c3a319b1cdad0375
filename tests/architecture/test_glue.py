"""One sentence is one message: see `tests.architecture.glue`."""

import ast

import pytest
from jinja2 import Environment

from tests.architecture import glue
from tests.architecture.files import APPS, ROOT

JINJA = Environment(  # noqa: S701 - only parses
    extensions=["jinja2.ext.i18n", "jinja2.ext.do", "jinja2.ext.loopcontrols"]
)


def test_templates_glue_no_sentences() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text}"
        for path in glue.templates(ROOT)
        for line, text in glue.in_template(path.read_text(encoding="utf-8"), JINJA)
    ]
    assert found == []


def test_code_glues_no_sentences() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for app in APPS
        for path in sorted((ROOT / app).rglob("*.py"))
        for line in glue.in_code(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('{{ _("as") }} <strong>{{ name }}</strong>', ["as"]),
        ('<strong>{{ n|number }}</strong> <span>{{ _("of %(m)s get it", m=m) }}</span>', 1),
        ('{{ ngettext("a", "b", n) }} {{ ngettext("gets this", "get this", n) }}', ["get this"]),
        ('{% for x in y %}{{ x }} {% if a %}{{ _("left out") }}{% endif %}{% endfor %}', 1),
        ('{{ _("Made") }} {{ now.isoformat() }}', ["Made"]),
        ('{{ _("Used in") }} {{ a }}, {{ _("until then") }}', ["Used in", "until then"]),
        ('{{ _("It works.") }} {{ value }}', []),
        ('{{ _("Used in:") }} {{ value }}', []),
        ('<dt>{{ _("When") }}</dt><dd>{{ value }}</dd>', []),
        ('{{ value }} · {{ _("opened") }}', []),
        ('{{ icon("x") }} {{ _("Delete") }}', []),
        ('{% if a %}{{ _("never") }}{% else %}{{ value }}{% endif %}', []),
        ('<a title="{{ _("Look") }}">{{ name }}</a>', []),
        ('{{ _("of %(n)s get it", n=n) }}', []),
    ],
)
def test_glue_in_templates_is_found(source: str, found: list[str] | int) -> None:
    texts = [text for _line, text in glue.in_template(source, JINJA)]
    assert (texts if isinstance(found, list) else len(texts)) == found


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('_("a") + name', 1),
        ('" " + ngettext("%(n)s more", "%(n)s more", n) % {"n": n}', 1),
        ('_(" or ").join(parts)', 1),
        ('_("Waits for %(what)s.") % {"what": what or _("a limit")}', 1),
        ('_("Waits for %(what)s.") % {"what": what}', 0),
        ('_("Waits for %(what)s.") % {"what": _(word)}', 0),
        ('" ".join([_("One."), _("Two.")])', 0),
        ("f'[{_(\"Test\")}] {subject}'", 1),
        ("f'{name}'", 0),
    ],
)
def test_glue_in_code_is_found(source: str, found: int) -> None:
    assert len(list(glue.in_code(ast.parse(source)))) == found
