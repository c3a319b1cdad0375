"""What the sandbox kept, read as people read it (its pages) or as a whole (for counting)."""

import email
import email.policy
import html
import json
import re
import time
from dataclasses import dataclass
from email.message import EmailMessage

from playwright.sync_api import Page

from tests.journeys.product import Product

PATIENCE_SECONDS = 60
DUMP = """
import email, email.policy, json, re
from delivery.models import SandboxMessage
rows = []
kept = SandboxMessage.objects.filter(subject__contains={subject!r}).order_by("pk")
for to, subject, raw in kept.values_list("envelope_to", "subject", "raw").iterator():
    mail = email.message_from_bytes(bytes(raw), policy=email.policy.compat32)
    text = next(part for part in mail.walk() if part.get_content_type() == "text/plain")
    rows.append([to, subject, mail.get_all("To"), mail.get_all("Bcc") or [],
                 mail["List-Unsubscribe"], mail["List-Unsubscribe-Post"],
                 text.get_payload(decode=True).decode()])
print("KEPT " + json.dumps(rows))
"""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """One mail that the sandbox took."""

    to: str
    subject: str
    to_headers: list[str]
    bcc_headers: list[str]
    list_unsubscribe: str
    list_unsubscribe_post: str
    text: str

    @property
    def unsubscribe_address(self) -> str:
        """The https or http address of List-Unsubscribe."""
        return str(re.findall(r"<(https?://[^>]+)>", self.list_unsubscribe)[0])


def kept(product: Product, subject: str) -> list[Kept]:
    """Return every mail whose subject holds these words, in the order they came."""
    answer = product.manage("shell", "-c", DUMP.format(subject=subject))
    found = re.search(r"^KEPT (.*)$", answer.stdout, re.MULTILINE)
    assert found, answer.stderr
    names = list(Kept.__dataclass_fields__)
    return [Kept(**dict(zip(names, row, strict=True))) for row in json.loads(found.group(1))]


def newest(
    marketer: Page, to: str, *, subject: str = "", of_installation: bool = False
) -> EmailMessage:
    """Return the newest mail to an address, through the sandbox inbox; wait for it if need be.

    Resets and invitations are ``of_installation``: the page shows them to superusers, apart.
    """
    wanted = {"q": to} | ({"installation": "1"} if of_installation else {})
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        listing = marketer.request.get("/sandbox/", params=wanted).text()
        for path in re.findall(r'href="([^"]*/sandbox/\d+/)"', listing):
            source = marketer.request.get(path, params={"view": "source"}).text()
            raw = re.findall(r'<pre class="w-mail-text"[^>]*>(.*?)</pre>', source, re.DOTALL)[0]
            mail = email.message_from_string(html.unescape(raw), policy=email.policy.default)
            assert isinstance(mail, EmailMessage)
            if subject in str(mail["Subject"]):
                return mail
        time.sleep(0.3)
    raise AssertionError(f"No mail {subject!r} came to {to} within {PATIENCE_SECONDS} s.")


def text_of(mail: EmailMessage) -> str:
    """Return the plain-text part."""
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def html_of(mail: EmailMessage) -> str:
    """Return the HTML part."""
    part = mail.get_body(("html",))
    assert part is not None
    return str(part.get_content())


def address_with(text: str, path: str) -> str:
    """Return the first address in a text whose path begins so."""
    found = re.search(rf"https?://[^\s\"<>)\]]*{re.escape(path)}[^\s\"<>)\]]*", text)
    assert found, text
    return html.unescape(found.group(0))
