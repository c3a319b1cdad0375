"""Whatever an author writes, the answer is a mail or a sentence, never a crash."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.rendering.compile import Writing
from campaigns.rendering.content_checks import findings
from campaigns.rendering.errors import ContentError
from campaigns.rendering.preview import preview
from campaigns.states import ContentKind
from tests.campaigns.rendering.writings import TAGS, compiled, values

FRAGMENTS = [
    *("{{ first_name }}", "{{ first_nam }}", "{{", "}}", "{%", "%}", "{#", "#}", "{{- city -}}"),
    *("{% if vip %}", "{% else %}", "{% endif %}", "{% for d in drinks %}", "{% endfor %}"),
    *("{{ d }}", "{% raw %}", "{% endraw %}", "{% set x = 1 %}", "{{ x }}", "zq7n0qz"),
    *("{{ city|default('<') }}", "{{ unsubscribe_url }}", "<", ">", '"', "'", "&", "&amp;", "&#0;"),
    *("<p>", "</p>", "<table>", "<tr>", "<td>", "</table>", "<a href='", "<a href=", "</a>"),
    *('<a href="https://a.example/', "<img src=", "<br/>", "<!--", "-->", "<!--[if mso]>"),
    *(
        "<![endif]-->",
        "<style>",
        "</style>",
        "p { color: red }",
        "<script>",
        "</script>",
        "<title>",
    ),
    *("<html>", "<body>", "</body>", "</html>", "<!DOCTYPE html>", "<mjml>", "</mjml>"),
    *("<mj-body>", "</mj-body>", "<mj-section>", "</mj-section>", "<mj-column>", "</mj-column>"),
    *("<mj-text>", "</mj-text>", "<mj-raw>", "</mj-raw>", "<mj-style>", "</mj-style>", "<mj-foo/>"),
    *("# ", "- ", "| a | b |\n|---|---|\n", "```\n", "> ", "**", "[x](", ")", "![", "]"),
    *("::button[a](https://b)", "https://a.example/", "javascript:alert(1)", "\n", "\n\n", "\r\n"),
    *(" ", "\t", "\x00", "\u2028", "é", "日本", "😀", "\ufffe", "word"),
]
sources = st.lists(
    st.one_of(
        st.sampled_from(FRAGMENTS), st.text(st.characters(exclude_categories=["Cs"]), max_size=3)
    ),
    max_size=14,
).map("".join)


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@pytest.mark.parametrize("kind", ContentKind)
@given(source=sources)
def test_any_source_becomes_a_mail_or_a_sentence(kind, source):
    given_values = values(first_name="<b>&", drinks=["a", "b"], city='"')
    try:
        content = compiled(source, kind, subject="x", text="", preheader="y")
        html = content.html.render(given_values) if content.html else ""
        text = content.text.render(given_values)
    except ContentError as error:
        sentence = error.sentence
        html = text = ""
    else:
        sentence = ""
        assert "https://news.example/u/T/" in text
        assert not html or "https://news.example/u/T/" in html
        assert "<b>&" not in html
    assert text or sentence
    writing = Writing(kind=kind, source=source, subject="x")
    assert preview(writing, TAGS).html
    findings(writing, TAGS)
