"""Signs in and takes a picture of every page: 1440 and 390 px wide, light and dark.

The pictures land in ``var/screens``. A console error, a CSP violation, a request that leaves the
site, a page wider than the screen, or an accessibility fault fails.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.journeys import browser as browsers
from tests.journeys import product as products

pytestmark = pytest.mark.screens
FOLDER = Path(__file__).parent.parent.parent / "var" / "screens"
SIZES = ((1440, 1000), (390, 844))
THEMES = ("light", "dark")
FIND = """
import json
from accounts.models import Workspace
from campaigns.models import Campaign, Template
from delivery.accounts import dkim_keys
from delivery.mime import tokens
from delivery.models import BounceMailbox, Message, ReturnedMail, SandboxMessage, SendingAccount
from subscribers.models import MailingList, SignupForm, Subscriber
workspace = Workspace.objects.get(slug="kopi-senja")
campaigns = {c.status: c.pk for c in Campaign.objects.filter(workspace=workspace)}
message = Message.objects.filter(campaign_id=campaigns["sent"], state=4).first()
print("FOUND " + json.dumps({
    "draft": campaigns["draft"], "scheduled": campaigns["scheduled"], "sent": campaigns["sent"],
    "template": Template.objects.filter(workspace=workspace).first().pk,
    "subscriber": message.subscriber_id,
    "list": MailingList.objects.filter(workspace=workspace).first().pk,
    "form": SignupForm.objects.filter(workspace=workspace).first().pk,
    "form_public": SignupForm.objects.filter(workspace=workspace).first().public_id,
    "key": dkim_keys.generate(workspace, domain="kopisenja.example", algorithm="rsa").pk,
    "mailbox": BounceMailbox.objects.create(
        workspace=workspace, name="Bounces", host="imap.example.com", username="bounces").pk,
    "returned": ReturnedMail.objects.create(
        workspace=workspace, digest=b"s" * 16, size=40, raw=b"Subject: Hm\\n\\nNobody here.",
        subject="Hm", state=4, kind="other").pk,
    "account": SendingAccount.objects.filter(workspace=workspace).first().pk,
    "unsubscribe": tokens.make(message.pk, tokens.Purpose.UNSUBSCRIBE),
    "preferences": tokens.make(message.pk, tokens.Purpose.PREFERENCES),
    "view": tokens.make(message.pk, tokens.Purpose.VIEW),
}))
"""
DASHBOARD = {
    "home": "/",
    "search": "/search/?q=brew",
    "campaigns": "/campaigns/",
    "campaign-new": "/campaigns/new/",
    "campaign-audience": "/campaigns/{draft}/audience/",
    "campaign-content": "/campaigns/{draft}/content/",
    "campaign-tracking": "/campaigns/{draft}/tracking/",
    "campaign-review": "/campaigns/{draft}/review/",
    "campaign-live": "/campaigns/{scheduled}/sending/",
    "campaign-report": "/campaigns/{sent}/report/",
    "reports": "/reports/",
    "subscribers": "/subscribers/",
    "subscriber": "/subscribers/{subscriber}/",
    "subscriber-new": "/subscribers/new/",
    "subscriber-data": "/subscribers/{subscriber}/data/",
    "subscriber-proof": "/subscribers/{subscriber}/proof/",
    "subscribers-export": "/subscribers/export/",
    "move": "/subscribers/migrate/",
    "move-mailchimp": "/subscribers/migrate/new/?from=mailchimp",
    "settings-privacy": "/settings/privacy/",
    "import": "/subscribers/import/",
    "lists": "/lists/",
    "list": "/lists/{list}/",
    "list-new": "/lists/new/",
    "suppressions": "/suppressions/",
    "forms": "/forms/",
    "form-new": "/forms/new/",
    "form": "/forms/{form}/",
    "form-texts": "/forms/{form}/texts/",
    "form-embed": "/forms/{form}/embed/",
    "signups-held": "/forms/held/",
    "list-texts": "/lists/{list}/texts/",
    "templates": "/templates/",
    "media": "/media/",
    "media-folder-new": "/media/folders/new/",
    "template": "/templates/{template}/",
    "sandbox": "/sandbox/",
    "settings": "/settings/",
    "settings-team": "/settings/team/",
    "settings-fields": "/settings/fields/",
    "settings-sending": "/settings/sending/",
    "settings-sending-new": "/settings/sending/new/",
    "settings-sending-edit": "/settings/sending/{account}/",
    "settings-sending-choose": "/settings/sending/choose/",
    "settings-sending-provider": "/settings/sending/new/?provider=resend",
    "settings-keys": "/settings/keys/",
    "settings-key": "/settings/keys/{key}/",
    "settings-mailboxes": "/settings/mailboxes/",
    "settings-mailbox-new": "/settings/mailboxes/new/",
    "settings-mailbox": "/settings/mailboxes/{mailbox}/",
    "settings-returned": "/settings/returned/",
    "settings-returned-mail": "/settings/returned/{returned}/",
    "settings-word-rules": "/settings/returned/rules/",
    "settings-api-keys": "/settings/api-keys/",
    "profile": "/profile/",
    "password": "/password/change/",
    "workspace-new": "/workspaces/new/",
}
PUBLIC = {
    "sign-in": "/sign-in/",
    "password-reset": "/password/reset/",
    "public-signup": "/s/{form_public}/",
    "public-unsubscribe": "/u/{unsubscribe}/",
    "public-preferences": "/p/{preferences}/",
    "public-web-version": "/v/{view}/",
}
# A marketer's own mail: its policy lets nothing run, axe neither.
WITHOUT_SCRIPTS = frozenset({"public-web-version"})


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[products.Product]:
    with products.running(tmp_path_factory.mktemp("screens")) as running:
        yield running


@pytest.fixture(scope="module")
def names(product: products.Product) -> dict[str, str]:
    """The keys and tokens that the addresses above leave open."""
    answer = product.manage("shell", "-c", FIND)
    found = re.search(r"^FOUND (.*)$", answer.stdout, re.MULTILINE)
    assert found, answer.stderr
    return dict(json.loads(found.group(1)))


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = browsers.launch(playwright)
        yield browser
        browser.close()


def look(page: Page, addresses: dict[str, str], names: dict[str, str], theme: str) -> list[str]:
    """Photograph the pages in both sizes; return what is wrong with them."""
    faults = []
    for name, address in addresses.items():
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            answer = page.goto(address.format(**names))
            page.wait_for_load_state("networkidle")
            if answer is None or answer.status != 200:
                faults.append(f"{name}: {answer.status if answer else 'no answer'}")
                break
            _settle(page)
            page.screenshot(path=FOLDER / f"{name}-{width}-{theme}.png", full_page=True)
            wide = page.evaluate("document.documentElement.scrollWidth")
            if wide > width:
                faults.append(f"{name}: {wide} px wide on a screen of {width} px")
            if name in WITHOUT_SCRIPTS:
                continue
            try:
                browsers.assert_accessible(page)
            except AssertionError as error:
                faults.append(f"{name} at {width} px, {theme}: {error}")
    return faults


def _settle(page: Page) -> None:
    """Let frames that load and draw only when they are seen do so."""
    if page.locator("iframe").count():
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        page.wait_for_load_state("networkidle")
        page.evaluate("scrollTo(0, 0)")
        page.wait_for_timeout(400)


@pytest.mark.parametrize("theme", THEMES)
def test_every_page(chromium, product, names, theme):
    FOLDER.mkdir(parents=True, exist_ok=True)
    with browsers.pages(chromium, product.address, color_scheme=theme) as (page, _guard):
        faults = look(page, PUBLIC, names, theme)
        browsers.sign_in(page, product.email, product.password)
        faults += look(page, DASHBOARD, names, theme)
    assert not faults, "\n".join(faults)
