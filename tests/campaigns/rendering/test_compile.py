"""Every kind of content becomes a subject, HTML and text that carry what they must."""

import re

import pytest

from campaigns.rendering.errors import ContentError
from campaigns.rendering.values import Untrusted
from campaigns.states import ContentKind, Where
from tests.campaigns.rendering.writings import TAGS, compiled, html, text, values

MJML = """<mjml><mj-body>
<mj-section><mj-column>
{% if vip %}
<mj-text>Hello {{ first_name|default("friend") }},
<a href="https://a.example/{{ city }}">see</a></mj-text>
{% else %}
<mj-text>Hello all</mj-text>
{% endif %}
<mj-button href="https://a.example/go?x={{ city|default("x") }}">Go {{ city }}</mj-button>
</mj-column></mj-section></mj-body></mjml>"""
COLUMN, COLUMN_END = "<mj-section><mj-column>", "</mj-column></mj-section>"
DOCUMENT = """<!DOCTYPE html>
<html><head><title>T</title></head>
<body bgcolor=white>
<!--[if mso]><table><tr><td><v:roundrect href="https://a.example/b" arcsize="8%"><![endif]-->
<table><tr>{% for d in drinks %}<td>{{ d }}</td>{% endfor %}</tr></table>
<A HREF='https://a.example/b'>b</A> <br/> <a href="mailto:x@a.example">m</a>
<a href="#top">t</a> <a href="tel:+62">c</a>
</body></html>
"""


def test_markdown_in_the_plain_frame():
    page = html("# Halo {{ first_name }}\n\n**Bold** and <b>raw</b>", ContentKind.MARKDOWN)
    assert re.search(r"<h1 style=[^>]*>Halo Dewi</h1>", page)
    assert "<strong>Bold</strong> and &lt;b&gt;raw&lt;/b&gt;" in page


def test_a_line_break_in_simple_writing_is_one_in_the_mail():
    page = html("Warm regards,\nDewi\n\nPS", ContentKind.MARKDOWN)
    assert re.search(r"Warm regards,<br[ /]*>\s*Dewi</p>", page)


def test_markdown_in_a_template():
    frame = (
        "<mjml><mj-head><mj-style>h1 { color: #123456 }</mj-style></mj-head><mj-body><mj-section>"
        "<mj-column>{{ content }}<mj-text>by {{ workspace.name }}</mj-text></mj-column>"
        "</mj-section></mj-body></mjml>"
    )
    page = html("# Halo", ContentKind.MARKDOWN, template_source=frame)
    assert "color: #123456" in page.partition("Halo")[0].rpartition("<h1")[2]
    assert "by Kopi Senja" in page


def test_a_button_is_a_tracked_table_with_the_brand_colour():
    page = html("::button[See **it**](https://a.example/x)", ContentKind.MARKDOWN, brand="#aa0011")
    assert 'bgcolor="#aa0011"' in page
    assert re.search(
        r'<a href="https://news.example/c/T/1/"[^>]*>See <strong>it</strong></a>', page
    )


def test_conditions_on_lines_of_their_own_leave_no_empty_paragraph():
    source = "One\n{% if vip %}\nTwo\n{% endif %}\nThree"
    page = html(source, ContentKind.MARKDOWN, values=values(vip=False))
    assert re.findall(r"<p[^>]*>(.*?)</p>", page) == ["One", "Three"]
    page = html(source, ContentKind.MARKDOWN, values=values(vip=True))
    assert re.findall(r"<p[^>]*>(.*?)</p>", page) == ["One", "Two", "Three"]


def test_loops_make_table_rows_and_list_items():
    source = (
        "| a | b |\n|---|---|\n{% for d in drinks %}\n| {{ d }} | x |\n{% endfor %}\n\n"
        "{% for d in drinks %}\n- {{ d }}\n{% endfor %}\n"
    )
    page = html(source, ContentKind.MARKDOWN, values=values(drinks=["tea", "coffee"]))
    assert re.findall(r"<td[^>]*>(tea|coffee)</td>", page) == ["tea", "coffee"]
    assert re.findall(r"<li[^>]*>(.*?)</li>", page) == ["tea", "coffee"]


def test_bare_addresses_in_markdown_are_links():
    content = compiled("See https://a.example/x?a=1&b={{ city }}. And <https://b.example>")
    assert content.links == ("https://a.example/x?a=1&b={{ city }}", "https://b.example")


@pytest.mark.parametrize("vip", [True, False])
def test_mjml_with_conditions_between_elements(vip):
    page = html(MJML, ContentKind.MJML, values=values(vip=vip, city="Bandung"))
    assert ("Hello Dewi" in page) is vip
    assert ("Hello all" in page) is not vip
    assert "Go Bandung" in page
    assert "zq" not in page
    assert "{" not in re.sub(r"<style.*?</style>", "", page, flags=re.DOTALL)


def test_mjml_keeps_conditional_comments():
    source = (
        "<mjml><mj-body><!-- <oops> --><mj-section><mj-column>"
        "<mj-raw><!--[if mso]><p>Outlook</p><![endif]--></mj-raw>"
        "<mj-text>x</mj-text></mj-column></mj-section></mj-body></mjml>"
    )
    page = html(source, ContentKind.MJML)
    assert "<!--[if mso]><p>Outlook</p><![endif]-->" in page


def test_conditions_in_tables_and_outlooks_comments_survive_inlining():
    source = (
        "<html><head><style>p { color: red }</style></head><body>"
        "<!--[if mso]>{% if vip %}<p>x</p>{% endif %}<![endif]-->"
        '<p title="a > {% if vip %}b{% endif %}"></p>'
        "<table>{% if vip %}<tr><td>y</td></tr>{% endif %}</table></body></html>"
    )
    page = html(source, values=values(vip=True))
    assert "<!--[if mso]><p>x</p><![endif]-->" in page
    assert 'title="a &gt; b"' in page
    assert "<table><tr><td>y</td></tr></table>" in page
    assert "<tr>" not in html(source, values=values(vip=False))


def test_mjml_links_keep_their_merge_tags():
    assert compiled(MJML, ContentKind.MJML).links == (
        "https://a.example/{{ city }}",
        'https://a.example/go?x={{ city|default("x") }}',
    )


@pytest.mark.parametrize(
    ("source", "line", "sentence"),
    [
        ("<mjml>\n<mj-body>\n<mj-section>\n</mj-body></mjml>", 3, "<mj-section> is opened"),
        ("<mjml><mj-body>\n<mj-foo/></mj-body></mjml>", 2, "no element <mj-foo>"),
        ("<mjml><mj-body>\n<mj-include path='/etc/passwd'/></mj-body></mjml>", 2, "mj-include"),
        ("<mjml><mj-body>\n\nLost</mj-body></mjml>", 3, "would be lost"),
        (
            f"<mjml><mj-body>{COLUMN}\n<mj-text\n<mj-divider/>{COLUMN_END}</mj-body></mjml>",
            2,
            "lone",
        ),
        (
            f"<mjml><mj-body>{COLUMN}\n<mj-text>a{COLUMN_END}</mj-body></mjml>",
            2,
            "<mj-text> is opened",
        ),
        ("<mjml><mj-body></mj-body></mjml></mjml>", 1, "never opened"),
        ("<mjml><mj-body>\n{{ first_nam }}</mj-body></mjml>", 2, "Did you mean"),
    ],
)
def test_mjml_mistakes_are_named_with_their_line(source, line, sentence):
    with pytest.raises(ContentError, match=re.escape(sentence)) as caught:
        compiled(source, ContentKind.MJML)
    assert caught.value.line == line


def test_a_document_without_style_sheets_stays_as_it_was_written():
    page = html(
        DOCUMENT,
        values=values(drinks=["tea"]),
        track_clicks=False,
        track_opens=False,
    )
    written = DOCUMENT.replace("{% for d in drinks %}<td>{{ d }}</td>{% endfor %}", "<td>tea</td>")
    before, _div, rest = page.partition('<div style="padding:24px')
    assert before == written.partition("</body>")[0]
    assert rest.endswith("</div></body></html>\n")


def test_links_in_conditional_comments_are_the_same_link():
    content = compiled(DOCUMENT, ContentKind.HTML)
    assert content.links == ("https://a.example/b",)
    page = content.html.render(values())
    assert page.count("https://news.example/c/T/1/") == 2
    assert 'href="mailto:x@a.example"' in page
    assert 'href="#top"' in page
    assert 'href="tel:+62"' in page


def test_style_sheets_are_inlined_and_kept_for_media_queries():
    source = (
        "<html><head><style>p { color: red } @media (max-width: 9px) { p { margin: 0 } }</style>"
        "</head><body><table>{% for d in drinks %}<tr><td><p>{{ d }}</p></td></tr>{% endfor %}"
        "</table></body></html>"
    )
    page = html(source, values=values(drinks=["tea", "coffee"]))
    assert page.count('<p style="color: red;">') == 2
    assert "@media (max-width: 9px)" in page
    table = page.partition("<table>")[2].partition("</table>")[0]
    assert table.index("tea") < table.index("coffee")


def test_a_fragment_gets_a_document():
    page = html("<p>Hi</p>")
    assert page.startswith("<!doctype html>")
    assert page.rstrip().endswith("</html>")


def test_plain_text_has_no_html_part():
    content = compiled("Hi {{ first_name }}, see https://a.example/x.", ContentKind.TEXT)
    assert content.html is None
    shown = content.text.render(values())
    assert shown.startswith("Hi Dewi, see https://news.example/c/T/1/.\n")
    assert "Unsubscribe: https://news.example/u/T/" in shown


def test_the_text_part_is_made_from_the_html():
    source = (
        "# Halo {{ first_name }}\n\nThe [Gayo lots](https://a.example/x) came.\n\n"
        "![Drying beds](https://a.example/p.jpg)\n\n::button[See](https://a.example/y)\n\n"
        "- one\n- two\n\nhttps://a.example/z\n"
    )
    assert text(source).partition("\n\n-- ")[0] == (
        "Halo Dewi\n\n"
        "The Gayo lots <https://news.example/c/T/1/> came.\n\n"
        "[Drying beds]\n\n"
        "See <https://news.example/c/T/2/>\n\n"
        "  * one\n  * two\n\n"
        "https://news.example/c/T/3/"
    )


def test_a_given_text_part_is_tracked_with_the_same_numbers():
    content = compiled(
        "[a](https://a.example/a) [b](https://a.example/b)",
        text="b: https://a.example/b\na: https://a.example/a",
    )
    assert content.links == ("https://a.example/a", "https://a.example/b")
    assert content.text.render(values()).startswith(
        "b: https://news.example/c/T/2/\na: https://news.example/c/T/1/\n"
    )


@pytest.mark.parametrize("kind", ContentKind)
def test_everybody_gets_an_unsubscribe_link_and_the_postal_address(kind):
    source = "<mjml><mj-body></mj-body></mjml>" if kind is ContentKind.MJML else "Hello"
    content = compiled(source, kind)
    for template in (content.html, content.text):
        if template is not None:
            shown = template.render(values())
            assert "https://news.example/u/T/" in shown
            assert "Jl. Braga 12, Bandung" in shown


def test_an_own_footer_is_enough():
    source = '<p>Jl. Braga 12<br>Bandung</p><a href="{{ unsubscribe_url }}">Leave</a>'
    page = html(source)
    assert page.count("https://news.example/u/T/") == 1


def test_a_footer_that_only_some_see_is_not_enough():
    source = (
        "<p>Jl. Braga 12, Bandung</p>{% if vip %}"
        '<a href="{{ unsubscribe_url }}">Leave</a>{% endif %}'
    )
    assert html(source, values=values(vip=False)).count("https://news.example/u/T/") == 1


@pytest.mark.parametrize("opened", ["<!-- ", "<textarea>", "<script>", "<title>"])
def test_nothing_left_open_hides_the_unsubscribe_link(opened):
    with pytest.raises(ContentError, match="never closed"):
        compiled(f"<p>Hello</p>{opened}", ContentKind.HTML)


def test_unsubscribe_and_view_links_are_not_tracked():
    source = '<a href="{{ unsubscribe_url }}">u</a><a href="{{ view_url }}">v</a>'
    assert compiled(source, ContentKind.HTML).links == ()


def test_links_with_a_loops_own_values_are_left_as_they_are():
    source = '{% for d in drinks %}<a href="https://a.example/{{ d }}">x</a>{% endfor %}'
    content = compiled(source, ContentKind.HTML)
    assert content.links == ()
    page = content.html.render(values(drinks=["a b", "c"]))
    assert 'href="https://a.example/a%20b"' in page
    assert 'href="https://a.example/c"' in page


def test_links_of_earlier_versions_keep_their_numbers():
    content = compiled(
        "[c](https://c.example) [a](https://a.example)",
        known_links=("https://a.example", "https://b.example"),
    )
    assert content.links == ("https://a.example", "https://b.example", "https://c.example")


def test_without_tracking_there_is_neither_pixel_nor_number():
    page = html("<a href='https://a.example'>a</a>", track_opens=False, track_clicks=False)
    assert "/o/" not in page
    assert "/c/" not in page


def test_the_pixel_comes_last():
    page = html("<html><body><p>x</p></body></html>")
    assert re.search(r'<img src="https://news.example/o/T.gif"[^>]*></body></html>\s*$', page)


def test_the_preheader_comes_first_and_is_hidden_and_not_in_the_text():
    page = html(
        "Hi", ContentKind.MARKDOWN, preheader="Three <lots>, {{ city }}", values=values(city="B&B")
    )
    body = page.partition("<body")[2].partition(">")[2]
    assert body.startswith('<div style="display:none')
    assert "Three &lt;lots&gt;, B&amp;B" in body
    assert "lots" not in text("Hi", preheader="Three <lots>")


def test_the_subject_becomes_the_title():
    assert "<title>Hi Dewi</title>" in html(
        "x", ContentKind.MARKDOWN, subject="Hi {{ first_name }}"
    )


@pytest.mark.parametrize(
    ("part", "where"),
    [("subject", Where.SUBJECT), ("preheader", Where.PREHEADER), ("text", Where.TEXT)],
)
def test_a_typo_keeps_any_part_from_being_sent(part, where):
    with pytest.raises(ContentError) as caught:
        compiled("Hi", **{part: "{{ first_nam }}"})
    assert caught.value.where is where


def test_a_template_without_a_place_for_the_writing():
    with pytest.raises(ContentError, match="content") as caught:
        compiled("Hi", template_source="<mjml><mj-body></mj-body></mjml>")
    assert caught.value.where is Where.TEMPLATE


def test_words_that_look_like_ours_in_the_source_do_no_harm():
    page = html("<p>zq7n0qz zq8n1qz {{ first_name }}</p>")
    assert "<p>zq7n0qz zq8n1qz Dewi</p>" in page


def test_the_same_content_gives_the_same_bytes():
    assert (
        compiled(MJML, ContentKind.MJML).html.constant
        == compiled(MJML, ContentKind.MJML).html.constant
    )


def test_a_postal_address_with_markup_is_escaped():
    from dataclasses import replace

    tags = replace(TAGS, constants=TAGS.constants | {"postal_address": Untrusted("<b>A & B</b>")})
    page = html("Hi", ContentKind.HTML, tags=tags)
    assert "&lt;b&gt;A &amp; B&lt;/b&gt;" in page
