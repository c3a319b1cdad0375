"""A real browser for tests of one page, signed in as the editor, at the test's own server.

A test's module imports both fixtures, `browser` and `page`; journeys have a whole product instead.
"""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browsing import MemberClient
from tests.journeys import browser as browsers


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Debian's Chromium."""
    # Playwright keeps an event loop in this thread; Django only warns about it.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        chromium = browsers.launch(playwright)
        yield chromium
        chromium.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def page(browser: Browser, cast: Any, live_server: Any) -> Iterator[Page]:
    """Open a page of the signed-in editor."""
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
