"""No page offers a link that the member may not open."""

from typing import TYPE_CHECKING

import pytest
from django.test import Client
from selectolax.lexbor import LexborHTMLParser

from tests.architecture.addresses import ROWS
from tests.architecture.test_addresses import CONSOLE, fill

if TYPE_CHECKING:
    from tests.people import Cast


def links(client: Client, address: str) -> set[str]:
    """Return the links of a page into its workspace."""
    answer = client.get(address)
    if answer.status_code != 200 or not answer["Content-Type"].startswith("text/html"):
        return set()
    found = {a.attributes.get("href") or "" for a in LexborHTMLParser(answer.text).css("a[href]")}
    return {href for href in found if href.startswith("/kopi-senja/")}


@pytest.mark.django_db
@pytest.mark.parametrize("who", ["analyst", "editor", "admin"])
def test_no_link_leads_to_a_refusal(cast: "Cast", redis_client: object, who: str) -> None:
    client = Client()
    client.force_login(getattr(cast, who))
    values = {name: make(cast.workspace) for name, make in ROWS.items()}
    found: dict[str, str] = {}
    walked = [f"/kopi-senja{fill(address, values)}" for address in CONSOLE]
    for address in [*walked, "/profile/", "/kopi-senja/search/?q=e", "/kopi-senja/search/?q=s"]:
        found |= dict.fromkeys(links(client, address), address)
    assert len(found) > 20
    refused = {
        f"{href} on {page}" for href, page in found.items() if client.get(href).status_code == 403
    }
    assert refused == set()
