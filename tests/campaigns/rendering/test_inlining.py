"""Style sheets are copied into elements only where that changes nothing for who reads sheets."""

import pytest

from tests.campaigns.rendering.writings import html, values

DOCUMENT = "<!doctype html><html><head><style>{}</style></head><body>{}</body></html>"


def body(css, inner, **given):
    page = html(
        DOCUMENT.replace("{}", css, 1).replace("{}", inner, 1),
        track_opens=False,
        track_clicks=False,
        values=values(**given),
    )
    return page.partition("<body>")[2].partition('<div style="padding:24px')[0]


@pytest.mark.parametrize(
    ("css", "inner", "expected"),
    [
        ("p{color:red}", "<p>x</p>", '<p style="color: red;">x</p>'),
        ("p{color:red} .a{color:blue}", '<p class="a">x</p>',
         '<p class="a" style="color: blue;">x</p>'),
        ("#a{color:red} .a.b{color:blue}", '<p class="a b" id="a">x</p>',
         '<p class="a b" id="a" style="color: red;">x</p>'),
        (".a p, td > p{color:red}", '<div class="a"><i><p>x</p></i></div>',
         '<div class="a"><i><p style="color: red;">x</p></i></div>'),
        ("td > p{color:red}", "<p>x</p>", "<p>x</p>"),
        ("h1 + p{color:red} h1 ~ p{margin:0}", "<h1>a</h1><p>b</p><p>c</p>",
         '<h1>a</h1><p style="color: red; margin: 0;">b</p><p style="margin: 0;">c</p>'),
        ("p[align=center]{color:red}", '<p align="center">x</p>',
         '<p align="center" style="color: red;">x</p>'),
        ("p{margin:0;margin-left:5px} p{margin-left:6px}", "<p>x</p>",
         '<p style="margin: 0; margin-left: 6px;">x</p>'),
        ("p{background:red;background:linear-gradient(red,blue)}", "<p>x</p>",
         '<p style="background: red; background: linear-gradient(red,blue);">x</p>'),
        ('p{font-family:"Open Sans",serif}', "<p>x</p>",
         '<p style="font-family: &#39;Open Sans&#39;,serif;">x</p>'),
        # What an element says itself stays as written and wins, but for !important.
        ("p{color:red;margin:0}", '<p style="color:Blue">x</p>',
         '<p style="margin: 0; color:Blue">x</p>'),
        ("p{color:red!important}", '<p style="color:blue">x</p>',
         '<p style="color:blue; color: red;">x</p>'),
        ("p{color:red!important}", '<p style="color:blue!important">x</p>',
         '<p style="color:blue!important">x</p>'),
        ("p{color:red}", "<p style=color:blue>x</p>", "<p style=color:blue>x</p>"),
        ("p{margin:0}", "<p style=color:blue>x</p>", '<p style="margin: 0; color:blue">x</p>'),
        ("img{border:0}", "<img src=a/><img src='b' />",
         "<img src=a/ style=\"border: 0;\"><img src='b' style=\"border: 0;\" />"),
    ],
)  # fmt: skip
def test_what_always_holds_is_copied(css, inner, expected):
    assert body(css, inner) == expected


@pytest.mark.parametrize(
    "css",
    [
        ".x{width:600px} @media(max-width:600px){.x{width:100%}}",
        ".x{padding:9px} @media(max-width:600px){.x{padding-left:0}}",
        ".x{padding-top:9px} @media(max-width:600px){p{padding:0} .x{padding:0}}",
        ".x{font:12px a} @media(max-width:600px){.x{line-height:2}}",
        ".x{color:red} .x:hover{color:blue}",
        ".x{color:red} @supports(display:grid){.x{color:blue}}",
        ".x{color:red} @media screen{.x{all:unset}}",
        ".x{color:red} @layer a{ } @media print{.x{color:blue}}",
        "@media(max-width:600px){#y{width:100%}} .x{width:600px}",
        ".x{color:red} .x::-moz-y, .x:unknown{color:blue}",
        ".x{color:red} .x:first-child{color:blue}",
        ".x{color:red} .x:not(.z){color:blue}",
        ".x{color:red} body|p{color:blue}",
        ".x{color:red; .y &{color:blue}}",
        ".X{color:red}",
        "*{color:red}",
        "@import url(https://a.example/x.css);.x{color:red}",
        "p::before{color:red}",
    ],
)
def test_what_may_be_overruled_elsewhere_is_left_to_the_sheet(css):
    assert body(css, '<p class="x" id="y">x</p>') == '<p class="x" id="y">x</p>'


@pytest.mark.parametrize(
    ("css", "style"),
    [
        (".x{width:600px} @media(max-width:600px){.x{width:100%!important}}", "width: 600px;"),
        (".x{width:600px!important} @media(max-width:600px){.x{width:100%!important}}",
         "width: 600px;"),
        ("@media(max-width:600px){p{width:100%}} .x{width:600px}", "width: 600px;"),
        (".x{color:red} .x:hover{background:blue}", "color: red;"),
        (".x{color:red} .x:link{color:red}", "color: red;"),
        ("@import url(https://fonts.example/css?f=a);.x{color:red}", "color: red;"),
        ("@font-face{font-family:x;src:url(y)}@keyframes a{from{color:blue}}.x{color:red}",
         "color: red;"),
        ("<!-- .x{color:red} -->", "color: red;"),
        ("@media(x){.y{color:blue}}.x{color:red", "color: red;"),
    ],
)  # fmt: skip
def test_what_can_not_be_overruled_is_copied_beside_it(css, style):
    assert body(css, '<p class="x">x</p>') == f'<p class="x" style="{style}">x</p>'


@pytest.mark.parametrize(
    "attributes",
    ['media="print"', "MEDIA='screen and (max-width: 600px)'", "media=screen", 'type="text/less"',
     'title="night"', "media='(prefers-color-scheme: dark)'"],
)  # fmt: skip
def test_a_sheet_for_some_is_not_copied_for_all(attributes):
    source = f"<html><head><style {attributes}>p{{display:none}}</style></head><p>x</p></html>"
    assert "<p>x</p>" in html(source)


def test_a_sheet_for_some_keeps_the_others_from_being_copied_over_it():
    source = (
        "<html><style>p{margin:9px}</style><style media=print>p{margin:0}</style><p>x</p></html>"
    )
    assert "<p>x</p>" in html(source)
    source = source.replace("media=print", "type='text/css' media='ALL'")
    assert '<p style="margin: 0;">x</p>' in html(source)


def test_a_sheet_in_a_comment_is_outlooks():
    source = "<html><!--[if mso]><style>p{color:red}</style><![endif]--><p>x</p></html>"
    assert "<p>x</p>" in html(source)


def test_a_selector_that_looks_at_styles_finds_the_same_as_before():
    css = 'p{margin:16px 0} p[style*="margin: 16px 0"]{margin:0!important}'
    assert body(css, "<p>x</p>") == "<p>x</p>"


@pytest.mark.parametrize(
    ("css", "inner", "expected"),
    [
        ("p{color:red} .gold{color:gold}", '<p class="{{ city }}">x</p>', '<p class="gold">x</p>'),
        ("p{color:red}", '<p {% if vip %}class="a"{% endif %}>x</p>', '<p class="a">x</p>'),
        ("p{color:red}", '<p {% if vip %}style="b:c"{% endif %}>x</p>', '<p style="b:c">x</p>'),
        ("{% if vip %}p{color:red}{% endif %}", "<p>x</p>", "<p>x</p>"),
        (".{{ city }}{color:red} p{color:blue}", '<p class="gold">x</p>', '<p class="gold">x</p>'),
        ("p{color:{{ city }}}", "<p>x</p>", '<p style="color: gold;">x</p>'),
        ("p{color:red} p + p{color:blue}", "{% if vip %}<p>x</p>{% endif %}<i></i><p>y</p>",
         "<p>x</p><i></i><p>y</p>"),
        ("p{color:red}", "<table>{% if vip %}<tr><td><p>x</p></tr>{% endif %}</table>",
         '<table><tr><td><p style="color: red;">x</p></tr></table>'),
    ],
)  # fmt: skip
def test_what_depends_on_the_reader_is_left_to_the_sheet(css, inner, expected):
    assert body(css, inner, city="gold", vip=True) == expected


def test_the_doctype_stays():
    for doctype in ("<!DOCTYPE html>", '<!DOCTYPE html PUBLIC "-//W3C//DTD HTML 4.0//EN" "x">', ""):
        assert html(f"{doctype}<html><style>p{{a:b}}</style><p>x</p></html>").startswith(
            f"{doctype}<html><style>"
        )
