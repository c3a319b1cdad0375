"""One person's mail: right in every byte, for any person."""

import email
import re
from email import policy

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from campaigns.states import ContentKind
from delivery.mime import tokens
from delivery.mime.recipient import Recipient
from delivery.mime.render import RenderError, render, render_web_version
from delivery.mime.skeleton import compile_message
from delivery.mime.tokens import Purpose
from tests.campaigns.rendering.writings import compiled

SITE = "https://news.kopisenja.example"
SOURCE = (
    '# Halo {{ first_name|default("friend") }},\n\nThe [lots](https://a.example/x?n={{ city }}) '
    "and [more](https://a.example/y) for {{ name }} in {{ city }}.\n\n"
    "{% if vip %}\nA [gift](https://a.example/z)\n{% endif %}\n"
)
NOON = 1_764_000_000


def message(source=SOURCE, kind=ContentKind.MARKDOWN, *, subject="Hi {{ first_name }}", **options):
    given_options = {"from_email": "sari@kopisenja.example", "from_name": "Kopi Senja"} | options
    content = compiled(source, kind, subject=subject)
    return compile_message(content, site_url=SITE, **given_options)


def person(number=1, **given_fields):
    known = {
        key: given_fields.pop(key)
        for key in ("email", "first_name", "last_name", "language")
        if key in given_fields
    }
    defaults = {"email": "dewi@example.com", "first_name": "Dewi", "last_name": "Anggraini"}
    return Recipient(
        message_id=number, subscriber_id=number + 7, fields=given_fields, **(defaults | known)
    )


def parsed(outgoing):
    return email.message_from_bytes(outgoing.data, policy=policy.default)


def parts(outgoing):
    mail = parsed(outgoing)
    html = mail.get_body(("html",))
    bodies = [mail.get_body(("plain",)), html]
    return tuple(body and body.get_content().replace("\r\n", "\n") for body in bodies)


def test_the_whole_skeleton():
    mail = parsed(
        render(
            message(
                reply_to="halo@kopisenja.example",
                list_id="letter",
                list_name="The Letter",
                feedback_id=("c1", "kopi-senja"),
                unsubscribe_mailto="leave@kopisenja.example",
            ),
            person(),
            at=NOON,
        )
    )
    own = {purpose: tokens.make(1, purpose) for purpose in Purpose}
    assert dict(mail.items()) == {
        "From": "Kopi Senja <sari@kopisenja.example>",
        "Reply-To": "halo@kopisenja.example",
        "To": "Dewi Anggraini <dewi@example.com>",
        "Subject": "Hi Dewi",
        "Date": "Mon, 24 Nov 2025 16:00:00 +0000",
        "Message-ID": f"<{own[Purpose.MESSAGE]}@kopisenja.example>",
        "X-Warta-Message": own[Purpose.MESSAGE],
        "List-Unsubscribe": f"<{SITE}/u/{own[Purpose.UNSUBSCRIBE]}/>, "
        f"<mailto:leave@kopisenja.example?subject={own[Purpose.UNSUBSCRIBE]}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "List-Id": "The Letter <letter.kopisenja.example>",
        "Feedback-ID": "c1:kopi-senja",
        "Precedence": "bulk",
        "MIME-Version": "1.0",
        "Content-Type": mail["Content-Type"],
    }
    assert mail.get_content_type() == "multipart/alternative"
    kinds = [part.get_content_type() for part in mail.iter_parts()]
    assert kinds == ["text/plain", "text/html"]
    assert not mail.defects
    assert not any(part.defects for part in mail.walk())


def test_bodies_hold_this_persons_values_and_links():
    text, html = parts(render(message(), person(3, city="Bandung & Co", vip=True)))
    track = tokens.make(3, Purpose.TRACK)
    for ordinal in (1, 2, 3):
        assert f"{SITE}/c/{track}/{ordinal}/" in html
        assert f"{SITE}/c/{track}/{ordinal}/" in text
    assert f'<img src="{SITE}/o/{track}.gif"' in html
    assert f'href="{SITE}/u/{tokens.make(3, Purpose.UNSUBSCRIBE)}/"' in html
    assert f'href="{SITE}/p/{tokens.make(3, Purpose.PREFERENCES)}/"' in html
    assert "Dewi Anggraini in Bandung &amp; Co." in html
    assert "Dewi Anggraini in Bandung & Co." in text
    assert tokens.read(track, Purpose.TRACK) == 3


def test_ten_thousand_people_get_ten_thousand_mails():
    compiled_message = message()
    seen = set()
    for number in range(1, 10_001):
        text, _html = parts(render(compiled_message, person(number, first_name=f"Nama-{number}")))
        assert text.startswith(f"Halo Nama-{number},\n")
        seen.add(re.search(r"/c/([^/]+)/1/", text)[1])
    assert len(seen) == 10_000


@hypothesis_settings(max_examples=150, deadline=None)
@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=120),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=120),
)
def test_any_value_arrives_whole(name, city):
    outgoing = render(MESSAGE, person(first_name=name, last_name="", city=city, vip=True))
    text, html = parts(outgoing)
    shown = (name or "friend", city.replace("\r\n", "\n").replace("\r", "\n"))
    assert f"Halo {shown[0]},\n" in text.replace("\r\n", "\n")
    assert f" in {shown[1]}." in text.replace("\r\n", "\n")
    assert "<script" not in html
    assert all(len(line) <= 998 for line in outgoing.data.split(b"\r\n"))
    assert b"\n" not in outgoing.data.replace(b"\r\n", b"")
    body = outgoing.data.partition(b"\r\n\r\n")[2]
    assert all(len(line) <= 76 for line in body.split(b"\r\n"))


MESSAGE = None


@pytest.fixture(autouse=True, scope="module")
def _compiled_once():
    global MESSAGE  # noqa: PLW0603 - hypothesis runs one test many times
    MESSAGE = message()


def test_the_same_mail_is_the_same_bytes_and_another_attempt_differs_in_its_date_alone():
    first = render(message(), person(), at=NOON)
    again = render(message(), person(), at=NOON + 3600)
    assert render(message(), person(), at=NOON) == first
    assert again.data.replace(b"17:00:00", b"16:00:00") == first.data


def test_mostly_foreign_letters_are_sent_in_base64():
    outgoing = render(
        message(
            "日本語のお知らせです。{{ first_name }}さん、新しいコーヒーが届きました。" * 40,
            ContentKind.TEXT,
        ),
        person(first_name="由紀"),
    )
    mail = parsed(outgoing)
    assert mail["Content-Transfer-Encoding"] == "base64"
    assert "由紀さん、新しい" in mail.get_content()
    assert all(len(line) <= 78 for line in outgoing.data.split(b"\r\n"))


def test_plain_text_alone_is_one_part():
    mail = parsed(render(message("Hi {{ first_name }}", ContentKind.TEXT), person()))
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().startswith("Hi Dewi")


def test_envelopes():
    outgoing = render(message(), person(5, email="dewi@bücher.example"))
    assert outgoing.envelope_from == "sari@kopisenja.example"
    assert outgoing.envelope_to == "dewi@xn--bcher-kva.example"
    assert not outgoing.needs_smtputf8
    outgoing = render(
        message(verp_domain="b.kopisenja.example"), person(5, email="用户@bücher.example")
    )
    local, _at, domain = outgoing.envelope_from.partition("@")
    assert domain == "b.kopisenja.example"
    assert tokens.read(local.removeprefix("bounce+"), Purpose.BOUNCE) == 5
    assert len(local) <= 64
    assert outgoing.needs_smtputf8
    assert "用户@xn--bcher-kva.example" in outgoing.data.decode()


def test_one_persons_trouble_is_a_render_error_with_a_sentence():
    failing = message("{{ 10 / points }}", ContentKind.HTML)
    assert "10" in parts(render(failing, person(points=1)))[1]
    with pytest.raises(RenderError, match="divided by zero"):
        render(failing, person(points=0))
    with pytest.raises(RenderError, match="address"):
        render(message(), person(email="dewi@-ü-.example"))


def test_headers_take_no_line_break_from_anybody():
    evil = "x\r\nBcc: all@example.com\r\n\r\nbody"
    mail = parsed(
        render(
            message(
                subject="Hi {{ first_name }} {{ city }}",
                from_name=evil,
                list_id=evil,
                list_name=evil,
                feedback_id=(evil, evil),
            ),
            person(first_name=evil, last_name=evil, city=evil),
        )
    )  # fmt: skip
    assert "Bcc" not in mail
    assert mail.get_content_type() == "multipart/alternative"
    assert len(mail.keys()) == len(set(mail.keys()))


def test_zero_and_no_are_values_too():
    text, _html = parts(
        render(message("{{ points|default('x') }} {{ vip }}"), person(points=0, vip=False))
    )
    assert text.startswith("0 no\n")


def test_values_in_addresses_are_encoded_when_clicks_are_not_tracked():
    content = compiled("[x](https://a.example/?n={{ first_name }})", track_clicks=False)
    compiled_message = compile_message(content, from_email="a@b.example", site_url=SITE)
    _text, html = parts(render(compiled_message, person(first_name="Dewi & Co")))
    assert 'href="https://a.example/?n=Dewi%20%26%20Co"' in html


def test_the_web_version_has_the_links_and_no_pixel():
    content = compiled(SOURCE)
    page = render_web_version(content, person(9, city="Bandung"), site_url=SITE)
    assert f"{SITE}/c/{tokens.make(9, Purpose.TRACK)}/1/" in page
    assert "/o/" not in page
    assert "Halo Dewi," in page


def test_the_web_version_gives_nobody_power_over_its_reader():
    content = compiled(SOURCE)
    page = render_web_version(content, person(9, city="Bandung"), site_url=SITE)
    for purpose in (Purpose.UNSUBSCRIBE, Purpose.PREFERENCES):
        assert tokens.make(9, purpose) not in page


def test_the_web_version_of_plain_text_is_a_page():
    content = compiled(
        "<b>Hi</b> https://a.example/x?a=1&b=2", ContentKind.TEXT, track_clicks=False
    )
    page = render_web_version(content, person(), site_url=SITE)
    assert "&lt;b&gt;Hi&lt;/b&gt;" in page
    assert '<a href="https://a.example/x?a=1&amp;b=2">' in page


def test_transactional_mail_says_so():
    mail = parsed(render(message(bulk=False, auto_submitted=True), person()))
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "Precedence" not in mail


def test_the_site_address_comes_from_the_settings():
    outgoing = render(compile_message(compiled(SOURCE), from_email="a@b.example"), person())
    assert settings.SITE_URL.encode() in outgoing.data.replace(b"=\r\n", b"")
