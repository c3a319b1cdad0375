"""The estimate and the number that takes its place, as a browser shows them."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import expect

from subscribers.segments import saving
from tests.in_browser import browser, page
from tests.subscribers.segments.test_estimates import BANDUNG, city, clustered, few, rules

__all__ = ["browser", "city", "clustered", "few", "page"]  # fixtures
pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


def test_the_number_takes_the_place_of_the_estimate(page, cast, few, clustered):
    segment = saving.create(clustered, name="Bandung", rules=rules(BANDUNG))
    held = []
    page.route("**/segments/exactly/", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks it
    with page.expect_request("**/segments/exactly/"):
        page.goto(f"/{cast.workspace.slug}{reverse('segment_page', args=[segment.pk])}")
    panel = page.locator("#segment-panel")
    expect(panel.locator("strong")).to_contain_text("about")
    expect(panel).to_contain_text("The exact number is being counted.")
    assert Axe().run(page).response["violations"] == []
    held.pop().continue_()
    page.unroute("**/segments/exactly/")
    expect(panel.locator("strong")).to_have_text("1,100")
    page.get_by_label("Values", exact=False).first.fill("Bogor")
    expect(panel.locator("strong")).to_have_text("1,000")
    assert panel.get_attribute("aria-live") == "polite"
