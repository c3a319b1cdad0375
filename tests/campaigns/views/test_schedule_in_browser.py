"""An hour that clocks show twice, as a browser asks about it."""

from datetime import UTC, datetime

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import Page, expect

from campaigns.models import Campaign
from tests.in_browser import browser, page

__all__ = ["browser", "page"]  # fixtures
pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]


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
