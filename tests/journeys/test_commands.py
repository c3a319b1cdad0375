"""From a file of ten thousand people to ten thousand mails, on the command line alone."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys import mailbox
from tests.journeys import product as products

pytestmark = pytest.mark.journey
PEOPLE = 10_000
HTML = """<!doctype html><html lang="en"><head><title>News</title></head><body>
<p>Hello {{ first_name }},</p><p><a href="https://kopisenja.example/menu">The menu</a></p>
<p><a href="{{ unsubscribe_url }}">Unsubscribe</a></p></body></html>"""


def write_people(path: Path, count: int) -> dict[str, str]:
    """Write a CSV of distinct people; return their names by address."""
    people = {f"reader.{n}@mail{n % 7}.example": f"Reader-{n}" for n in range(count)}
    lines = [f"{address},{name}" for address, name in people.items()]
    path.write_text("email,first_name\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return people


def send(product: products.Product, folder: Path, *, name: str, count: int) -> dict[str, str]:
    """Import people and send them a campaign; check what the commands say of it."""
    folder.mkdir()
    people = write_people(folder / "people.csv", count)
    (folder / "mail.html").write_text(HTML, encoding="utf-8")
    imported = product.manage(
        "import_subscribers", str(folder / "people.csv"), "--list", name, "--create-list", "--json"
    )
    assert imported.returncode == 0, imported.stderr
    assert json.loads(imported.stdout)["created"] == count
    sent = product.manage(
        "send_campaign", "--list", name, "--subject", f"{name} for {{{{ first_name }}}}",
        "--html", str(folder / "mail.html"), "--from", "Kopi Senja <news@kopisenja.example>",
        "--wait", "--json",
    )  # fmt: skip
    assert sent.returncode == 0, sent.stderr
    said = json.loads(sent.stdout)
    assert (said["status"], said["audience"]) == ("sent", count)
    assert {state: n for state, n in said["states"].items() if n} == {"sent": count}
    again = product.manage("campaign_status", str(said["id"]), "--json")
    assert json.loads(again.stdout)["states"] == said["states"]
    return people


def test_ten_thousand_mails_each_with_its_own_name_and_links(product, tmp_path):
    people = send(product, tmp_path / "ten thousand", name="Harvest", count=PEOPLE)

    mails = mailbox.kept(product, "Harvest for")

    assert len(mails) == PEOPLE
    assert {mail.to for mail in mails} == set(people)
    links: set[str] = set()
    for mail in mails:
        name = people[mail.to]
        assert mail.subject == f"Harvest for {name}"
        assert re.search(rf"^Hello {re.escape(name)},\s*$", mail.text, re.MULTILINE)
        assert mail.list_unsubscribe_post == "List-Unsubscribe=One-Click"
        links |= {mail.unsubscribe_address, mailbox.address_with(mail.text, "/c/")}
    assert len(links) == 2 * PEOPLE


@pytest.fixture
def server(tmp_path) -> Iterator[tuple[int, Path]]:
    """An SMTP server beside the product: its port, and the log of what it took."""
    log = tmp_path / "taken.jsonl"
    process = subprocess.Popen(
        [sys.executable, "-m", "delivery.sandbox.smtp_server", "--port", "0", "--log", str(log)],
        cwd=products.CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    port = json.loads(process.stdout.readline())["port"]
    try:
        yield port, log
    finally:
        process.communicate("stop\n", timeout=20)


def test_mail_leaves_by_the_server_that_smtp_url_names(server, tmp_path):
    port, log = server
    address = f"smtp://127.0.0.1:{port}/?tls=none"
    with products.running(tmp_path / "data", SMTP_URL=address) as product:
        people = send(product, tmp_path / "out", name="Outward", count=500)

    taken = [json.loads(line) for line in log.read_text().splitlines()]
    receivers = sorted(receiver for mail in taken for receiver in mail["envelope_to"])
    assert receivers == sorted(people)
