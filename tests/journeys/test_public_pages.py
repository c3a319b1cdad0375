"""From a form on another site to a mail, a pause and a farewell; and a scanner behind it all."""

import re
from email.message import EmailMessage
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys import browser as browsers
from tests.journeys import mailbox, other_site
from tests.journeys.product import Product
from tests.journeys.test_subscriber import CONSENT, PHONE, make_form, standing

pytestmark = pytest.mark.journey
LIST = "Roastery letters"
READER = "wulan@reader.example"
HTML = """<!doctype html><html lang="en"><head><title>News</title></head><body>
<p>Hello {{ first_name }},</p><p><a href="https://kopisenja.example/menu">The menu</a></p>
<p><a href="{{ unsubscribe_url }}">Unsubscribe</a>
<a href="{{ preferences_url }}">Preferences</a></p></body></html>"""


def embed(marketer: Page) -> str:
    """The script that the form's page offers, after naming a welcome mail."""
    marketer.get_by_label("Send a welcome email").check()
    marketer.get_by_role("button", name="Save").click()
    marketer.get_by_role("link", name="On your site").click()
    browsers.assert_accessible(marketer)
    return marketer.locator("pre").first.inner_text()


def scan(marketer: Page, mail: EmailMessage) -> None:
    """Follow every link of a mail as a scanner does: GET, HEAD, and a POST with nothing in it."""
    found = mailbox.text_of(mail) + mailbox.html_of(mail)
    for link in set(re.findall(r"http://127\.0\.0\.1[^\s\"<>)\]]+", found)):
        for method in ("GET", "HEAD", "POST"):
            answer = marketer.request.fetch(link, method=method, max_redirects=0)
            assert answer.status < 500, link


def sign_up(chromium: Browser, snippet: str, product: Product) -> None:
    """Fill the form in on the other site; the browser proves its work meanwhile."""
    with other_site.showing(snippet, allows=product.address) as address:
        context = chromium.new_context(**PHONE)
        page = context.new_page()
        faults: list[str] = []
        page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(address)
        frame = page.frame_locator("iframe")
        frame.get_by_label("Email address").fill(READER)
        frame.get_by_label("First name").fill("Wulan")
        frame.get_by_label(CONSENT).check()
        page.wait_for_timeout(2_500)
        frame.get_by_role("button", name="Subscribe").click()
        expect(frame.get_by_role("heading", level=1)).to_have_text(
            "Check your inbox", timeout=30_000
        )
        context.close()
        # The other site has no icon.
        assert not [fault for fault in faults if "404" not in fault]


def letter_to(marketer: Page, product: Product, folder: Path) -> EmailMessage:
    """Send the list a campaign; return the reader's mail."""
    (folder / "mail.html").write_text(HTML, encoding="utf-8")
    sent = product.manage(
        "send_campaign", "--list", LIST, "--subject", "News of the roastery",
        "--html", str(folder / "mail.html"), "--from", "Kopi Senja <news@kopisenja.example>",
        "--wait", "--json",
    )  # fmt: skip
    assert sent.returncode == 0, sent.stderr
    return mailbox.newest(marketer, READER, subject="News of the roastery")


def test_from_another_site_to_a_pause_and_a_farewell(marketer, chromium, product, tmp_path):
    make_form(marketer, LIST)
    sign_up(chromium, embed(marketer), product)

    asked = mailbox.newest(marketer, READER, subject="Please confirm")
    scan(marketer, asked)
    assert "Unconfirmed" in standing(marketer, READER)
    with browsers.pages(chromium, product.address, **PHONE) as (page, _guard):
        page.goto(mailbox.address_with(mailbox.text_of(asked), "/confirm/"))
        browsers.assert_accessible(page)
        page.get_by_role("button", name="Confirm").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(f"Welcome to {LIST}")

        welcome = mailbox.newest(marketer, READER, subject=f"Welcome to {LIST}")
        page.goto(mailbox.address_with(mailbox.text_of(welcome), "/p/"))
        expect(page.get_by_text(READER)).to_be_visible()
        browsers.assert_accessible(page)
        page.get_by_label("How often").select_option(label="At most one a week")
        page.get_by_label("First name").fill("Wulan Sari")
        page.get_by_role("button", name="Save").first.click()
        expect(page.get_by_role("status")).to_have_text("Saved.")

        letter = letter_to(marketer, product, tmp_path)
        assert "Hello Wulan Sari" in mailbox.text_of(letter)
        before = standing(marketer, READER)
        scan(marketer, letter)
        assert standing(marketer, READER) == before
        farewell(page, marketer, letter)


def farewell(page: Page, marketer: Page, letter: EmailMessage) -> None:
    """Pause by the letter's link, then leave with a reason, and come back by undo."""
    page.goto(mailbox.address_with(mailbox.text_of(letter), "/p/"))
    expect(page.get_by_text("w•••@reader.example")).to_be_visible()
    assert READER not in page.content()
    assert "Wulan" not in page.content()
    browsers.assert_accessible(page)
    page.get_by_label("A pause").select_option(label="No mail for 3 months")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("No emails until")).to_be_visible()

    page.goto(mailbox.address_with(mailbox.text_of(letter), "/u/"))
    browsers.assert_accessible(page)
    page.get_by_role("button", name="Unsubscribe", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("You are unsubscribed")
    page.get_by_label("Something else").check()
    page.get_by_label("In your own words").fill("I drink tea now.")
    browsers.assert_accessible(page)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("status")).to_have_text("Thank you for telling us why.")
    assert LIST not in standing(marketer, READER) or "Unsubscribed" in standing(marketer, READER)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("status")).to_have_text("Welcome back. Everything is as it was before.")
    assert LIST in standing(marketer, READER)


def test_an_owners_link_without_scripts_on_a_phone(marketer, chromium, product):
    # The reader has asked for a pause: it is the link of the mail before it that leads here.
    letter = mailbox.newest(marketer, READER, subject="News of the roastery")
    with browsers.pages(
        chromium, product.address, java_script_enabled=False, color_scheme="dark", **PHONE
    ) as (page, _guard):
        page.goto(mailbox.address_with(mailbox.text_of(letter), "/p/"))
        page.get_by_role("button", name="Send me a link").click()
        expect(page.get_by_role("status")).to_have_text("Check your inbox")
        sent = mailbox.newest(marketer, READER, subject="Your link to")
        page.goto(mailbox.address_with(mailbox.text_of(sent), "/p/"))
        expect(page.get_by_text(READER)).to_be_visible()
        page.get_by_label("A pause").select_option(label="End the pause now")
        page.get_by_role("button", name="Save").first.click()
        expect(page.get_by_role("status")).to_have_text("Saved.")
        page.get_by_role("link", name="What we know about you").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("What we know about you")
        expect(page.get_by_text("Wulan Sari")).to_be_visible()
