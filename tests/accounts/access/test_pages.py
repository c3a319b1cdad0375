"""Sign-in, reset, invitation, settings: as people meet them."""

import json
import re

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone, translation

from accounts import tasks
from accounts.installation import secrets
from accounts.mails import system_mail
from accounts.models import Invitation, Membership, SystemMail, User
from accounts.team import team
from accounts.workspaces.workspace_urls import in_workspace
from tests.browsing import fields_of
from tests.people import PASSWORD


@pytest.fixture(autouse=True)
def _tasks_run_at_once(settings, django_capture_on_commit_callbacks):
    from config.celery import app

    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False


def test_signing_in_and_out(client, cast):
    page = client.get(reverse("account_login"))
    assert page.status_code == 200
    answer = client.post(
        reverse("account_login"), {"login": cast.owner.email.upper(), "password": PASSWORD}
    )
    assert answer.status_code == 302
    assert int(client.session["_auth_user_id"]) == cast.owner.pk
    assert client.get(reverse("account_logout")).status_code == 200
    assert "_auth_user_id" in client.session
    client.post(reverse("account_logout"))
    assert "_auth_user_id" not in client.session


def test_a_wrong_password_is_said(client, cast):
    answer = client.post(reverse("account_login"), {"login": cast.owner.email, "password": "wrong"})
    assert answer.status_code == 200
    assert "_auth_user_id" not in client.session
    assert "not correct" in answer.content.decode()


def test_nobody_signs_up_alone(client, db):
    answer = client.get(reverse("account_signup"), follow=True)
    assert answer.redirect_chain[-1][0] == reverse("account_login")
    assert "by invitation" in answer.content.decode()


def test_password_reset_by_mail_ignores_the_host_header(
    client, cast, settings, django_capture_on_commit_callbacks
):
    settings.ALLOWED_HOSTS = ["*"]
    with django_capture_on_commit_callbacks(execute=True):
        client.post(
            reverse("account_reset_password"),
            {"email": cast.owner.email},
            headers={"host": "evil.example"},
        )
    assert len(mail.outbox) == 1
    body = mail.outbox[0].body
    assert "evil.example" not in body
    link = re.search(rf"{re.escape(settings.SITE_URL)}(\S+)", body).group(1)
    form = client.get(link, follow=True)
    assert form.status_code == 200
    new = "an entirely new phrase"
    answer = client.post(form.redirect_chain[-1][0], {"password1": new, "password2": new})
    assert answer.status_code == 302
    cast.owner.refresh_from_db()
    assert cast.owner.check_password(new)


def test_a_reset_for_an_unknown_address_looks_the_same(client, cast):
    known = client.post(reverse("account_reset_password"), {"email": cast.owner.email})
    unknown = client.post(reverse("account_reset_password"), {"email": "nobody@example.org"})
    assert (known.status_code, known.url) == (unknown.status_code, unknown.url)


def test_an_invited_person_joins_with_a_new_account(
    client, owner_client, cast, settings, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        owner_client.post(reverse("settings_team"), {"email": "joko@example.org", "role": "editor"})
    assert [message.to for message in mail.outbox] == [["joko@example.org"]]
    link = re.search(rf"{re.escape(settings.SITE_URL)}(\S+)", mail.outbox[0].body).group(1)
    assert client.get(link).status_code == 200
    assert not User.objects.filter(email="joko@example.org").exists()
    weak = client.post(link, {"name": "Joko", "password": "password"})
    assert weak.status_code == 200
    assert not User.objects.filter(email="joko@example.org").exists()
    client.post(link, {"name": "Joko", "password": "a kettle on the stove"})
    joined = Membership.objects.get(user__email="joko@example.org")
    assert (joined.workspace, joined.role) == (cast.workspace, "editor")
    assert int(client.session["_auth_user_id"]) == joined.user_id
    assert client.get(link).status_code == 404


def test_an_open_invitation_is_sent_again_by_one_press(owner_client, cast):
    by = Membership.objects.get(user=cast.owner, workspace=cast.workspace)
    first = team.invite(cast.workspace, email="joko@example.org", role="analyst", by=by)
    page = owner_client.get(reverse("settings_team"))
    again = reverse("invitation_resend", args=[first.pk])
    sent = fields_of(page.text, f'form[action$="{again}"]')
    for _press in range(2):
        assert owner_client.post(again, sent).status_code == 302
    new = Invitation.objects.exclude(pk=first.pk).get()
    assert (new.email, new.role) == ("joko@example.org", "analyst")
    page = owner_client.get(reverse("settings_team"))
    assert "on its way to joko@example.org" in page.text
    assert page.text.count("Send again") == 1
    tasks.send_system_mail()
    assert [message.to for message in mail.outbox] == [["joko@example.org"]]
    assert team.token_of(new) in mail.outbox[0].body
    assert owner_client.post(again, {}).status_code == 404  # it was replaced
    for gone in (first, new):
        team.revoke(gone)
    assert owner_client.post(reverse("invitation_resend", args=[new.pk])).status_code == 404


def test_an_editor_can_not_manage_the_team(editor_client):
    assert editor_client.get(reverse("settings_team")).status_code == 403
    assert editor_client.post(reverse("settings_team"), {}).status_code == 403


def test_the_team_of_another_workspace_is_not_found(outsider_client, cast):
    theirs = Membership.objects.get(user=cast.editor)
    for name in ("member_role", "member_remove"):
        answer = outsider_client.post(reverse(name, args=[theirs.pk]), {"role": "analyst"})
        assert answer.status_code == 404
    assert Membership.objects.get(pk=theirs.pk).role == "editor"


def test_the_workspace_is_changed_with_clear_errors(owner_client, cast):
    fields = {
        "name": "Kopi Senja",
        "postal_address": "Jl. Braga 12",
        "website": "",
        "brand_colour": "red",
        "default_language": "id",
        "time_zone": "Asia/Jakarta",
    }
    page = owner_client.post(reverse("settings_workspace"), fields)
    assert "#0f6e63" in page.content.decode()
    owner_client.post(reverse("settings_workspace"), {**fields, "brand_colour": "#AA5500"})
    cast.workspace.refresh_from_db()
    assert (cast.workspace.brand_colour, cast.workspace.default_language) == ("#aa5500", "id")


def test_the_admin_has_no_sign_in_of_its_own(client, editor_client, db):
    answer = client.get("/admin/")
    assert answer.status_code == 302
    assert client.get(answer["Location"])["Location"].startswith(reverse("account_login"))
    assert editor_client.get("/admin/login/").status_code == 403
    guess = editor_client.post("/admin/login/", {"username": "x@example.org", "password": "x"})
    assert guess.status_code == 403


def test_changing_the_password_speaks_plainly_and_marks_no_other_tab(owner_client, workspace):
    page = owner_client.get(reverse("account_change_password")).content.decode()
    assert "At least 8 characters" in page
    assert "&lt;" not in page
    sending = page[page.index(f'href="{in_workspace(workspace, "account_list")}"') :]
    assert "aria-current" not in sending[: sending.index("</a>")]


def test_only_references_wait_and_nothing_travels_through_the_queue(client, owner_client, cast):
    client.post(reverse("account_reset_password"), {"email": cast.owner.email})
    owner_client.post(reverse("settings_team"), {"email": "joko@example.org", "role": "editor"})
    offer = Invitation.objects.get()
    waiting = [
        json.loads(secrets.decrypt(row.content)) for row in SystemMail.objects.order_by("pk")
    ]
    reset = {"user_id": cast.owner.pk, "language": "en"}
    assert waiting == [reset, {"invitation_id": offer.pk}]
    assert all(b"joko" not in bytes(row.content) for row in SystemMail.objects.all())
    assert mail.outbox == []


def test_what_is_void_meanwhile_is_not_mailed(cast):
    by = Membership.objects.get(user=cast.owner, workspace=cast.workspace)
    team.invite(cast.workspace, email="joko@example.org", role="editor", by=by)
    Invitation.objects.update(expires_at=timezone.now())
    User.objects.filter(pk=cast.editor.pk).update(is_active=False)
    system_mail.put(SystemMail.Kind.PASSWORD_RESET, user_id=cast.editor.pk)
    tasks.send_system_mail()
    assert mail.outbox == []
    assert {row.state for row in SystemMail.objects.all()} == {SystemMail.State.DROPPED}


@pytest.mark.parametrize(
    ("languages", "subject"),
    [
        (("", "id"), "Pilih kata sandi baru"),
        (("", "en"), "Choose a new password"),
        (("id", "en"), "Pilih kata sandi baru"),
        (("en", "id"), "Choose a new password"),
    ],
)
def test_a_password_reset_speaks_the_accounts_language_else_the_pages(
    client, cast, settings, languages, subject
):
    of_account, of_page = languages
    User.objects.filter(pk=cast.owner.pk).update(language=of_account)
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = of_page
    client.post(reverse("account_reset_password"), {"email": cast.owner.email})
    translation.activate("en")  # the worker's
    tasks.send_system_mail()
    assert [one.subject for one in mail.outbox] == [subject]


def test_an_invitation_speaks_the_language_of_the_account_it_goes_to(cast):
    by = Membership.objects.get(user=cast.owner, workspace=cast.workspace)
    User.objects.create_user("joko@example.org", "a good password", language="id")
    for name in ("joko", "nobody"):
        team.invite(cast.workspace, email=f"{name}@example.org", role="editor", by=by)
    tasks.send_system_mail()
    subjects = {one.to[0].partition("@")[0]: one.subject for one in mail.outbox}
    assert "mengundang" in subjects["joko"]
    assert "invites" in subjects["nobody"]
