"""Enter in a field saves, nothing else: what it presses on every page.

Enter presses the first submit button in tree order that belongs to the form (HTML Standard,
implicit submission), wherever on the page it stands.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from django.test import Client
from selectolax.lexbor import LexborHTMLParser, LexborNode

from campaigns.models import Campaign, Content
from campaigns.states import ContentKind
from tests.architecture.addresses import ROWS
from tests.architecture.test_addresses import CONSOLE, fill
from tests.campaigns.makers import make_campaign

if TYPE_CHECKING:
    from tests.people import Cast

NO_ENTER = {"hidden", "submit", "button", "reset", "image", "file", "color", "range"}


def submits(form: LexborNode, page: LexborHTMLParser) -> Iterator[LexborNode]:
    """Yield the submit buttons of a form, as the browser looks for them."""
    own = {button.mem_id for button in form.css("button, input[type=submit], input[type=image]")}
    for button in page.css("button, input[type=submit], input[type=image]"):
        named = button.attributes.get("form")
        belongs = named == form.id if named else button.mem_id in own
        kind = button.attributes.get("type") or "submit"
        if belongs and kind in {"submit", "image"}:
            yield button


def takes_enter(form: LexborNode, page: LexborHTMLParser) -> bool:
    """Say whether a form has a field in which Enter submits it."""
    fields = [*form.css("input"), *(page.css(f'input[form="{form.id}"]') if form.id else [])]
    return any((field.attributes.get("type") or "text") not in NO_ENTER for field in fields)


def wrong(html: str) -> list[str]:
    """Return what Enter would press on a page although it neither saves nor goes on."""
    page = LexborHTMLParser(html)
    found = []
    for form in page.css("form"):
        buttons = list(submits(form, page))
        if len(buttons) < 2 or not takes_enter(form, page):
            continue
        first = buttons[0].attributes
        saves = "data-default" in first or "btn-primary" in (first.get("class") or "").split()
        if not saves or "formaction" in first or "disabled" in first:
            found.append(buttons[0].html or "")
    return found


@pytest.mark.django_db
def test_enter_saves_on_every_page(cast: "Cast", redis_client: object) -> None:
    client = Client()
    client.force_login(cast.owner)
    values = {name: make(cast.workspace) for name, make in ROWS.items()}
    seen, found = 0, []
    for address in CONSOLE:
        path = f"/{cast.workspace.slug}{fill(address, values)}"
        answer = client.get(path)
        if answer.status_code == 200 and answer["Content-Type"].startswith("text/html"):
            seen += 1
            found += [f"{path}: {button}" for button in wrong(answer.text)]
    assert found == []
    assert seen > 60


@pytest.mark.django_db
@pytest.mark.parametrize("kind", list(ContentKind))
def test_enter_in_the_editor_saves_in_every_kind_and_in_every_quarrel(
    cast: "Cast", redis_client: object, kind: ContentKind
) -> None:
    campaign = make_campaign(cast.workspace)
    Content.objects.filter(campaign=campaign).update(kind=kind)
    client = Client()
    client.force_login(cast.owner)
    path = f"/kopi-senja/campaigns/{campaign.pk}/content/"
    page = client.get(path).text
    assert wrong(page) == []
    fields = {"subject": "Mine", "source": "x", "revision": "0-0", "from_name": "Sari"}
    quarrel = client.post(path, fields)
    assert quarrel.status_code == 409
    assert wrong(quarrel.text) == []
    # As the browser does it: the first button's own name and address.
    parsed = LexborHTMLParser(page)
    form = parsed.css_first("#content-form")
    assert form is not None
    assert "formaction" not in next(submits(form, parsed)).attributes
    revision = parsed.css_first("#content-form input[name=revision]")
    assert revision is not None
    client.post(path, fields | {"revision": revision.attributes["value"] or ""})
    stored = Campaign.objects.select_related("content").get(pk=campaign.pk)
    assert stored.content is not None
    assert (stored.content.kind, stored.from_name) == (kind, "Sari")


def test_the_walk_would_notice() -> None:
    switch = '<button formaction="/switch/">MJML</button>'
    save = '<button class="btn btn-primary">Save</button>'
    assert wrong(f"<form><input name=a>{switch}{save}</form>") != []
    outside = switch.replace("<button", "<button form=f")
    assert wrong(f"{outside}<form id=f><input name=a>{save}</form>") != []
    assert wrong(f"<form><input name=a>{save}{switch}</form>") == []
