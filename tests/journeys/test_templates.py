"""Other people's mails look the same after they went through: pixel for pixel, wide and narrow.

Those of `WARTA_TEST_DATA` are never copied; where they are absent, our own few are compared.
"""

import email
import os
from email import policy
from pathlib import Path

import pytest

from campaigns.states import ContentKind
from delivery.mime.recipient import Recipient
from delivery.mime.render import render
from delivery.mime.skeleton import compile_message
from tests.campaigns.rendering.writings import compiled

pytestmark = pytest.mark.journey

ROOT = Path(__file__).parents[2]
FOLDER = Path(os.environ.get("WARTA_TEST_DATA", ROOT / "../shared/data")) / "templates"
MAILS = sorted(FOLDER.rglob("*.html"))
WIDTHS = (360, 700)
# A picture of 60 × 40 for every address, so that nothing leaves the machine.
PICTURE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="60" height="40">'
    '<rect width="60" height="40" fill="#3a7"/></svg>'
)
HEAD = '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
SLICES = '<table cellpadding="0" cellspacing="0"><tr><td><img src="a.png"></td></tr></table>' * 3
OURS = {
    "important in a media query": f"<!doctype html><html><head>{HEAD}<style>"
    ".x{width:600px!important;background:#fc0} p{margin:40px;color:#036}"
    "@media(max-width:600px){.x{width:100%!important} p{margin:0;color:red}}</style></head>"
    '<body><table class="x"><tr><td><p>One</p><p style="color:blue">Two</p></table></body></html>',
    "a media query without important": f"<!doctype html><html><head>{HEAD}<style>"
    ".x{width:600px;padding:30px;background:#fc0}"
    "@media screen and (max-width:600px){.x{width:100%;padding-left:0}}</style></head>"
    '<body><div class="x">One</div></body></html>',
    "sliced pictures without a doctype": f"<html><head>{HEAD}<style>td{{padding:0}}</style></head>"
    f"<body>{SLICES}</body></html>",
    "sliced pictures with an old doctype": '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 '
    'Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">'
    f"<html><head>{HEAD}<style>img{{border:0}}</style></head><body>{SLICES}</body></html>",
    "a sheet for print": f"<html><head>{HEAD}<style media=print>p{{display:none}}</style></head>"
    "<body><p>One</p></body></html>",
    "a selector that looks at styles": f"<!doctype html><html><head>{HEAD}<style>"
    'div{margin:16px 0} div[style*="margin: 16px 0"]{margin:0!important}</style></head>'
    "<body><div>One</div><div>Two</div></body></html>",
    "what only some programs see": f"<!doctype html><html><head>{HEAD}<style>p{{margin:5px}}</style"
    "><!--[if mso]><style>p{margin:90px}</style><body><![endif]--></head><body><![if !mso]><p>One"
    "<![endif]><!--[if !mso]><!--><p>Two</p><!--<![endif]--><table><td>a<tr><td>b</table>",
    "a tag that is never closed": f"<html><head>{HEAD}<style>b{{color:red}}</style></head><body>"
    "<p><b>One<p>Two<i>Three</b>Four</i><table><tr><b>Five<td>Six</table>",
}  # fmt: skip


def test_the_real_mails_are_at_hand():
    if not MAILS:
        pytest.skip(f"no real mails in {FOLDER}: set WARTA_TEST_DATA to compare them")


def as_sent(source: str) -> str:
    """Return the HTML part that one person gets."""
    content = compiled(source, ContentKind.HTML, subject="News")
    message = compile_message(
        content, from_email="news@kopisenja.example", site_url="https://n.example"
    )
    person = Recipient(message_id=7, subscriber_id=8, email="dewi@example.com", first_name="Dewi")
    mail = email.message_from_bytes(render(message, person).data, policy=policy.default)
    html = mail.get_body(("html",))
    assert html is not None
    return str(html.get_content())


def pictures(page, html: str) -> list[bytes]:
    """Return what a browser shows at each width, without what we add at the end."""
    shown = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.set_content(html, wait_until="load")
        page.evaluate(
            """() => {
                document.querySelectorAll('img[src$=".gif"][src*="n.example/o/"]').forEach(
                    (pixel) => pixel.remove());
                document.querySelectorAll('a[href*="n.example/u/"]').forEach(
                    (link) => link.closest('div').remove());
            }"""
        )
        shown.append(page.screenshot(full_page=True, animations="disabled"))
    return shown


@pytest.fixture(scope="module")
def sheet(chromium):
    """A page of a program that runs no scripts and asks nobody for pictures."""
    context = chromium.new_context(java_script_enabled=True, device_scale_factor=1)
    page = context.new_page()
    page.route(
        "**/*",
        lambda route: (
            route.fulfill(body=PICTURE, content_type="image/svg+xml")
            if route.request.resource_type == "image"
            else route.abort()
        ),
    )
    yield page
    context.close()


@pytest.mark.parametrize("source", OURS.values(), ids=OURS.keys())
def test_a_mail_of_ours_looks_the_same_after_it_went_through(sheet, source):
    assert pictures(sheet, as_sent(source)) == pictures(sheet, source)


@pytest.mark.parametrize("path", MAILS, ids=lambda path: path.name)
def test_a_real_mail_looks_the_same_after_it_went_through(sheet, path):
    source = path.read_text(encoding="utf-8").replace("{{", "{").replace("{%", "{")
    assert pictures(sheet, as_sent(source)) == pictures(sheet, source)
