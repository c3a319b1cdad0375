"""The sandbox inbox: shows mail safely, to its own workspace only."""

import pytest
from django.urls import reverse

from delivery.models import SandboxMessage

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
    policy = answer["Content-Security-Policy"]
    assert "sandbox allow-popups" in policy
    assert "allow-scripts" not in policy
    assert "script-src 'none'" in policy
    assert answer["X-Frame-Options"] == "SAMEORIGIN"


def test_another_workspace_sees_nothing(outsider_client, mail):
    for name in ("sandbox_message", "sandbox_body"):
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
    for view in ("html", "text", "headers", "source"):
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
