"""An author is not trusted with this machine."""

from time import perf_counter

import pytest

from campaigns.rendering import checking
from campaigns.rendering.compile import Writing
from campaigns.rendering.content_checks import findings
from campaigns.rendering.errors import ContentError
from campaigns.rendering.preview import preview
from campaigns.rendering.split_template import merge_template
from campaigns.states import ContentKind, Where
from tests.campaigns.rendering.writings import TAGS, Reader, values

DOUBLE = "{% set a = a ~ a %}"
BOMBS = {
    "repeat text": "{{ 'a' * 999999999 }}",
    "repeat list": "{% for x in [1] * 999999999 %}{% endfor %}",
    "power": "{{ 9 ** 9 ** 9 }}",
    "square": "{% set a = 7 %}" + "{% set a = a * a %}" * 60 + "{{ a }}",
    "format width": "{{ '%0999999999d' % 1 }}",
    "double text": "{% set a = 'xxxxxxxxxx' %}" + DOUBLE * 60 + "{{ a }}",
    "add text": "{% set a = 'xxxxxxxxxx' %}" + "{% set a = a + a %}" * 60 + "{{ a }}",
    "double by block": "{% set a = 'xxxxxxxxxx' %}"
    + "{% set a %}{{ a }}{{ a }}{% endset %}" * 60
    + "{{ a }}",
    "double by filter": "{% set a = 'xxxxxxxxxx' %}"
    + "{% set a %}{% filter upper %}{{ a }}{{ a }}{% endfilter %}{% endset %}" * 60,
    "replace": "{% set a = 'x' %}" + "{% set a = a|replace('x', 'xxxxxxxxxx') %}" * 30,
    "join": "{% set a = 'xxxxxxxxxx' %}" + "{% set a = a|join(a) %}" * 30 + "{{ a }}",
    "macro without end": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "macro tree": "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}"
    "{{ m(60) }}",
    "loops in loops": "{% set s %}" + "x" * 5000 + "{% endset %}"
    "{% for a in s %}{% for b in s %}{% for c in s %}{% endfor %}{% endfor %}{% endfor %}",
    "loops that write": "{% for a in '" + "x" * 2000 + "' %}" + "y" * 5000 + "{% endfor %}",
    "loops that skip": "{% set s %}" + "x" * 9000 + "{% endset %}"
    "{% for a in s if false %}{% endfor %}"
    * 1
    + "{% for a in s %}{% for b in s if false %}{% endfor %}{% endfor %}",
    "compare in a loop": "{% set s %}"
    + "x" * 9000
    + "{% endset %}{% set t %}"
    + "x" * 9000
    + "{% endset %}{% for a in s %}"
    + "{% if s == t and s in t %}{% endif %}" * 2000
    + "{% endfor %}",
    "filters that write nothing": "{% set s %}"
    + "x" * 9000
    + "{% endset %}{% for a in s %}"
    + "{% if s|replace('x', '')|upper %}{% endif %}" * 2000
    + "{% endfor %}",
    "slices": "{% set s %}"
    + "x" * 9000
    + "{% endset %}{% for a in s %}"
    + "{% if s[::-1] %}{% endif %}" * 2000
    + "{% endfor %}",
    "many conditions": "{% set s %}"
    + "x" * 9000
    + "{% endset %}{% for a in s %}{% if "
    + "not a or " * 30_000
    + "a %}{% endif %}{% endfor %}",
    "many blocks that are each within bounds": "{% for a in 'xxxxxxxxxx' %}"
    + "y" * 90_000
    + "{% endfor %}"
    "{{ first_name }}" * 1 + ("{% for a in 'xxxxxxxxxx' %}" + "y" * 80_000 + "{% endfor %}") * 9,
    "loops in a macro": "{% macro m() %}{% for a in 'xxxxxxxxxx' %}" + "y" * 9000 + "{% endfor %}"
    "{% endmacro %}{% for a in '" + "x" * 2000 + "' %}{% set z = m() %}{% endfor %}",
}


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("mode", ["html", "text"])
def test_a_bomb_goes_off_harmlessly(name, mode):
    start = perf_counter()
    with pytest.raises(ContentError):
        merge_template(BOMBS[name], mode).render(values())
    assert perf_counter() - start < 20  # a bomb would take hours or all memory


REFUSED = {
    "{{ ''.__class__ }}": "“.__class__” is not available",
    "{{ first_name.__class__.__mro__ }}": "is not available",
    "{{ first_name.upper() }}": "Only macros can be called",
    "{{ first_name['__class__'] }}": "can't be read",
    "{{ first_name|attr('__class__') }}": "“attr” is not available",
    "{{ lipsum() }}": "Only macros can be called",
    "{{ range }}": "There is no tag {{ range }}",
    "{{ self }}": "There is no tag {{ self }}",
    "{{ cycler.__init__.__globals__ }}": "is not available",
    "{% include 'settings.py' %}": "Only if, for, set",
    "{% import 'x' as y %}": "Only if, for, set",
    "{% extends 'x' %}": "Only if, for, set",
    "{% block x %}{% endblock %}": "Only if, for, set",
    "{% autoescape false %}{{ first_name }}{% endautoescape %}": "Only if, for, set",
    "{% for x in drinks recursive %}{% endfor %}": "Only if, for, set",
    "{{ first_name|safe }}": "|safe is not available",
    "{% set ns.x = 1 %}": "Only if, for, set",
    "{% macro m() %}{% endmacro %}{{ m.name }}": "can't be read",
    "{% for x in drinks %}{{ loop.__class__ }}{% endfor %}": "is not available",
    "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}": "too deeply nested",
    "{{ 1" + "|upper" * 5000 + " }}": "too deeply nested",
    "{% if x %}": "never closed",
    "{{ first_name }": "can't be read",
    "{{ _link_1 }}": "There is no tag",
    "{% set _link_1 = 'x' %}": "underscore",
    "{% set a = [1] %}{% set b = [a, a] %}": "only fixed values",
    "{% macro m() %}{{ varargs }}{% endmacro %}{{ m(1) }}": "“varargs” is not available",
    "{% macro m() %}{{ kwargs }}{% endmacro %}{{ m(a=1) }}": "“kwargs” is not available",
    "{% macro m(a) %}{% set varargs = a %}{{ m(varargs) }}{% endmacro %}": "is not available",
    "{% macro m(a) %}{% endmacro %}{{ m(*[1]) }}": "“*” is not available",
    "{% macro m(a) %}{% endmacro %}{{ m(**{'a': 1}) }}": "“*” is not available",
    "{{ first_name|replace(*['a', 'b']) }}": "“*” is not available",
    "{% if first_name is in(*[1]) %}{% endif %}": "“*” is not available",
    "{% set d = {1: 'a', 2305843009213693952: 'b'} %}": "only fixed values",
    "{% set d = {(1, 2): 'a'} %}": "only fixed values",
    "{% macro m(a) %}{% set b = [a, a] %}{% endmacro %}": "only fixed values",
    "{% macro m() %}{% endmacro %}{% call(a) m() %}{% set b = (a,) %}{% endcall %}": "only fixed",
    "{{ 1 / 0 }}": "divided by zero",
    "{{ [1, 2]|upper }}": "Join it first",
}


def checked_and_rendered(source):
    checking.check(source, TAGS.known, where=Where.CONTENT)
    return merge_template(source, "html").render(values())


@pytest.mark.parametrize("source", REFUSED, ids=lambda source: source[:40])
def test_what_is_not_for_mails_is_refused_with_a_sentence(source):
    with pytest.raises(ContentError) as caught:
        checked_and_rendered(source)
    assert REFUSED[source] in caught.value.sentence


@pytest.mark.parametrize(
    "source",
    [
        source
        for source, sentence in REFUSED.items()
        if not sentence.startswith(("There is no tag", "underscore"))
    ],
    ids=lambda source: source[:40],
)
def test_nothing_refused_is_run_unchecked(source):
    """Previews, links and subjects of old mails show unknown tags, but pass the same gate."""
    with pytest.raises(ContentError):
        merge_template(source, "preview_html").render(values())


@pytest.mark.parametrize(
    "source",
    [
        "{{ first_name|uper }}",
        "{{ first_name is uper }}",
        "{% block a %}{% endblock %}{% block a %}{% endblock %}",
        "{% macro m(a, a) %}{% endmacro %}",
        "{% set x %}",
        "{{ first_name|upper(1, 2, 3, 4) }}",
        "{% for a in drinks %}" * 30 + "{% endfor %}" * 30,
        "{% if vip %}" * 120 + "{% endif %}" * 120,
        "{{ " + "[" * 250 + "]" * 250 + " }}",
        "{{ " + "9" * 5000 + " }}",
        "{{ caller() }}",
        "{{ loop }}",
        "{{ self() }}",
    ],
    ids=lambda source: source[:40],
)
@pytest.mark.parametrize("kind", ContentKind)
def test_a_preview_shows_what_is_wrong_whatever_is_written(source, kind):
    shown = preview(Writing(kind=kind, source=source, subject=source, preheader=source), TAGS)
    assert shown.problems
    writing = Writing(kind=kind, source=source, subject="x")
    assert findings(writing, TAGS, [Reader()])[0].blocks


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("{{ first_name|default('friend') }}", "Dewi"),
        ("{{ city|default('your city') }}", "your city"),
        ("{{ city|d('x')|upper }}", "X"),
        ("{% if points > 100 %}A{% else %}B{% endif %}", "A"),
        ("{% if vip %}A{% else %}B{% endif %}", "B"),
        ("{{ vip }} {{ points }} {{ points|number }}", "no 1250 1,250"),
        ("{{ birthday }} {{ birthday|date('j F') }}", "31 January 2020 31 January"),
        ("{% if birthday < '2021-01-01' %}old{% endif %}", "old"),
        ("{% for d in drinks %}{{ loop.index }}{{ d }}{{ '/' if not loop.last }}{% endfor %}",
         "1tea/2coffee"),
        ("{{ drinks }} {{ drinks|length }} {{ 'tea' in drinks }} {{ 'te' in drinks }}",
         "tea, coffee 2 True False"),
        ("{{ points + 10 }} {{ points * 2 }} {{ points // 100 }}", "1260 2500 12"),
        ("{% if 100 < points <= 1250 and 'a' not in drinks %}A{% endif %}", "A"),
        ("{{ points == 1250 }} {{ points != 1250 }} {{ vip == false }}", "True False True"),
        ("{{ first_name ~ ' & ' ~ last_name }}", "Dewi & Anggraini"),
        ("{{ first_name[0] }}{{ first_name[:2] }}", "DDe"),
        ("{% set total = points * 2 %}{{ total }} and {{ total + 1 }}", "2500 and 2501"),
        ("{% if vip %}{% set hi = 'A' %}{% else %}{% set hi = 'B' %}{% endif %}-{{ hi }}-", "-B-"),
        ("{% macro m(x) %}<{{ x }}>{% endmacro %}{{ m('a') }}{{ m('b') }}", "<a><b>"),
        ("{% with x = 'y' %}{{ x }}{% endwith %}", "y"),
        ("{% for p in [{'n': 'a', 'u': 1}, {'n': 'b', 'u': 2}] %}{{ p.n }}{{ p.u }}{% endfor %}",
         "a1b2"),
        ("{% raw %}{{ first_name }}{% endraw %}", "{{ first_name }}"),
        ("{# nothing #}a", "a"),
        ("{{ workspace.name }}, {{ workspace.website }}", "Kopi Senja, https://kopisenja.example"),
        ("{{ first_name|truncate(3) }}|{{ last_name|lower|title }}", "De…|Anggraini"),
        ("{{ favourite_coffee }}", "Gayo"),
        ("{{ name }} {{ email }}", "Dewi Anggraini dewi@example.com"),
        ("{{ points is odd }} {{ city is defined }} {{ first_name is defined }}",
         "False False True"),
    ],
)  # fmt: skip
def test_what_authors_write(source, shown):
    checking.check(source, TAGS.known, where=Where.CONTENT)
    given = values(
        points=1250,
        vip=False,
        birthday="2020-01-31",
        drinks=["tea", "coffee"],
        **{"favourite-coffee": "Gayo"},
    )
    assert merge_template(source, "text").render(given) == shown


def test_a_typo_is_named_with_its_line_and_what_was_meant():
    source = "Hello\n\n{{ first_nam }}\n{{ shop|uper }}"
    first, second = checking.problems(source, TAGS.known, where=Where.CONTENT)
    assert (first.line, first.tag) == (3, "first_nam")
    assert first.sentence == "There is no tag {{ first_nam }}. Did you mean {{ first_name }}?"
    assert (second.line, second.tag) == (4, "uper")
    assert "“upper”" in second.sentence


def test_a_typo_in_a_branch_that_nobody_reaches_is_found_too():
    source = "{% if false %}{{ frist_name }}{% endif %}"
    assert len(checking.problems(source, TAGS.known, where=Where.CONTENT)) == 1


def test_rendering_in_threads_keeps_budgets_apart():
    from concurrent.futures import ThreadPoolExecutor

    template = merge_template("{% for a in drinks %}{{ a }}{% endfor %}", "text")
    bomb = merge_template(BOMBS["loops in loops"], "text")

    def good(number):
        return template.render(values(drinks=[str(number), "x"]))

    with ThreadPoolExecutor(4) as pool:
        exploding = pool.submit(bomb.render, values())
        assert list(pool.map(good, range(200))) == [f"{number}x" for number in range(200)]
        with pytest.raises(ContentError):
            exploding.result()
