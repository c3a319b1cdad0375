"""The components in a real browser: no violation, no request elsewhere, keyboard and themes."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from tests.in_browser import browser

__all__ = ["browser"]  # a fixture

pytestmark = [
    pytest.mark.journey,
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.look.urls"),
]


@pytest.fixture(params=["light", "dark", "phone"])
def look(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def kitchen(look: str, browser: Browser, live_server: LiveServer, owner: User) -> Iterator[Page]:
    """Every component, signed in; fails on violations, errors and requests to elsewhere."""
    client = Client()
    client.force_login(owner)
    context = browser.new_context(
        base_url=live_server.url,
        color_scheme="dark" if look == "dark" else "light",
        reduced_motion="reduce",
        viewport={"width": 390 if look == "phone" else 1440, "height": 900},
    )
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}]
    )
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "console",
        lambda said: wrong.append(said.text) if said.type in {"error", "warning"} else None,
    )
    page.on(
        "request",
        lambda asked: (
            None if asked.url.startswith((live_server.url, "data:")) else wrong.append(asked.url)
        ),
    )
    page.goto("/kitchen/")
    yield page
    context.close()
    assert wrong == []


def test_axe_finds_nothing_and_nothing_scrolls_sideways(kitchen: Page) -> None:
    kitchen.locator("[data-chart] canvas").first.wait_for()
    kitchen.locator(".cm-editor").first.wait_for()
    found = Axe().run(kitchen).response["violations"]
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []
    assert kitchen.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.parametrize("look", ["light"], indirect=True)
def test_the_keyboard_reaches_everything(kitchen: Page) -> None:
    kitchen.keyboard.press("/")
    expect(kitchen.locator("[data-search]")).to_be_focused()
    language = kitchen.locator("summary").filter(has=kitchen.get_by_role("img", name="Language"))
    language.focus()
    kitchen.keyboard.press("Enter")
    kitchen.keyboard.press("ArrowDown")
    expect(kitchen.get_by_role("button", name="English")).to_be_focused()
    kitchen.keyboard.press("Escape")
    expect(language).to_be_focused()
    expect(kitchen.get_by_role("button", name="English")).to_be_hidden()


@pytest.mark.parametrize("look", ["phone"], indirect=True)
def test_the_sidebar_is_a_drawer_on_phones(kitchen: Page) -> None:
    home = kitchen.locator("#sidebar").get_by_role("link", name="Settings")
    expect(home).to_be_hidden()
    kitchen.get_by_role("button", name="Open the menu").click()
    expect(home).to_be_visible()
    kitchen.keyboard.press("Escape")
    expect(home).to_be_hidden()
    expect(kitchen.get_by_role("button", name="Open the menu")).to_be_focused()


@pytest.mark.parametrize("look", ["light"], indirect=True)
def test_the_theme_changes_at_once_and_stays(kitchen: Page) -> None:
    kitchen.get_by_role("button", name="Switch between light and dark").click()
    expect(kitchen.locator("html")).to_have_attribute("data-bs-theme", "dark")
    kitchen.reload()
    expect(kitchen.locator("html")).to_have_attribute("data-bs-theme", "dark")


@pytest.mark.parametrize("look", ["light"], indirect=True)
def test_what_destroys_asks_first(kitchen: Page) -> None:
    kitchen.get_by_role("button", name="Cancel", exact=True).click()
    dialog = kitchen.get_by_role("dialog", name="Cancel this campaign?")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("button").first).to_be_focused()
    kitchen.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    kitchen.get_by_role("button", name="Cancel", exact=True).click()
    with kitchen.expect_navigation():
        dialog.get_by_role("button").last.click()


@pytest.mark.parametrize("look", ["light"], indirect=True)
def test_an_editor_writes_into_its_field(kitchen: Page) -> None:
    chip = kitchen.locator('[data-editor="line"] .cm-mergetag')
    expect(chip).to_have_text("first_name")
    kitchen.get_by_role("textbox", name="Subject").focus()
    kitchen.keyboard.press("End")
    kitchen.keyboard.type("!")
    expect(kitchen.locator("#id_subject")).to_have_value(
        "Panen raya: the Gayo harvest is in, {{ first_name }}!"
    )
    body = kitchen.locator('[data-editor="markdown"]')
    body.get_by_role("textbox", name="Body").focus()
    kitchen.keyboard.press("Control+a")
    body.get_by_role("button", name="Bold").click()
    assert kitchen.locator("#id_body").input_value().startswith("**# Halo")
    body.locator("summary").click()
    body.get_by_role("button", name="city City").click()
    expect(kitchen.locator("#id_body")).to_have_value("**{{ city }}**")


@pytest.mark.parametrize("look", ["light"], indirect=True)
def test_boxes_follow_the_box_above(kitchen: Page) -> None:
    kitchen.get_by_role("checkbox", name="Select all").check()
    assert kitchen.locator('input[name="pick"]:checked').count() == 4
    kitchen.get_by_role("checkbox", name="Dewi Anggraini").uncheck()
    expect(kitchen.get_by_role("checkbox", name="Select all")).not_to_be_checked()
