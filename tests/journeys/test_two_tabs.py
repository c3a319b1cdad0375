"""One draft, open in two tabs."""

import re

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.journey


def test_the_tab_that_saves_second_shows_the_question_where_one_looks(marketer: Page) -> None:
    marketer.goto("/kopi-senja/campaigns/new/")
    marketer.locator("main input[name=name]").fill("Two tabs")
    marketer.keyboard.press("Enter")
    marketer.wait_for_url(re.compile(r"/audience/$"))
    tops = marketer.evaluate(
        "[...document.querySelectorAll('#audience-form .card, #division')]"
        ".map((box) => box.getBoundingClientRect()).filter((box) => box.width)"
        ".map((box) => Math.round(box.top))"
    )
    assert tops.count(min(tops)) >= 2, "the two columns begin at the same height"

    other = marketer.context.new_page()
    other.goto(marketer.url)
    marketer.locator("input[name=include]").first.check()
    expect(marketer.locator("[data-autosave-status]").first).to_contain_text("Saved")
    last = other.locator("input[name=exclude_segments]").last
    last.check()
    question = other.get_by_text("Nothing was overwritten")
    expect(question).to_be_visible()
    expect(question).to_be_in_viewport()
    other.close()
