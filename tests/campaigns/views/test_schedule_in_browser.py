"""An hour that clocks show twice, as a browser asks about it."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect, sync_playwright

from campaigns.models import Campaign
from tests.browsing import MemberClient
from tests.journeys import browser as browsers

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Playwright keeps an event loop in this thread; Django only warns about it.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        chromium = browsers.launch(playwright)
        yield chromium
        chromium.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def page(browser: Browser, cast: Any, live_server: Any) -> Iterator[Page]:
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


def test_the_dialog_asks_which_of_the_two_hours_is_meant(page: Page, draft: Campaign) -> None:
    page.goto(f"/{draft.workspace.slug}{reverse('campaign_review', args=[draft.pk])}")
    page.get_by_text("At a date and time", exact=True).click()
    page.get_by_label("Date", exact=True).fill("2031-10-26")
    page.get_by_label("Time", exact=True).fill("02:30")
    page.get_by_label("Time zone", exact=True).select_option("Europe/Berlin")
    page.get_by_role("button", name="Send or schedule").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("show this time twice on that day")
    assert Axe().run(page).response["violations"] == []
    dialog.get_by_role("button", name="after clocks are turned back (UTC+01:00)").click()
    expect(dialog).to_contain_text("at 02:30 (Europe/Berlin, UTC+01:00)")
    dialog.get_by_role("button", name="Schedule", exact=True).click()
    expect(page.get_by_role("heading", name="Scheduled for")).to_contain_text("2031")
    draft.refresh_from_db()
    assert draft.send_at == datetime(2031, 10, 26, 1, 30, tzinfo=UTC)
