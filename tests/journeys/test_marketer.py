"""A marketer's way from an empty list to a report that accounts for everybody, by browser."""

import csv
import io
import re
from dataclasses import dataclass
from typing import Final

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.journeys import browser as browsers
from tests.journeys import mailbox
from tests.journeys.product import Product

pytestmark = pytest.mark.journey
GOOD: Final = 240
LIST: Final = "Morning roast"
TARGET: Final = "https://kopisenja.example/menu?cup=2"
SUBJECT: Final = "Beans for {{ first_name }}"
LETTER: Final = (
    "# Good morning, {{ first_name }}\n\n"
    f"New beans came to {{{{ city }}}}. [See the menu]({TARGET}).\n\n"
    "{{ nickname }}\n"
)
BROKEN: Final = [
    ["no-at-sign.example", "Nobody", "Ubud"],
    ["two@@signs.example", "Nobody", "Ubud"],
    ["", "Nobody", "Ubud"],
    ["eve@@injected.example", "Eve\r\nBcc: victim@elsewhere.example", "Ubud"],
]
SENDING: Final = 90_000  # milliseconds that a few hundred mails may take on a busy machine


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody of the file."""

    email: str
    name: str
    city: str


PEOPLE: Final = [
    Person(
        email=f"morning.{n}@mail{n % 5}.example",
        name=f"Ayu “{n}”; Dewi" if n % 9 == 0 else f"Ketut {n}",
        city="Denpasar" if n % 2 else "Ubud; Bali",
    )
    for n in range(GOOD)
]

REPEATED: Final = [PEOPLE[0].email.upper(), "Again", "Ubud"]
REFUSED: Final = len(BROKEN) + 1


def semicolon_file() -> bytes:
    """A spreadsheet's CSV of good and broken rows, and one that repeats an address."""
    out = io.StringIO()
    rows = csv.writer(out, delimiter=";")
    rows.writerow(["E-mail", "First name", "City"])
    rows.writerows([person.email, person.name, person.city] for person in PEOPLE[:100])
    rows.writerows(BROKEN)
    rows.writerow(REPEATED)
    rows.writerows([person.email, person.name, person.city] for person in PEOPLE[100:])
    return out.getvalue().encode("utf-8-sig")


def legend(page: Page) -> dict[str, int]:
    """The ledger of the page: word → number."""
    texts = page.locator(".w-legend li").all_inner_texts()
    found = [re.fullmatch(r"=?\s*(.+?)\s*([\d,.]+)", " ".join(text.split())) for text in texts]
    return {match[1]: int(re.sub(r"\D", "", match[2])) for match in found if match}


def pick(page: Page, name: str) -> Locator:
    """The row of a list among those to send to."""
    return page.locator("label.w-listrow").filter(has=page.get_by_text(name, exact=True)).first


def make_list(page: Page, name: str) -> None:
    page.goto("/lists/")
    page.get_by_role("link", name="New list").first.click()
    page.get_by_label("Name", exact=True).fill(name)
    browsers.assert_accessible(page)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def import_file(page: Page, name: str) -> None:
    """Through the whole wizard; the error file holds exactly the rows that could not go in."""
    page.get_by_role("link", name="Import", exact=True).click()
    page.get_by_label("File").set_input_files(
        {"name": "people.csv", "mimeType": "text/csv", "buffer": semicolon_file()}
    )
    page.get_by_role("button", name="Next: columns").click()
    expect(page.get_by_label("E-mail goes to")).to_have_value("email")
    expect(page.get_by_label("First name goes to")).to_have_value("first_name")
    browsers.assert_accessible(page)
    page.get_by_role("button", name="Next: consent").click()
    page.get_by_label("List optional", exact=True).select_option(label=name)
    page.get_by_label("How did they agree?").fill("Signed at the counter in Ubud, in ink.")
    page.get_by_role("button", name="Next: check").click()
    go = page.get_by_role("button", name=f"Import {GOOD} people")
    expect(go).to_be_visible(timeout=30_000)
    assert legend(page) == {"New": GOOD, "Invalid": REFUSED, "rows": GOOD + REFUSED}
    browsers.assert_accessible(page)
    with page.expect_download() as download:
        page.get_by_role("link", name=f"Download {REFUSED} rows to correct").click()
    check_error_file(download.value.path().read_text(encoding="utf-8-sig"))
    go.click()
    expect(page.get_by_text("Done.")).to_be_visible(timeout=30_000)
    browsers.assert_accessible(page)


def check_error_file(text: str) -> None:
    """Every broken row is in it with its reason, and nothing that a spreadsheet would run."""
    dialect = ";" if ";" in text.splitlines()[0] else ","
    rows = list(csv.reader(io.StringIO(text), delimiter=dialect))
    refused = [*BROKEN, REPEATED]
    assert sorted(row[-3] for row in rows[1:]) == sorted(row[0] for row in refused)


def start_campaign(page: Page, name: str, *, to: str) -> None:
    page.goto("/campaigns/")
    page.get_by_role("link", name="New campaign").first.click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("button", name="Continue to audience").click()
    pick(page, to).click()
    expect(page.locator("#summary")).to_contain_text("people get")
    browsers.assert_accessible(page)
    page.get_by_role("button", name="Continue to content").click()
    page.wait_for_url("**/content/")


def write(page: Page, label: str, text: str) -> None:
    """Type into one of the editors."""
    box = page.get_by_role("textbox", name=label, exact=True)
    box.click()
    box.press("ControlOrMeta+a")
    page.keyboard.insert_text(text)


def write_content(page: Page) -> None:
    """Write with merge tags: the preview shows a person, and an undefined tag is named."""
    write(page, "Subject", SUBJECT)
    write(page, "Content", LETTER)
    expect(page.locator("#notes")).to_contain_text("nickname", timeout=20_000)
    write(page, "Content", LETTER.replace("{{ nickname }}", "See you soon"))
    expect(page.locator("#notes")).not_to_contain_text("nickname", timeout=20_000)
    shown = page.locator("#inbox span")
    expect(shown).to_have_text(re.compile(r"Beans for (Ayu|Ketut)"))
    name = shown.inner_text().removeprefix("Beans for ")
    frame = page.frame_locator("iframe.w-pane-frame")
    expect(frame.get_by_role("heading", name=f"Good morning, {name}")).to_be_visible()
    page.get_by_role("button", name="Continue to tracking").click()
    page.wait_for_url("**/tracking/")
    expect(page.get_by_role("switch").first).to_be_checked()
    browsers.assert_accessible(page)
    page.get_by_role("button", name="Continue to review").click()
    page.wait_for_url("**/review/")


def send_test(page: Page) -> None:
    page.get_by_label("To", exact=True).fill("proof@kopisenja.example")
    page.get_by_role("button", name="Send test").click()
    expect(page.locator("#test-result .is-sent")).to_contain_text(
        "proof@kopisenja.example", timeout=30_000
    )
    mail = mailbox.newest(page, "proof@kopisenja.example")
    assert "{{" not in mailbox.text_of(mail)


def send_now(page: Page, *, people: int) -> None:
    """Confirm, and watch until the ledger says that all is done."""
    page.get_by_role("button", name="Send or schedule").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"{people} people")
    browsers.assert_accessible(page)
    dialog.get_by_role("button", name="Send now").click()
    page.wait_for_url("**/sending/")
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    expect(page.locator(".w-legend")).to_contain_text(
        re.compile(rf"Sent\s*{people}"), timeout=SENDING
    )
    browsers.assert_accessible(page)


def read_report(page: Page) -> dict[str, int]:
    """Open the finished campaign's report; its states add up to its audience."""
    page.goto(page.url.split("?")[0].replace("/sending/", "/report/"))
    states = legend(page)
    audience = states.pop("audience")
    assert sum(states.values()) == audience
    browsers.assert_accessible(page)
    return states


def check_mails(product: Product) -> dict[str, mailbox.Kept]:
    """Exactly one mail for each person, with their own name and the headers to leave."""
    mails = [mail for mail in mailbox.kept(product, "Beans for") if mail.to.startswith("morning.")]
    by_address = {mail.to: mail for mail in mails}
    assert len(mails) == len(by_address) == GOOD
    for person in PEOPLE:
        mail = by_address[person.email]
        assert mail.subject == f"Beans for {person.name}"
        assert f"Good morning, {person.name}".lower() in mail.text.lower()
        assert person.city in mail.text
        assert mail.bcc_headers == []
        assert mail.list_unsubscribe_post == "List-Unsubscribe=One-Click"
    assert len({mail.unsubscribe_address for mail in mails}) == GOOD
    return by_address


def follow_link(page: Page, mail: mailbox.Kept) -> None:
    """The tracked link answers with the way to its target."""
    answer = page.request.get(mailbox.address_with(mail.text, "/c/"), max_redirects=0)
    assert answer.status == 302
    assert answer.headers["location"] == TARGET


def leave_by_button(reader: Page, mail: mailbox.Kept) -> None:
    """Looking changes nothing; the button does, can be undone, and works again."""
    reader.goto(mail.unsubscribe_address)
    reader.reload()
    expect(reader.get_by_role("button", name="Unsubscribe", exact=True)).to_be_visible()
    browsers.assert_accessible(reader)
    reader.get_by_role("button", name="Unsubscribe", exact=True).click()
    expect(reader.get_by_role("heading", level=1)).to_contain_text("You are unsubscribed")
    browsers.assert_accessible(reader)
    reader.get_by_role("button", name="Undo").click()
    expect(reader.get_by_text("Welcome back")).to_be_visible()
    reader.get_by_role("button", name="Unsubscribe", exact=True).click()
    reader.get_by_label("Too many emails").check()
    reader.get_by_role("button", name="Send").click()
    expect(reader.get_by_text("Thank you for telling us why.")).to_be_visible()


def leave_by_mail_program(reader: Page, mail: mailbox.Kept) -> None:
    """RFC 8058: one POST without cookies, answered without a redirect."""
    answer = reader.request.post(
        mail.unsubscribe_address, form={"List-Unsubscribe": "One-Click"}, max_redirects=0
    )
    assert answer.status == 200
    assert "set-cookie" not in answer.headers


def leave_by_preferences(reader: Page, mail: mailbox.Kept) -> None:
    """The preference centre: untick the list and save."""
    reader.goto(mail.unsubscribe_address)
    reader.get_by_role("link", name="Choose what I receive instead").click()
    browsers.assert_accessible(reader)
    reader.get_by_role("checkbox", name=LIST).uncheck()
    reader.get_by_role("button", name="Save").first.click()
    expect(reader.get_by_text("Saved.")).to_be_visible()


def test_from_an_empty_list_to_a_report_that_accounts_for_everybody(marketer, chromium, product):
    make_list(marketer, LIST)
    import_file(marketer, LIST)
    start_campaign(marketer, "Morning letter", to=LIST)
    write_content(marketer)
    browsers.assert_accessible(marketer)
    send_test(marketer)
    send_now(marketer, people=GOOD)
    assert read_report(marketer) == {"Sent": GOOD}
    mails = check_mails(product)
    follow_link(marketer, mails[PEOPLE[3].email])

    with browsers.pages(chromium, product.address) as (reader, _guard):
        leave_by_button(reader, mails[PEOPLE[0].email])
        leave_by_mail_program(reader, mails[PEOPLE[1].email])
        leave_by_preferences(reader, mails[PEOPLE[2].email])

    start_campaign(marketer, "Second letter", to=LIST)
    write(marketer, "Subject", "Again beans for {{ first_name }}")
    write(marketer, "Content", "Hello {{ first_name }}, this is the second letter.")
    expect(marketer.locator("#inbox span")).to_have_text(re.compile("^Again beans for"))
    marketer.get_by_role("button", name="Continue to tracking").click()
    marketer.get_by_role("button", name="Continue to review").click()
    expect(marketer.locator("#summary")).to_contain_text("3 left out")
    send_now(marketer, people=GOOD - 3)
    assert read_report(marketer) == {"Sent": GOOD - 3, "Skipped": 3}
    left_out = marketer.locator(".w-rows li").filter(has_text="Unsubscribed")
    expect(left_out).to_contain_text("3")
    second = {mail.to for mail in mailbox.kept(product, "Again beans")}
    assert second == {person.email for person in PEOPLE[3:]}
