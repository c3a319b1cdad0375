"""A guarded browser page: whatever it should not do fails the test."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, Request

CHROMIUM = "/usr/bin/chromium"
# Without these, headless Chromium asks its maker's servers for this and that at every start.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def launch(playwright: Playwright) -> Browser:
    """Start Debian's Chromium."""
    return playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)


@dataclass
class Guard:
    """Collects what a page must not do: console errors, CSP violations, requests elsewhere."""

    address: str
    faults: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        """Listen to a page."""
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.faults.append(f"{page.url}: {error}"))
        page.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        # A form with mistakes is answered with 422: the browser calls that a failed load.
        if message.type == "error" and "status of 422" not in message.text:
            self.faults.append(f"{message.location.get('url', '')}: {message.text}")

    def _request(self, request: Request) -> None:
        if not request.url.startswith((self.address, "data:", "blob:", "about:")):
            self.faults.append(f"left the site: {request.url}")

    def check(self) -> None:
        """Fail on anything collected."""
        assert not self.faults, "\n".join(self.faults)


@contextmanager
def pages(browser: Browser, address: str, **options: Any) -> Iterator[tuple[Page, Guard]]:
    """Open a context with one watched page; at the end nothing forbidden may have happened."""
    context: BrowserContext = browser.new_context(base_url=address, **options)
    context.set_default_timeout(15_000)
    guard = Guard(address=address)
    page = context.new_page()
    guard.watch(page)
    try:
        yield page, guard
    finally:
        context.close()
    guard.check()


def sign_in(page: Page, email: str, password: str) -> None:
    """Sign in on the product's own page."""
    page.goto("/sign-in/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=False).first.fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")


def assert_accessible(page: Page) -> None:
    """Fail on any axe finding (WCAG A and AA, and axe's best practices)."""
    found = Axe().run(page)
    lines = [
        f"{violation['id']} ({violation['impact']}): {violation['help']}: "
        + "; ".join(node["html"][:160] for node in violation["nodes"][:3])
        for violation in found.response["violations"]
    ]
    assert not lines, f"{page.url}\n" + "\n".join(lines)
