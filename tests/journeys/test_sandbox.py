"""The whole loop on one machine: send to the sandbox, answer as readers would, see it counted."""

import re
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from tests.journeys import browser as browsers
from tests.journeys.product import Product
from tests.journeys.test_marketer import send_now, start_campaign, write

pytestmark = pytest.mark.journey
LIST: Final = "Tasting circle"
SUBJECT: Final = "Tasting on Friday"
READER: Final = "reader@tasting.example"
GONE: Final = "gone@tasting.example"
ANGRY: Final = "angry@tasting.example"
# Somebody whose address opens by itself.
OPENS: Final = "opens+tasting@sandbox.example"
PEOPLE: Final = (READER, GONE, ANGRY, OPENS)
COUNTED: Final = 60_000  # milliseconds until a report has counted on a busy machine
MAKE: Final = """
from accounts.models import Workspace
from subscribers.addresses import addresses
from subscribers.consent import lifecycle
from subscribers.models import MailingList
from subscribers.people import people
from subscribers.states import ConsentSource
workspace = Workspace.objects.get(slug="kopi-senja")
circle = MailingList.objects.create(workspace=workspace, name={name!r})
for email in {people!r}:
    person, _new = people.add(workspace, address=addresses.normalise(email))
    lifecycle.subscribe(person, mailing_list=circle, source=ConsentSource.FORM)
print("MADE")
"""


def open_mail(page: Page, to: str) -> None:
    """Find somebody's mail in the inbox by the page's own search."""
    page.goto("/sandbox/")
    page.get_by_role("searchbox", name="Search addresses, subjects and text").fill(to)
    page.keyboard.press("Enter")
    page.get_by_role("link", name=SUBJECT).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(SUBJECT)


def press(page: Page, button: str) -> None:
    page.get_by_role("button", name=button, exact=True).click()
    expect(page.get_by_role("heading", name="Answered so far")).to_be_visible()


def known(page: Page, what: str) -> None:
    """Wait until the mail's page knows something of it."""
    for _again in range(30):
        if page.locator(".w-mail-known dt").get_by_text(what, exact=True).count():
            return
        page.wait_for_timeout(1_000)
        page.get_by_role("link", name="Refresh").click()
    raise AssertionError(f"{page.url}: never {what}")


def look_at_every_side(page: Page) -> None:
    for side in ("Text", "Links", "Headers", "Parts", "Authentication", "Source", "HTML"):
        page.get_by_role("link", name=re.compile(f"^{side}")).first.click()
        browsers.assert_accessible(page)
    for look in ("Phone", "Dark", "Forced dark", "Desktop"):
        page.get_by_role("link", name=look, exact=True).click()
        frame = page.frame_locator("iframe.w-mail-frame")
        expect(frame.get_by_text("Come and taste")).to_be_visible()
    assert not page.frame_locator("iframe.w-mail-frame").locator("a[href^=http]").count()


def counted(page: Page, what: str, number: int) -> None:
    """Wait until the report's row of steps says so."""
    step = page.locator(".w-funnel li").filter(has_text=re.compile(what))
    expect(step.locator("strong")).to_have_text(str(number), timeout=COUNTED)


def test_the_whole_loop_on_one_machine(marketer: Page, product: Product) -> None:
    made = product.manage("shell", "-c", MAKE.format(name=LIST, people=PEOPLE))
    assert "MADE" in made.stdout, made.stderr
    start_campaign(marketer, "Tasting", to=LIST)
    write(marketer, "Subject", SUBJECT)
    write(marketer, "Content", "Come and taste. [Say yes](https://kopisenja.example/yes)")
    expect(marketer.locator("#inbox span")).to_have_text(SUBJECT)
    marketer.get_by_role("button", name="Continue to tracking").click()
    marketer.get_by_role("button", name="Continue to review").click()
    send_now(marketer, people=len(PEOPLE))
    report = marketer.url.split("?")[0].replace("/sending/", "/report/")

    open_mail(marketer, READER)
    look_at_every_side(marketer)
    press(marketer, "Open it")
    known(marketer, "First opened")
    marketer.get_by_label("Link", exact=True).select_option(label="Say yes")
    press(marketer, "Click")
    known(marketer, "First clicked")
    browsers.assert_accessible(marketer)

    open_mail(marketer, OPENS)
    known(marketer, "First opened")  # by its address

    press(marketer, "Unsubscribe with one click")
    known(marketer, "Unsubscribed")

    open_mail(marketer, GONE)
    press(marketer, "No such mailbox")
    known(marketer, "Bounced")
    open_mail(marketer, ANGRY)
    press(marketer, "Report as spam")
    known(marketer, "Reported as spam")

    marketer.goto(report)
    counted(marketer, "Opened", 2)
    counted(marketer, "Clicked", 1)
    browsers.assert_accessible(marketer)
