"""The audience's estimate and the number that takes its place, as a browser shows them."""

import os

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import expect

from tests.campaigns.audience.test_sizing import _few, city, clustered, weekly
from tests.campaigns.makers import make_campaign
from tests.in_browser import browser, page

__all__ = ["_few", "browser", "city", "clustered", "page", "weekly"]  # fixtures
pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


def test_the_number_takes_the_place_of_the_estimate(page, cast, weekly):
    campaign = make_campaign(cast.workspace, weekly)
    held = []
    page.route("**/audience/count/*", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks it
    page.goto(f"/{cast.workspace.slug}{reverse('campaign_audience', args=[campaign.pk])}")
    division, bar = page.locator("#division"), page.locator("#summary")
    expect(division.locator("strong")).to_contain_text("about")
    expect(division).to_contain_text("The exact number is being counted.")
    expect(bar.locator("strong")).to_contain_text("about")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # colours do not fade
        for width in (1280, 375):
            page.set_viewport_size({"width": width, "height": 800})
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width
            assert Axe().run(page).response["violations"] == []
            if folder := os.environ.get("SHOTS"):
                page.screenshot(path=f"{folder}/audience-{scheme}-{width}.png", full_page=True)
    if not held:
        page.wait_for_event("request", lambda one: "/audience/count/" in one.url)
    held.pop().continue_()
    page.unroute("**/audience/count/*")
    expect(division.locator("strong")).to_have_text("1,600")
    expect(bar.locator("strong")).to_have_text("1,600 people")
    assert division.get_attribute("aria-live") == "polite"
