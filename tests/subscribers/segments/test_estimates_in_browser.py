"""The estimate and the number that takes its place, as a browser shows them."""

import os
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.urls import reverse
from playwright.sync_api import expect, sync_playwright

from subscribers.segments import saving
from tests.browsing import MemberClient
from tests.journeys import browser as browsers
from tests.subscribers.segments.test_estimates import BANDUNG, city, clustered, few, rules

__all__ = ["city", "clustered", "few"]  # fixtures
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
