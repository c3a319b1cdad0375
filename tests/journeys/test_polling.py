"""Pages that renew themselves leave the reader where they are."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.product import Product

pytestmark = pytest.mark.journey

A_MINUTE = 60_000  # milliseconds of the page's own clock
MANY = """
from datetime import timedelta
from django.utils import timezone
from accounts.models import Workspace
from campaigns.models import Campaign
workspace = Workspace.objects.get(slug="kopi-senja")
at = timezone.now() + timedelta(days=7)
Campaign.objects.create(workspace=workspace, name="Next week", status="scheduled", send_at=at)
for number in range(27):
    Campaign.objects.create(workspace=workspace, name=f"Draft {number:02}")
"""
RENAME = """
from campaigns.models import Campaign
Campaign.objects.filter(name="Next week").update(name="Week after next")
"""


def shell(product: Product, code: str) -> None:
    done = product.manage("shell", "-v", "0", "-c", code)
    assert done.returncode == 0, done.stderr


def poll(page: Page, part: str) -> None:
    """Let the page's clock run until it has renewed itself."""
    with page.expect_response(lambda answer: part in answer.url) as answer:
        page.clock.run_for(A_MINUTE)
    assert answer.value.ok


def focused(page: Page) -> Any:
    return page.evaluate("window.kept === document.activeElement && window.kept.isConnected")


def test_page_two_stays_page_two_and_keeps_the_focus(marketer: Page, product: Product) -> None:
    shell(product, MANY)
    marketer.clock.install()
    marketer.goto("/kopi-senja/campaigns/")
    marketer.get_by_role("link", name="Next", exact=True).click()
    mine = marketer.get_by_role("link", name="Next week")
    expect(mine).to_be_visible()
    names = marketer.locator("#campaign-rows .w-name")
    before = names.all_inner_texts()
    mine.focus()
    marketer.evaluate("window.kept = document.activeElement")

    shell(product, RENAME)
    poll(marketer, "rows=1")
    expect(marketer.get_by_role("link", name="Week after next")).to_be_visible()
    after = ["Week after next" if name == "Next week" else name for name in before]
    expect(names).to_have_text(after)
    assert focused(marketer)


def test_what_renews_itself_reads_aloud_only_what_has_changed(
    marketer: Page, product: Product
) -> None:
    marketer.clock.install()
    marketer.goto("/kopi-senja/sending/")
    said = marketer.locator("#health-said")
    expect(said).to_have_text("Workers, beat and Redis are at work.")
    assert (
        marketer.locator("#health [aria-live=polite], #health [aria-live=assertive]").count() == 0
    )
    marketer.evaluate(
        "window.heard = 0; new MutationObserver((found) => { window.heard += found.length; })"
        ".observe(document.querySelector('#health-said'),"
        " {childList: true, characterData: true, subtree: true, attributes: true});"
        "window.region = document.querySelector('#health-said')"
    )
    shell(product, MANY.replace("Next week", "Soon").replace("range(27)", "range(1)"))
    poll(marketer, "part=1")
    expect(marketer.locator("#health").get_by_role("link", name="Soon")).to_be_visible()
    assert marketer.evaluate("window.heard") == 0
    assert marketer.evaluate("window.region.isConnected")
