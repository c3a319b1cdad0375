"""Values arrive whole and harmless, whatever they hold."""

from html import unescape
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.rendering.links import link_target
from campaigns.rendering.split_template import Block, Slot, merge_template
from campaigns.rendering.values import Trusted, values_for
from tests.campaigns.rendering.writings import TAGS, Reader, html, values

names = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(names)
def test_html_text_shows_exactly_the_value(name):
    shown = merge_template("<p>{{ first_name }}</p>", "html").render({"first_name": name})
    inner = shown.removeprefix("<p>").removesuffix("</p>")
    assert "<" not in inner
    assert ">" not in inner
    assert unescape(inner) == name or "\r" in name or "\x00" in name or not name.isprintable()


@given(names)
def test_a_block_escapes_as_a_slot_does(name):
    slot = merge_template("{{ first_name }}", "html")
    block = merge_template("{% if true %}{{ first_name }}{% endif %}", "html")
    assert isinstance(slot.parts[0], Slot)
    assert isinstance(block.parts[0], Block)
    assert slot.render({"first_name": name}) == block.render({"first_name": name})


@given(names)
def test_plain_text_shows_the_value_as_it_is(name):
    assert merge_template("{{ first_name }}", "text").render({"first_name": name}) == name


@given(names.filter(bool))
def test_a_value_in_an_address_changes_nothing_but_itself(name):
    page = html(
        '<a href="https://x.example/?n={{ first_name }}&amp;b=1">x</a>',
        values=values(first_name=name),
        track_clicks=False,
    )
    address = page.partition('href="')[2].partition('"')[0]
    start, _n, rest = unescape(address).partition("?n=")
    assert start == "https://x.example/"
    value, _amp, end = rest.partition("&")
    assert unquote(value) == name
    assert end == "b=1"


@given(names.filter(bool))
def test_a_click_leads_where_the_mail_would_have(name):
    target = link_target("https://x.example/{{ first_name }}?b=1", values(first_name=name))
    start, _path, rest = target.partition("https://x.example/")
    assert start == ""
    assert unquote(rest.partition("?")[0]) == name
    assert rest.endswith("?b=1")


@pytest.mark.parametrize(
    ("source", "dangerous", "shown"),
    [
        ('<a href="{{ shop }}">x</a>', "javascript:alert(1)", 'href="#"'),
        ('<a href="{{ shop }}">x</a>', "https://a.example/?a=1&b=2", "https://a.example/?a=1&amp;b=2"),
        ('<a href="{{ shop }}">x</a>', "data:text/html,x", 'href="#"'),
        ('<a href="{{ shop }}/x">x</a>', 'https://a.example/" onclick="x', "%22%20onclick=%22x/x"),
        ("<a title={{ city }}>x</a>", "x onclick=y", 'title="x onclick=y"'),
        ("<p {{ city }}>x</p>", "onclick=alert(1)", "<p onclickalert1>"),
        ('<p style="color: {{ city }}">x</p>', "red;background:url(//e)", "redbackgroundurle"),
        ("<style>p { color: {{ city }} }</style>", "} * { x", "color:    x"),
        ('<p style="background:url({{ shop }})">x</p>', "https://a.example/p", "https://a.example/p"),
        ('<script>{"a": "{{ city }}"}</script>', '</script>"', '\\u003c/script\\u003e\\"'),
        ("<td bgcolor='{{ city }}'>", "'><script>", "&#39;&gt;&lt;script&gt;"),
        ("<p>{{ city }}</p>", "{{ 7 * 7 }}", "<p>{{ 7 * 7 }}</p>"),
        ("<img src={{ shop }}>", "https://a.example/a b.png", '"https://a.example/a%20b.png"'),
    ],
)  # fmt: skip
def test_a_value_stays_inside_its_place(source, dangerous, shown):
    given_values = values(city=dangerous, shop=dangerous)
    assert shown in html(source, values=given_values, track_clicks=False)


def test_our_own_addresses_are_left_whole():
    page = html('<a href="{{ unsubscribe_url }}">x</a>', values=values())
    assert 'href="https://news.example/u/T/"' in page


def test_most_of_a_mail_is_constant():
    template = merge_template("a {{ first_name }} b {{ city|default('c') }} d", "html")
    kinds = [part if isinstance(part, str) else type(part).__name__ for part in template.parts]
    assert kinds == ["a ", "Slot", " b ", "Slot", " d"]


def test_workspace_values_become_constant_text():
    template = merge_template("{{ workspace.name }}!", "html", constants=TAGS.constants)
    assert template.parts == ("Kopi Senja!",)


def test_only_what_shares_state_is_kept_together():
    source = "a{{ first_name }}b{% set x = 1 %}c{{ x }}d{{ city }}"
    parts = merge_template(source, "html").parts
    kinds = [part if isinstance(part, str) else type(part).__name__ for part in parts]
    assert kinds == ["a", "Slot", "b", "Block", "d", "Slot"]


@pytest.mark.parametrize(
    ("language", "expected"),
    [("en", ("1250.5", "31 January 2020")), ("id", ("1250,5", "31 Januari 2020"))],
)
def test_numbers_and_dates_read_as_the_person_writes_them(language, expected):
    reader = Reader(language=language, fields={"points": 1250.5, "birthday": "2020-01-31"})
    found = values_for(reader, TAGS)
    assert (found["points"], found["birthday"]) == expected


def test_what_does_not_fit_its_type_stays_as_it_is():
    found = values_for(Reader(fields={"birthday": "soon", "points": "many"}), TAGS)
    assert (found["birthday"], found["points"]) == ("soon", "many")


def test_trusted_is_escaped_in_html_all_the_same():
    shown = merge_template("{{ view_url }}", "html").render({"view_url": Trusted("a&b")})
    assert shown == "a&amp;b"
