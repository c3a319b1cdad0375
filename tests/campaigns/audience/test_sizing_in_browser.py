"""The audience's estimate and the number that takes its place, as a browser shows them."""

import os
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.urls import reverse
from playwright.sync_api import expect, sync_playwright

from tests.browsing import MemberClient
from tests.campaigns.audience.test_sizing import _few, city, clustered, weekly
from tests.campaigns.makers import make_campaign
from tests.journeys import browser as browsers

__all__ = ["_few", "city", "clustered", "weekly"]  # fixtures
pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def browser():
    # Playwright keeps an event loop in this thread; Django only warns about it.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        chromium = browsers.launch(playwright)
        yield chromium
        chromium.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def page(browser, cast, live_server):
    client = MemberClient()
    client.force_login(cast.editor)
    cookie: Any = {
        "name": settings.SESSION_COOKIE_NAME,
        "value": client.cookies[settings.SESSION_COOKIE_NAME].value,
        "url": live_server.url,
    }
    with browsers.pages(browser, live_server.url) as (page, _guard):
        page.context.add_cookies([cookie])
        yield page


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
