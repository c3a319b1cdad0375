"""The library and the editors' dialog in a browser: by button, by drop, by paste, by keyboard."""

import base64
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.urls import reverse
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from accounts.models import Workspace
from campaigns.drafts import content
from campaigns.media import folders
from campaigns.models import Campaign, Picture
from campaigns.states import ContentKind
from tests.browsing import MemberClient
from tests.campaigns import makers
from tests.campaigns.media import painting
from tests.journeys import browser as browsers

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]
PATIENCE = 60_000  # milliseconds that a few pictures may take on a busy machine
PICTURES = os.environ.get("MEDIA_SCREENS", "")  # a folder for pictures of the pages
GIVE = """([place, kind, file, data]) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const given = new DataTransfer();
  given.items.add(new File([bytes], file, { type: "image/png" }));
  const box = place.getBoundingClientRect();
  const where = { clientX: box.left + 20, clientY: box.top + 20, bubbles: true, cancelable: true };
  const event = kind === "paste"
    ? new ClipboardEvent(kind, { clipboardData: given, bubbles: true, cancelable: true })
    : new DragEvent(kind, { dataTransfer: given, ...where });
  place.dispatchEvent(event);
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Playwright keeps an event loop in this thread; Django only warns about it.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        chromium = browsers.launch(playwright)
        yield chromium
        chromium.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def page(browser: Browser, cast: Any, live_server: Any, settings: Any) -> Iterator[Page]:
    settings.SITE_URL = live_server.url
    client = MemberClient()
    client.force_login(cast.editor)
    cookie: Any = {
        "name": django_settings.SESSION_COOKIE_NAME,
        "value": client.cookies[django_settings.SESSION_COOKIE_NAME].value,
        "url": live_server.url,
    }
    with browsers.pages(browser, live_server.url) as (page, _guard):
        page.set_default_timeout(PATIENCE)
        page.context.add_cookies([cookie])
        yield page


def give(place: Locator, kind: str, name: str, colour: str) -> None:
    """Drop or paste a drawing of a colour there."""
    data = base64.b64encode(painting.encoded(painting.drawing(600, 400, colour))).decode()
    handle = place.element_handle(timeout=PATIENCE)
    place.page.evaluate(GIVE, [handle, kind, name, data])


def look(page: Page, name: str) -> None:
    """Hold the page to what is accessible, and keep a picture of it if somebody wants one."""
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)
    browsers.assert_accessible(page)


def open_library(page: Page) -> None:
    page.goto(f"/kopi-senja{reverse('media_library')}")


def test_pictures_come_in_by_button_and_drop_and_are_found_and_cut(page: Page, cast: Any) -> None:
    open_library(page)
    expect(page.get_by_role("heading", name="No pictures yet")).to_be_visible(timeout=PATIENCE)
    look(page, "library-empty")
    page.locator("#upload-picture").set_input_files(
        [
            {
                "name": "Harvest.jpg",
                "mimeType": "image/jpeg",
                "buffer": painting.encoded(painting.photo(1600, 1000), "JPEG"),
            },
            {"name": "Logo.svg", "mimeType": "image/svg+xml", "buffer": b"<svg></svg>"},
            {
                "name": "Cup.png",
                "mimeType": "image/png",
                "buffer": painting.encoded(painting.drawing(600, 400, "tomato")),
            },
        ]
    )
    status = page.locator("[data-upload-status]")
    expect(status).to_have_text("Uploaded: 2 of 3. Not uploaded: 1.", timeout=PATIENCE)
    expect(page.locator("[data-upload-list]")).to_contain_text("“Logo” is an SVG drawing")
    give(page.locator("main"), "drop", "Beans.png", "goldenrod")
    expect(page.locator(".w-pictures li")).to_have_count(3, timeout=PATIENCE)
    give(page.locator("main"), "paste", "image.png", "teal")
    expect(page.locator(".w-pictures li")).to_have_count(4, timeout=PATIENCE)
    look(page, "library")
    page.get_by_label("Select “Beans”").check()
    expect(page.get_by_role("button", name="Move")).to_be_visible()
    look(page, "library-selected")
    page.get_by_label("Name or alternative text").fill("harv")
    page.keyboard.press("Enter")
    expect(page.locator(".w-pictures li")).to_have_count(1, timeout=PATIENCE)
    page.get_by_role("link", name="Harvest").click()
    page.get_by_label("Alternative text").fill("Beans that dry in the sun")
    look(page, "picture")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#toasts")).to_contain_text("Saved", timeout=PATIENCE)
    page.get_by_role("link", name="Crop or resize").click()
    cut(page)


def cut(page: Page) -> None:
    """By pointer, then by keyboard: the numbers lead."""
    frame = page.locator(".w-crop")
    expect(frame.locator(".w-crop-box")).to_be_attached(timeout=PATIENCE)
    frame.scroll_into_view_if_needed()
    box: Any = frame.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + box["height"] * 0.25)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.75, steps=4)
    page.mouse.up()
    width = int(page.get_by_label("Width of the part").input_value())
    assert abs(width - 700) <= 4
    page.get_by_role("button", name="1:1").click()
    side = page.get_by_label("Width of the part").input_value()
    assert side == page.get_by_label("Height of the part").input_value()
    page.get_by_label("From the left").fill("100")
    page.get_by_label("Width of the part").fill("400")
    page.get_by_label("From the top").fill("0")
    page.get_by_label("Height of the part").fill("300")
    page.get_by_label("Scale to a width of").fill("200")
    page.get_by_role("button", name="Preview").click()
    shown = page.locator("#preview img")
    expect(shown).to_be_visible(timeout=PATIENCE)
    assert shown.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [200, 150]
    look(page, "crop")
    page.get_by_role("button", name="Save as a new picture").click()
    expect(page.locator("#toasts")).to_contain_text("picture of its own", timeout=PATIENCE)
    made = Picture.objects.latest("pk")
    assert (made.width, made.height, made.alt_text) == (200, 150, "Beans that dry in the sun")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
def test_every_page_fits_a_phone_and_the_dark(
    page: Page, workspace: Workspace, add: Any, theme: str, width: int
) -> None:
    folder = folders.make(workspace, name="Panen raya 2026 di dataran tinggi Gayo", parent=None)
    picture = add("tomato", filename="Secangkir kopi yang baru diseduh.png", folder=folder)
    add("teal")
    campaign = draft(workspace, ContentKind.MARKDOWN, f"![x](/media/{picture.file})")
    page.set_viewport_size({"width": width, "height": 812})
    where = f"{page.context.cookies()[0]['domain']}"
    for name, value in (("warta_theme", theme), ("django_language", "id")):
        page.context.add_cookies([{"name": name, "value": value, "domain": where, "path": "/"}])
    for name in ("picture", "shape", "replace", "delete"):
        page.goto(f"/kopi-senja{reverse(f'media_{name}', args=[picture.pk])}")
        look_whole(page, f"{name}-{theme}-{width}")
    for name in ("library", "folder_new"):
        page.goto(f"/kopi-senja{reverse(f'media_{name}')}")
        look_whole(page, f"{name}-{theme}-{width}")
    open_content(page, campaign, label="Isi")
    page.get_by_role("button", name="Sisipkan gambar").click()
    expect(page.get_by_role("dialog")).to_be_visible(timeout=PATIENCE)
    look_whole(page, f"dialog-{theme}-{width}")


def look_whole(page: Page, name: str) -> None:
    """Nothing scrolls sideways."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url
    look(page, name)


def draft(workspace: Workspace, kind: ContentKind, source: str) -> Campaign:
    campaign = makers.make_campaign(workspace, makers.make_list(workspace))
    content.begin(campaign)
    new = content.Draft(kind=kind, subject="Harvest", source=source)
    if kind is not ContentKind.MARKDOWN:
        content.switch(campaign, kind, source=source)
    content.save(campaign, new)
    return campaign


def open_content(page: Page, campaign: Campaign, *, label: str = "Content") -> Locator:
    page.goto(f"/kopi-senja{reverse('campaign_content', args=[campaign.pk])}")
    editor = page.get_by_role("textbox", name=label, exact=True)
    expect(editor).to_be_visible(timeout=PATIENCE)
    return editor


def test_a_picture_is_chosen_in_the_dialog_and_seen_in_the_preview(
    page: Page, workspace: Workspace, add: Any
) -> None:
    first = add("tomato", filename="Cup.png")
    campaign = draft(workspace, ContentKind.MARKDOWN, "Good morning\n")
    editor = open_content(page, campaign)
    editor.click()
    page.get_by_role("button", name="Insert a picture").click()
    dialog = page.get_by_role("dialog")
    dialog.locator("label", has_text="Cup").click()
    dialog.get_by_label("Alternative text", exact=True).fill("A [red] {{ cup }} & more")
    look(page, "dialog")
    dialog.get_by_role("button", name="Insert", exact=True).click()
    expect(dialog).to_be_hidden()
    image = page.frame_locator(".w-pane-frame:not([hidden])").locator(f'img[src$="{first.file}"]')
    expect(image).to_be_visible(timeout=PATIENCE)
    assert image.get_attribute("alt") == "A [red] {{ cup }} & more"
    assert image.evaluate("image => image.naturalWidth") == first.width
    first.refresh_from_db()
    assert first.alt_text == "A [red] {{ cup }} & more"  # kept for the next time
    look(page, "content")
    page.get_by_role("button", name="Insert a picture").click()
    page.locator("#picker-upload").set_input_files(
        {
            "name": "Leaf.png",
            "mimeType": "image/png",
            "buffer": painting.encoded(painting.drawing(300, 200, "green")),
        }
    )
    expect(dialog.get_by_label("Alternative text", exact=True)).to_be_focused(timeout=PATIENCE)
    page.keyboard.type("A leaf")
    page.keyboard.press("Enter")  # by keyboard alone
    expect(dialog).to_be_hidden()
    leaf = Picture.objects.get(name="Leaf")
    expect(page.locator(".cm-content").last).to_contain_text(f"![A leaf]({page.url[:16]}")
    assert leaf.file in page.locator("#id_source").input_value()


def test_pictures_are_dropped_and_pasted_into_the_text(page: Page, workspace: Workspace) -> None:
    campaign = draft(workspace, ContentKind.MARKDOWN, "Good morning")
    editor = open_content(page, campaign)
    give(editor, "drop", "Beans.png", "goldenrod")
    source = page.locator("#id_source")
    expect(editor).to_contain_text("![](", timeout=PATIENCE)
    page.keyboard.type("Beans")  # the cursor waits where the words belong
    beans = Picture.objects.get(name="Beans")
    assert f"![Beans]({django_settings.SITE_URL}/media/{beans.file})" in source.input_value()
    give(editor, "paste", "image.png", "teal")
    expect(editor).to_contain_text("![](", timeout=PATIENCE)
    assert source.input_value().startswith("Good morning\n\n")


@pytest.mark.parametrize(
    ("kind", "source"),
    [
        (
            ContentKind.MJML,
            "<mjml><mj-body><mj-section><mj-column>\n\n</mj-column></mj-section></mj-body></mjml>",
        ),
        (ContentKind.HTML, "<p>Hello</p>\n\n"),
    ],
)
def test_code_gets_the_tag_of_its_kind(
    page: Page, workspace: Workspace, add: Any, kind: ContentKind, source: str
) -> None:
    words = "<mj-image src=" if kind is ContentKind.MJML else "<img src="
    picture = add("tomato", filename="Cup.png", alt_text="A cup")
    editor = open_content(page, draft(workspace, kind, source))
    editor.click()
    page.keyboard.press("ControlOrMeta+Home")
    page.keyboard.press("ArrowDown")
    page.get_by_role("button", name="Insert a picture").click()
    dialog = page.get_by_role("dialog")
    dialog.locator("label", has_text="Cup").click()
    expect(dialog.get_by_label("Alternative text", exact=True)).to_have_value("A cup")
    dialog.get_by_role("button", name="Insert", exact=True).click()
    image = page.frame_locator(".w-pane-frame:not([hidden])").locator(f'img[src$="{picture.file}"]')
    expect(image).to_be_visible(timeout=PATIENCE)
    assert words in page.locator("#id_source").input_value()
