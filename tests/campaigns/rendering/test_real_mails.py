"""HTML mails that others wrote go through unharmed (data of `WARTA_TEST_DATA`, never copied)."""

import os
from pathlib import Path

import pytest

from campaigns.rendering.markup import elements
from campaigns.states import ContentKind
from tests.campaigns.rendering.writings import compiled, values

ROOT = Path(__file__).parents[3]
FOLDER = Path(os.environ.get("WARTA_TEST_DATA", ROOT / "../shared/data")) / "templates"
MAILS = sorted(FOLDER.rglob("*.html"))


def test_the_real_mails_are_at_hand():
    if not MAILS:
        pytest.skip(f"no real mails in {FOLDER}: set WARTA_TEST_DATA to try them")


@pytest.mark.parametrize("path", MAILS, ids=lambda path: path.name)
def test_a_real_mail_keeps_its_shape_and_gets_a_text_part(path):
    source = path.read_text(encoding="utf-8").replace("{{", "{").replace("{%", "{")
    content = compiled(source, ContentKind.HTML)
    page = content.html.render(values())
    text = content.text.render(values())

    def count(html, name):
        return sum(1 for element in elements(html) if element.name == name and not element.closes)

    assert count(page, "table") == count(source, "table")
    assert count(page, "img") == count(source, "img") + 1  # the open pixel
    assert count(page, "a") in {count(source, "a"), count(source, "a") + 2}  # and a footer
    assert page.count("<!--[if") == source.count("<!--[if")
    assert page.count("<![endif]") == source.count("<![endif]")
    assert "https://news.example/u/T/" in text
    assert "<td" not in text
    assert all("https://news.example/c/T/" in page for _link in content.links)
