"""One running product and one browser for all journeys."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.journeys import browser as browsers
from tests.journeys import product as products


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[products.Product]:
    """The product with its demo workspace, as `make run` starts it."""
    data_dir = tmp_path_factory.mktemp("a warta with spaces")
    with products.running(data_dir) as running:
        yield running


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium."""
    with sync_playwright() as playwright:
        browser = browsers.launch(playwright)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser, product: products.Product) -> Iterator[Page]:
    """A page of a visitor."""
    with browsers.pages(chromium, product.address) as (page, _guard):
        yield page


@pytest.fixture
def marketer(page: Page, product: products.Product) -> Page:
    """A page of the signed-in marketer."""
    browsers.sign_in(page, product.email, product.password)
    return page
