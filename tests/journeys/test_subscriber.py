"""What people outside the team do: sign up, confirm, choose; on a phone, without scripts."""

import re
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from tests.journeys import browser as browsers
from tests.journeys import mailbox

pytestmark = pytest.mark.journey
LIST: Final = "Cupping evenings"
CONSENT: Final = "Kopi Senja may write to me about its evenings."
PHONE: Final = {"viewport": {"width": 390, "height": 844}, "has_touch": True}


def make_form(page: Page, list_name: str) -> str:
    """A list that asks for confirmation, and a form for it; returns its hosted page."""
    page.goto("/lists/new/")
    page.get_by_label("Name", exact=True).fill(list_name)
    page.get_by_role("radio", name=re.compile("Public")).check()
    page.get_by_role("radio", name=re.compile("Double")).check()
    page.get_by_role("button", name="Save").click()
    page.goto("/forms/new/")
    page.get_by_label("Name", exact=True).fill(f"Form of {list_name}")
    page.get_by_label("Title", exact=True).fill("Come and taste")
    page.get_by_label(list_name).check()
    page.get_by_label("Ask for the first name").check()
    page.get_by_label("What people agree to").fill(CONSENT)
    browsers.assert_accessible(page)
    page.get_by_role("button", name="Create form").click()
    return str(page.get_by_role("link", name="Open page").get_attribute("href"))


def sign_up(page: Page, hosted: str, email: str) -> None:
    """Fill in the hosted page; a program would be faster than the two seconds it asks for."""
    page.goto(hosted)
    page.wait_for_timeout(2_500)
    page.get_by_label("Email address").fill(email)
    page.get_by_label("First name").fill("Rani")
    page.get_by_label(CONSENT).check()
    page.get_by_role("button", name="Subscribe").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Check your inbox")


def standing(marketer: Page, email: str) -> str:
    """What the marketer's table says about somebody."""
    marketer.goto(f"/subscribers/?q={email}")
    return marketer.locator("tbody tr").filter(has_text=email).inner_text()


def confirm(marketer: Page, page: Page, email: str) -> None:
    """Looking at the link of the mail changes nothing, twice; its button does."""
    mail = mailbox.newest(marketer, email, subject="Please confirm")
    link = mailbox.address_with(mailbox.text_of(mail), "/confirm/")
    page.goto(link)
    page.reload()
    assert "Unconfirmed" in standing(marketer, email)
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Welcome to {LIST}")
    found = standing(marketer, email)
    assert LIST in found
    assert "Unconfirmed" not in found


def test_signing_up_without_scripts_on_a_phone(marketer, chromium, product):
    hosted = make_form(marketer, LIST)
    with browsers.pages(
        chromium, product.address, java_script_enabled=False, color_scheme="dark", **PHONE
    ) as (page, _guard):
        sign_up(page, hosted, "rani@reader.example")
        confirm(marketer, page, "rani@reader.example")

    with browsers.pages(chromium, product.address, **PHONE) as (page, _guard):
        page.goto(hosted)
        browsers.assert_accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.get_by_role("link", name="Bahasa Indonesia").click()
        expect(page.locator("html")).to_have_attribute("lang", "id")
        expect(page.get_by_label("Alamat email")).to_be_visible()


def test_a_new_colleague_joins_by_mail_and_sees_what_an_analyst_may(marketer, chromium, product):
    marketer.goto("/settings/team/")
    marketer.get_by_label("Email address").fill("citra@kopisenja.example")
    marketer.get_by_role("combobox", name="Role", exact=True).select_option(label="Analyst")
    marketer.get_by_role("button", name="Send the invitation").click()
    mail = mailbox.newest(
        marketer, "citra@kopisenja.example", subject="invites you", of_installation=True
    )
    link = mailbox.address_with(mailbox.text_of(mail), "/invitation/")

    with browsers.pages(chromium, product.address) as (page, _guard):
        page.goto(link)
        browsers.assert_accessible(page)
        page.get_by_label("Your name").fill("Citra Lestari")
        page.get_by_label("Password").fill("senja-di-teras-42")
        page.get_by_role("button", name="Accept the invitation").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Citra")
        page.goto("/campaigns/")
        expect(page.get_by_role("link", name="New campaign")).to_have_count(0)
        assert page.request.get("/campaigns/new/").status == 403
        forget_and_reset(marketer, page)


def forget_and_reset(marketer: Page, page: Page) -> None:
    """Sign out, ask for a new password by mail, and sign in with it."""
    page.locator("summary.w-avatar").click()
    page.get_by_role("button", name="Sign out").click()
    page.goto("/password/reset/")
    page.get_by_label("Email").fill("citra@kopisenja.example")
    page.get_by_role("button", name="Send me the link").click()
    mail = mailbox.newest(
        marketer, "citra@kopisenja.example", subject="Choose a new password", of_installation=True
    )
    page.goto(mailbox.address_with(mailbox.text_of(mail), "/password/reset/key/"))
    browsers.assert_accessible(page)
    for box in page.locator("input[type=password]").all():
        box.fill("hujan-sore-di-bandung-7")
    page.get_by_role("button", name="Use this password").click()
    browsers.sign_in(page, "citra@kopisenja.example", "hujan-sore-di-bandung-7")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Citra")


def speak(page: Page, code: str) -> None:
    """Choose a language in the bar at the top."""
    menu = page.locator("details", has=page.locator("form[action='/language/']"))
    menu.locator("summary").click()
    menu.locator(f"button[value={code}]").click()
    expect(page.locator("html")).to_have_attribute("lang", code)


def test_language_and_theme_stay_as_chosen(marketer):
    root = marketer.locator("html")
    before = root.get_attribute("data-bs-theme")
    after = "dark" if before == "light" else "light"
    speak(marketer, "id")
    expect(marketer.get_by_role("link", name="Kampanye").first).to_be_visible()
    browsers.assert_accessible(marketer)
    marketer.locator("[data-theme-toggle]").click()
    expect(root).to_have_attribute("data-bs-theme", after)
    marketer.goto("/campaigns/")
    expect(root).to_have_attribute("data-bs-theme", after)
    expect(root).to_have_attribute("lang", "id")
    browsers.assert_accessible(marketer)
    speak(marketer, "en")


def test_by_keyboard_alone(marketer):
    marketer.goto("/")
    marketer.keyboard.press("Tab")
    expect(marketer.get_by_role("link", name="Skip to the content")).to_be_focused()
    marketer.keyboard.press("/")
    expect(marketer.get_by_role("searchbox", name="Search people")).to_be_focused()
    marketer.keyboard.type("Weekend roast")
    expect(marketer.locator("#search-results")).to_contain_text("Weekend roast: two new origins")
    marketer.keyboard.press("ArrowDown")
    marketer.keyboard.press("Enter")
    marketer.wait_for_url(re.compile(r"/campaigns/\d+/report/"))


def test_the_menu_on_a_phone(chromium, product):
    with browsers.pages(chromium, product.address, **PHONE) as (page, _guard):
        browsers.sign_in(page, product.email, product.password)
        page.get_by_role("button", name="Open the menu").click()
        menu = page.get_by_role("navigation", name="Main")
        menu.get_by_role("link", name="Subscribers", exact=True).click()
        page.wait_for_url("**/subscribers/")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        browsers.assert_accessible(page)
