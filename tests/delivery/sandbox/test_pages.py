"""The sandbox inbox: shows mail safely, to its own workspace only."""

import html
import re

import pytest
from django.urls import reverse

from delivery.models import SandboxMessage
from delivery.sandbox import follow_up, stored
from delivery.tracking import ingest
from delivery.views import sandbox
from tests.delivery.sandbox import mails

RAW = (
    b"From: Kopi Senja <news@example.com>\r\nTo: dewi@example.org\r\n"
    b"Subject: =?utf-8?q?Halo_D=C3=A9wi?=\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/alternative; boundary="x"\r\n\r\n'
    b"--x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHalo text\r\n"
    b"--x\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    b"<html><head></head><body><script>alert(1)</script><b>Halo</b></body></html>\r\n--x--\r\n"
)


@pytest.fixture
def mail(workspace):
    return SandboxMessage.objects.create(
        workspace=workspace,
        envelope_to="dewi@example.org",
        subject="Halo Déwi",
        size=len(RAW),
        raw=RAW,
    )


def test_the_inbox_lists_and_finds(analyst_client, mail):
    page = analyst_client.get(reverse("sandbox_list"), {"q": "DEWI@"}).content.decode()
    assert "Halo Déwi" in page
    assert (
        "No emails match"
        in analyst_client.get(reverse("sandbox_list"), {"q": "budi"}).content.decode()
    )


@pytest.mark.parametrize(
    ("view", "words"),
    [("text", "Halo text"), ("headers", "Halo Déwi"), ("source", "=?utf-8?q?Halo")],
)
def test_a_mail_is_shown_in_every_way(editor_client, mail, view, words):
    address = reverse("sandbox_message", args=[mail.pk])
    assert words in editor_client.get(address, {"view": view}).content.decode()


def test_the_html_is_sandboxed_by_its_own_policy(editor_client, mail):
    answer = editor_client.get(reverse("sandbox_body", args=[mail.pk]))
    policy = {one.strip() for one in answer["Content-Security-Policy"].split(";")}
    assert "sandbox" in policy  # nothing is allowed: no scripts, no forms, no windows
    assert {"script-src 'none'", "connect-src 'none'", "img-src data:"} <= policy
    assert answer["X-Frame-Options"] == "SAMEORIGIN"
    assert b"<script" not in answer.content


def test_another_workspace_sees_nothing(outsider_client, mail):
    for name in ("sandbox_message", "sandbox_body", "sandbox_source", "sandbox_part"):
        assert outsider_client.get(reverse(name, args=[mail.pk])).status_code == 404
    outsider_client.post(reverse("sandbox_empty"))
    assert SandboxMessage.objects.filter(pk=mail.pk).exists()


def test_emptying_needs_an_editor(analyst_client, editor_client, mail):
    assert analyst_client.post(reverse("sandbox_empty")).status_code == 403
    editor_client.post(reverse("sandbox_empty"))
    assert not SandboxMessage.objects.exists()


def test_a_broken_mail_still_opens(editor_client, mail):
    mail.raw = b"Subject: x\r\nContent-Type: text/html; charset=nonsense\r\n\r\n\xff\xfe"
    mail.save()
    for view in ("html", "text", "links", "headers", "parts", "checks", "source"):
        address = reverse("sandbox_message", args=[mail.pk])
        assert editor_client.get(address, {"view": view}).status_code == 200


@pytest.fixture
def reset_mail(db):
    return SandboxMessage.objects.create(
        workspace=None, envelope_to="sari@example.org", subject="Reset", size=len(RAW), raw=RAW
    )


def test_no_member_sees_the_installations_mail(
    owner_client, admin_client, analyst_client, reset_mail
):
    for client in (owner_client, admin_client, analyst_client):
        assert "Reset" not in client.get(reverse("sandbox_list")).content.decode()
        assert client.get(reverse("sandbox_list"), {"installation": "1"}).status_code == 404
        for name in ("sandbox_message", "sandbox_body"):
            hidden = 403 if client is analyst_client else 404  # who may read no mail at all
            assert client.get(reverse(name, args=[reset_mail.pk])).status_code == hidden
    assert owner_client.post(reverse("sandbox_empty"), {"installation": "1"}).status_code == 404
    owner_client.post(reverse("sandbox_empty"))
    assert SandboxMessage.objects.filter(pk=reset_mail.pk).exists()


def test_a_superuser_sees_the_installations_mail_apart(owner, owner_client, mail, reset_mail):
    owner.is_superuser = True
    owner.save()
    ours = owner_client.get(reverse("sandbox_list")).content.decode()
    assert "Halo Déwi" in ours
    assert "Reset" not in ours
    theirs = owner_client.get(reverse("sandbox_list"), {"installation": "1"}).content.decode()
    assert "Reset" in theirs
    assert "Halo Déwi" not in theirs
    page = owner_client.get(reverse("sandbox_message", args=[reset_mail.pk]), {"view": "text"})
    assert "Halo text" in page.content.decode()
    assert f"/sandbox/{mail.pk}/" not in page.content.decode()
    owner_client.post(reverse("sandbox_empty"), {"installation": "1"})
    assert list(SandboxMessage.objects.all()) == [mail]


def test_who_may_only_look_reads_no_links_that_act_for_others(analyst_client, mail):
    page = analyst_client.get(reverse("sandbox_list")).content.decode()
    for name in ("sandbox_message", "sandbox_body"):
        address = reverse(name, args=[mail.pk])
        assert address not in page
        assert analyst_client.get(address).status_code == 403


@pytest.fixture
def sent(workspace):
    return mails.sent(workspace)


def read(client, mail, **query):
    answer = client.get(reverse("sandbox_message", args=[mail.pk]), query)
    assert answer.status_code == 200
    return answer.content.decode()


def body(client, mail, **query):
    return client.get(reverse("sandbox_body", args=[mail.pk]), query)


def test_looking_at_a_mail_loads_nothing_and_counts_nothing(editor_client, sent, redis_client):
    _campaign, _person, message, mail = sent
    page = body(editor_client, mail).content.decode()
    assert "data:image/png;base64," in page  # the picture inside
    assert "/o/" not in page  # the pixel
    assert 'href="https://' not in page  # links lead nowhere
    for view in ("html", "links", "checks", "source"):
        read(editor_client, mail, view=view)
    body(editor_client, mail, pictures="all")
    ingest.next_batch()
    message.refresh_from_db()
    assert (message.opened_at, message.clicked_at) == (None, None)


@pytest.mark.parametrize(
    ("pictures", "source"),
    [("embedded", "data:"), ("all", "'self' data: https: http:"), ("none", "'none'")],
)
def test_pictures_are_loaded_as_asked_for(editor_client, sent, pictures, source):
    policy = body(editor_client, sent[3], pictures=pictures)["Content-Security-Policy"]
    assert f"img-src {source};" in f"{policy};"


@pytest.mark.parametrize(
    ("look", "words"),
    [
        ("desktop", "@media (max-width:0)"),
        ("phone", "@media (max-width:0)"),
        ("dark", "@media (min-width:0)"),
        ("forced", "invert(1)"),
        ("forced", "@media (max-width:0)"),
    ],
)
def test_dark_styles_apply_by_the_look_and_not_by_the_viewers_device(
    editor_client, sent, look, words
):
    assert words in body(editor_client, sent[3], look=look).content.decode()


def test_links_say_where_they_lead_and_whether_they_count(editor_client, sent):
    page = read(editor_client, sent[3], view="links")
    assert 'href="https://kopisenja.example/1"' in page
    assert "Tracked" in page
    assert "own page" in page
    assert "/c/" in page  # shown, but not to be pressed
    assert not re.search(r'href="[^"]*/c/', page)


def test_headers_that_matter_are_explained(editor_client, sent):
    page = read(editor_client, sent[3], view="headers")
    assert "Panen kopi Déwi" in page
    assert "works with one click (RFC 8058)" in page
    assert "few out-of-office replies" in page


def test_what_a_newsletter_should_carry_is_missed(editor_client, mail):
    page = read(editor_client, mail, view="headers")
    assert "List-Unsubscribe is missing" in page


def test_a_part_is_downloaded_as_a_file_that_no_browser_opens(editor_client, sent):
    mail = sent[3]
    assert "logo.png" in read(editor_client, mail, view="parts")
    address = reverse("sandbox_part", args=[mail.pk])
    answer = editor_client.get(address, {"part": "2"})
    assert answer.content == b"\x89PNG\r\n\x1a\n"
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"] == 'attachment; filename="logo.png"'
    html = editor_client.get(address, {"part": "1.2"})
    assert html["Content-Disposition"] == 'attachment; filename="part-1.2.html"'
    for number in ("0", "9", "1.2.3", "x" * 100):
        assert editor_client.get(address, {"part": number}).status_code == 404


def test_the_whole_mail_is_downloaded_as_it_came(editor_client, workspace, monkeypatch):
    monkeypatch.setattr(stored, "PIECE", 1000)
    raw = b"Subject: x\r\n\r\n" + bytes(range(256)) * 20
    mail = mails.keep(workspace, raw, subject="Halo / \u202e")
    answer = editor_client.get(reverse("sandbox_source", args=[mail.pk]))
    assert b"".join(answer.streaming_content) == raw
    assert answer["Content-Disposition"] == f'attachment; filename="halo-{mail.pk}.eml"'


def test_the_list_is_filtered_and_paged(editor_client, workspace, sent, monkeypatch):
    monkeypatch.setattr(sandbox, "PAGE", 2)
    for number in range(4):
        mails.keep(workspace, b"Subject: t\r\n\r\nx", subject=f"Test {number}")
    address = reverse("sandbox_list")
    first = editor_client.get(address, {"show": "others"}).content.decode()
    assert "Test 3" in first
    assert "Test 1" not in first
    following = re.search(r'href="(\?[^"]*before=\d+)" rel="next"', first)[1]
    second = editor_client.get(f"{address}{html.unescape(following)}").content.decode()
    assert "Test 1" in second
    assert "Panen kopi" not in second
    campaigns = editor_client.get(address, {"show": "campaigns"}).content.decode()
    assert "Panen kopi" in campaigns
    assert "Test" not in re.findall(r"<tbody>.*</tbody>", campaigns, re.DOTALL)[0]
    assert "No emails match" in editor_client.get(address, {"show": "answered"}).content.decode()


def test_the_search_knows_what_a_mail_says(editor_client, sent):
    address = reverse("sandbox_list")
    assert "No emails match" in editor_client.get(address, {"q": "dari gayo"}).content.decode()
    follow_up.read_words()
    for words in ("KOPI  baru dari gayo", "déwi"):
        assert "Panen kopi" in editor_client.get(address, {"q": words}).content.decode()


def test_one_mail_is_deleted_by_an_editor(analyst_client, outsider_client, editor_client, mail):
    address = reverse("sandbox_delete", args=[mail.pk])
    assert analyst_client.post(address).status_code == 403
    assert outsider_client.post(address).status_code == 404
    assert editor_client.get(address).status_code == 405
    editor_client.post(address)
    assert not SandboxMessage.objects.filter(pk=mail.pk).exists()


@pytest.mark.parametrize("name", sorted(mails.hostile()))
def test_a_hostile_mail_opens_on_every_side(editor_client, workspace, name):
    mail = mails.keep(workspace, mails.hostile()[name])
    for view in ("html", "text", "links", "headers", "parts", "checks", "source"):
        assert "Sandbox inbox" in read(editor_client, mail, view=view)
    assert body(editor_client, mail).status_code == 200
    follow_up.read_words()
    mail.refresh_from_db()
    assert mail.words is not None
