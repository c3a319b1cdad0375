"""What an author wrote arrives: addresses, braces, Outlook's tricks, MJML's attributes."""

import re

import pytest

from campaigns.rendering.escapes import leads_somewhere
from campaigns.rendering.links import link_target
from campaigns.states import ContentKind
from tests.campaigns.rendering.writings import compiled, html, text, values

HTML, MARKDOWN, MJML, TEXT = (
    ContentKind.HTML,
    ContentKind.MARKDOWN,
    ContentKind.MJML,
    ContentKind.TEXT,
)


def mjml(inner, head=""):
    return (
        f"<mjml><mj-head>{head}</mj-head><mj-body><mj-section><mj-column>{inner}"
        "</mj-column></mj-section></mj-body></mjml>"
    )


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("https://a.example/?lang=en&region=eu", "https://a.example/?lang=en&region=eu"),
        ("https://a.example/?a=1&amp;region=eu", "https://a.example/?a=1&region=eu"),
        ("https://a.example/?a=1&amp;amp;b=2", "https://a.example/?a=1&amp;b=2"),
        ("https://a.example/?a=1&copy=2&para=3&not=4", "https://a.example/?a=1&copy=2&para=3&not=4"),
        ("https://a.example/?a&notit;b&ampx=1", "https://a.example/?a&notit;b&ampx=1"),
        ("https://a.example/?a=1&copy;=2", "https://a.example/?a=1©=2"),
        ("https://a.example/?a=1&#38;b=2&#x26;c=3&#38d", "https://a.example/?a=1&b=2&c=3&d"),
        ("https://a.example/?q=a&lt", "https://a.example/?q=a<"),
        ("https://a.example/?b={{ city }}&region=x", "https://a.example/?b={{ city }}&region=x"),
        ("\n  https://a.example/x\n  ?y=1\n", "https://a.example/x  ?y=1"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    ("kind", "source"),
    [
        (HTML, '<a href="{}">x</a>'),
        (HTML, "<html><head><style>a{color:red}</style></head><a id=b href='{}'>x</a></html>"),
        (MJML, mjml('<mj-text><a href="{}">x</a></mj-text>')),
        (MJML, mjml('<mj-button href="{}">x</mj-button>')),
        (MJML, mjml("<mj-image src='https://a.example/p.png' href='{}' />")),
    ],
)  # fmt: skip
def test_a_link_is_stored_as_a_browser_reads_it(kind, source, written, url):
    assert compiled(source.replace("{}", written), kind).links == (url,)


def test_a_pictures_address_keeps_its_ampersands():
    page = html(mjml('<mj-image src="https://a.example/?a=1&region=2" alt="x"/>'), MJML)
    assert 'src="https://a.example/?a=1&region=2"' in page
    page = html('<img src="https://a.example/?a={{ city }}&region=2">', values=values(city="x"))
    assert 'src="https://a.example/?a=x&amp;region=2"' in page


def test_markdown_keeps_ampersands():
    source = "[x](https://a.example/?a=1&copy=2)\n\n::button[y](https://a.example/?b=1&region=2)"
    assert compiled(source).links == (
        "https://a.example/?a=1&copy=2",
        "https://a.example/?b=1&region=2",
    )


@pytest.mark.parametrize(
    ("written", "target"),
    [
        ("https://shop.example/日本語", "https://shop.example/%E6%97%A5%E6%9C%AC%E8%AA%9E"),
        ("https://münchen.example/ä?ö=ü#ß", "https://xn--mnchen-3ya.example/%C3%A4?%C3%B6=%C3%BC#%C3%9F"),
        ("https://MÜNCHEN.example:8443/", "https://xn--mnchen-3ya.example:8443/"),
        ("https://u:p@日本.example/", "https://u:p@xn--wgv71a.example/"),
        ("https://a.example/a b", "https://a.example/a%20b"),
        ("https://a.example/%E6%97%A5 %2F%", "https://a.example/%E6%97%A5%20%2F%"),
        ('https://a.example/"q"?<x>#`', "https://a.example/%22q%22?%3Cx%3E#%60"),
        ("https://a.example/it's(1)[2]", "https://a.example/it's(1)[2]"),
        ("https://[2001:db8::1]:8080/é", "https://[2001:db8::1]:8080/%C3%A9"),
        ("https://a.example/👨‍👩‍👧", "https://a.example/%F0%9F%91%A8%E2%80%8D%F0%9F%91%A9%E2%80%8D%F0%9F%91%A7"),
        ("HTTPS://a.example\\b", "HTTPS://a.example/b"),
        ("https://a.example/{{ city }}é", "https://a.example/K%C3%B6ln%C3%A9"),
        ("mailto:a@b.example?subject=Grüße", "mailto:a@b.example?subject=Gr%C3%BC%C3%9Fe"),
    ],
)  # fmt: skip
def test_a_click_leads_to_ascii(written, target):
    assert link_target(written, values(city="Köln")) == target


def test_a_persons_address_is_ascii_too():
    page = html('<a href="{{ shop }}">x</a>', values=values(shop="https://münchen.example/ä b"),
                track_clicks=False)  # fmt: skip
    assert 'href="https://xn--mnchen-3ya.example/%C3%A4%20b"' in page


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("https://en.wikipedia.org/wiki/Mercury_(planet)", None),
        ("https://a.example/a_(b)_(c)?d=(e)", None),
        ("(https://a.example/x)", "https://a.example/x"),
        ("(see https://a.example/x_(y))", "https://a.example/x_(y)"),
        ("https://a.example/x).", "https://a.example/x"),
        ("[https://a.example/x]", "https://a.example/x"),
        ("https://a.example/x?y=(1)&z", None),
        ("“https://a.example/x”…", "https://a.example/x"),
        ("https://a.example/x/?!", "https://a.example/x/"),
        ("https://a.example/日本語。次", "https://a.example/日本語"),
        ("HTTPS://A.example/x,", "HTTPS://A.example/x"),
    ],
)
def test_an_address_in_running_text_ends_where_it_ends(written, url):
    url = url or written
    assert compiled(f"See {written} for more", TEXT).links == (url,)
    assert compiled(f"See {written} for more", MARKDOWN).links == (url,)
    if url == written:
        assert compiled(f"[x]({url})", MARKDOWN).links == (url,)
        assert compiled(f"::button[x]({url})", MARKDOWN).links == (url,)
        assert f"x <{url}>" in text(f'<a href="{url}">x</a>', HTML, track_clicks=False)


@pytest.mark.parametrize(
    "url",
    ["sms:+6281234", "sms:+62812?body=Hi", "webcal://a.example/x.ics", "geo:-6.2,106.8", "maps:q=x",
     "whatsapp://send?text=x", "tg://resolve?domain=x", "facetime:a@b.example", "callto:x",
     "itms-apps://apps.apple.com/x", "market://details?id=x", "intent://x#Intent;scheme=y;end",
     "skype:x?call", "kopisenja://menu/1", "com.example.app://open", "fb-messenger://x",
     "mailto:a@b.example", "tel:+62", "HTTPS://a.example", "ftp://a.example/x", "xmpp:a@b.example",
     "signal://x", "sip:a@b.example", "matrix:r/x:y", "spotify:track:1", "bitcoin:1abc"],
)  # fmt: skip
def test_an_authors_link_may_open_any_app(url):
    assert leads_somewhere(url)


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "JavaScript:x", "vbscript:x", "data:text/html,x", "file:///etc/passwd",
     "blob:x", "view-source:https://a.example", "ms-msdt:/id", "ms-word:ofe|u|x", "search-ms:q",
     "about:blank", "example.com", "www.example.com/x", "localhost:8000/x", "example.com:80",
     "htps://a.example", "http:/x", "https://", "mailto:", "tel:", "//a.example", "/x", "",
     "mailto", "kopi:menu", "https://[x", "java\nscript:x"],
)  # fmt: skip
def test_what_harms_or_leads_nowhere_is_none(url):
    assert not leads_somewhere(url)


@pytest.mark.parametrize(
    "source",
    [
        "<style>@media(max-width:600px){#body{width:100%}}</style><p>{# gone #}x</p>",
        '<style>.a{{"x"}b</style><p>x</p>',
        '<script type="application/ld+json">{"a":{{"@type":"B"}},"c":"{%d"}</script><p>x</p>',
        "<script>function a(){{return 1}}if(x){#y;}</script><p>x</p>",
        "<p>x {# never closed</p>",
        "<p>{# a {# b #}x</p>",
    ],
)
@pytest.mark.parametrize("kind", [HTML, MJML])
def test_braces_that_are_no_tags_stay(source, kind):
    expected = re.sub(r"\{# (?:gone|b) #\}", "", source)
    if kind is MJML:
        source = mjml(f"<mj-raw>{source}</mj-raw>")
    assert expected in html(source, kind)


@pytest.mark.parametrize("kind", [HTML, MARKDOWN, TEXT])
def test_comments_and_tags_of_ours_still_work(kind):
    shown = text("a{# x\n y #}b {{ first_name }} {% raw %}{{ z }}{#{% endraw %}", kind)
    assert "ab Dewi {{ z }}{#" in shown


def test_merge_tags_in_style_sheets_still_work():
    source = "<style>p{color:{{ city }}}@media print{{% if vip %}p{margin:0}{% endif %}}</style>x"
    page = html(source, values=values(city="red", vip=True))
    assert "p{color:red}@media print{p{margin:0}}" in page
    assert "@media print{}" in html(source, values=values(city="red", vip=False))


@pytest.mark.parametrize(
    "inner",
    [
        '<p style="\n color:red">x</p>',
        "<p style='font-family:\"Times New Roman\"'>x</p>",
        '<p title="नमस्ते \u200f مرحبا 👨‍👩‍👧">x</p>',
        "<!--[if mso]><v:rect href='\nhttps://b.example'></v:rect><![endif]-->x",
        "<![if !mso]>a<![endif]>&copy; &nbsp;&lt;b&gt; é<br><IMG Src=a.png ALT='\"'><o:p></o:p>",
        "a < b <p>no end<li>tag",
        "<table><tr><td nowrap WIDTH='1'>\\n \\u{94d}</table>",
    ],
)  # fmt: skip
@pytest.mark.parametrize("element", ["mj-text", "mj-raw", "mj-table", "mj-button"])
def test_what_mjml_only_passes_on_arrives_as_written(inner, element):
    assert inner in html(mjml(f"<{element}>{inner}</{element}>"), MJML, track_clicks=False)


def test_mjmls_own_attributes_arrive_as_written():
    source = mjml(
        "<mj-image alt='नमस्ते \"du\"' title='a\n b' src='\nhttps://a.example/ü\n.png'"
        " href='\nhttps://a.example/x' padding='\n1px\n2px' />"
        "<mj-text font-family='\"Times New Roman\", serif' color='\nred'>x</mj-text>"
    )
    page = html(source, MJML, track_clicks=False)
    assert 'alt="नमस्ते &quot;du&quot;"' in page
    assert 'title="a\n b"' in page
    assert 'src="https://a.example/ü.png"' in page
    assert 'href="https://a.example/x"' in page
    assert "padding:1px 2px;" in page
    assert "font-family:'Times New Roman', serif;" in page
    assert "color:red;" in page


def test_mjmls_head_arrives_as_written():
    head = (
        '<mj-title>Say "hi"</mj-title><mj-preview>a &amp; b — नमस्ते</mj-preview>'
        '<mj-style>.x > p:before{content:"\\201C"}@media(x){#a{b:c}}</mj-style>'
        "<mj-style inline='inline'>.big p{font-size:30px}</mj-style>"
        "<mj-attributes><mj-all font-family='\"Open Sans\"' /></mj-attributes>"
    )  # fmt: skip
    page = html(mjml('<mj-text css-class="big"><p>x</p></mj-text>', head), MJML)
    assert "<title>Say &quot;hi&quot;</title>" in page
    assert 'aria-label="Say &quot;hi&quot;"' in page
    assert "a &amp; b — नमस्ते" in page
    assert '.x > p:before{content:"\\201C"}@media(x){#a{b:c}}' in page
    assert '<p style="font-size: 30px;">x</p>' in page
    assert "font-family:'Open Sans'" in page


def test_jinja_in_mjmls_attributes_arrives():
    source = mjml(
        "<mj-image src='https://a.example/{{ city }}.png' alt='{{ city|default(\"x\") }}' />"
        "{% if vip %}\n<mj-text>\n<p style='{% if vip %}color:red{% endif %}'>{{ city }}</p>"
        "</mj-text>{% endif %}"
    )  # fmt: skip
    page = html(source, MJML, values=values(city="Köln", vip=True))
    assert 'src="https://a.example/K%C3%B6ln.png"' in page
    assert 'alt="Köln"' in page
    assert re.search("<p style=['\"]color:red['\"]>Köln</p>", page)


def test_a_mistake_behind_a_long_attribute_has_its_line():
    from campaigns.rendering.errors import ContentError

    source = mjml("<mj-text>\n\n</mj-text>\n<mj-image alt='a\nb' src='c'/>\n<mj-foo/>")
    with pytest.raises(ContentError) as caught:
        compiled(source, MJML)
    assert caught.value.line == 6


OUTLOOK = """<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:v="urn:schemas-microsoft-com:vml">
<HEAD><title>T</title><style>p{color:red}</style>
<!--[if mso]><style>p{color:blue}</style><body class="o"><![endif]-->
<!--[if gte mso 9]><xml><o:OfficeDocumentSettings/></xml><![endif]--></HEAD>
<body BGCOLOR=white
   leftmargin='0'><![if !mso]><table><tr><td>&nbsp;&copy;a & b</table><![endif]>
<!--[if !mso]><!--><br/><!--<![endif]--><o:p></o:p><v:rect fill="t" /><P CLASS="x">1<p title='a
 "b"' style="margin:0">2<img src=a.png/><p style=color:blue>3</body></html>
"""


def test_nothing_but_styles_changes():
    page = html(OUTLOOK, track_opens=False)
    styled = {
        '<P CLASS="x">': '<P CLASS="x" style="color: red;">',
        '\'a\n "b"\' style="margin:0"': '\'a\n "b"\' style="color: red; margin:0"',
    }
    expected = OUTLOOK
    for before, after in styled.items():
        expected = expected.replace(before, after)
    assert page.partition('<div style="padding:24px')[0] == expected.partition("</body>")[0]


@pytest.mark.parametrize(
    ("source", "before"),
    [
        (OUTLOOK, "leftmargin='0'>"),
        ("<!doctype html><p>x</p>", "<!doctype html>"),
        ("<!DOCTYPE html><title>x</title><style>p{}</style><p>x<style>i{}</style>", "p{}</style>"),
        ("<html><head></head><!--[if mso]><body class='o'><![endif]-->x</html>", "</head>"),
        ('<html><body title="a>b" >x</body></html>', '<body title="a>b" >'),
        ("<html><head><script>'<body>'</script></head><body>x</body></html>", "</head><body>"),
        ("<!doctype html><!-- <body> --><body>x</body>", "--><body>"),
    ],
)  # fmt: skip
def test_a_preheader_stands_at_the_begin_of_what_is_shown(source, before):
    page = html(source, preheader="Three lots", track_opens=False)
    assert page.partition('<div style="display:none')[0].endswith(before)


def test_brand_is_a_word_like_any_other():
    assert "A BRAND NEW shop" in html("A BRAND NEW shop", MARKDOWN)
