"""Sending accounts as they are set up."""

import pytest
from django.urls import reverse

from accounts import workspaces
from delivery import accounts
from delivery.models import DomainLimit, SendingAccount
from delivery.states import TransportKind
from delivery.transports import choose
from delivery.transports.smtp_settings import Tls

FIELDS = {
    "name": "Provider",
    "host": "smtp.example.com",
    "port": "587",
    "tls": "starttls",
    "verify_certificate": "on",
    "username": "news",
    "password": "a secret",
    "default_from": "Kopi Senja <news@example.com>",
    "from_domains": "example.com, News.Example.org",
    "max_connections": "4",
    "messages_per_connection": "100",
    "per_second": "10",
    "per_minute": "",
    "per_hour": "",
    "per_day": "",
    "limit_1": "300",
}


def test_every_new_workspace_has_a_sandbox(cast):
    workspace = workspaces.create("New", owner=cast.owner)
    account = SendingAccount.objects.get(workspace=workspace)
    assert account.kind == TransportKind.SANDBOX
    assert choose.smtp_settings(account).username == f"sandbox-{workspace.pk}"
    assert choose.sandbox_password(1) != choose.sandbox_password(2)


def test_smtp_url_makes_changes_and_removes_the_first_workspaces_account(cast, settings):
    settings.SMTP_URL = "smtp://us%40er:p%3Aass@mail.example.com:2525/?tls=none"
    settings.DEFAULT_FROM = "News <news@example.com>"
    accounts.follow_settings()
    account = SendingAccount.objects.get(name="SMTP_URL")
    assert account.workspace == cast.workspace
    found = choose.smtp_settings(account)
    assert (found.host, found.port, found.tls) == ("mail.example.com", 2525, Tls.NONE)
    assert (found.username, found.password) == ("us@er", "p:ass")
    assert accounts.sender_of(account) == "News <news@example.com>"
    stored = bytes(account.encrypted_password)
    accounts.follow_settings()
    assert bytes(SendingAccount.objects.get().encrypted_password) == stored
    settings.SMTP_URL = ""
    accounts.follow_settings()
    assert not SendingAccount.objects.filter(name="SMTP_URL").exists()


def test_an_account_is_made_and_its_password_never_shown(admin_client, workspace):
    admin_client.post(reverse("account_new"), FIELDS)
    account = SendingAccount.objects.get(workspace=workspace)
    assert choose.smtp_settings(account).password == "a secret"
    assert account.from_domains == ["example.com", "news.example.org"]
    assert DomainLimit.objects.get(account=account).per_minute == 300
    page = admin_client.get(reverse("account_edit", args=[account.pk])).content.decode()
    assert "a secret" not in page
    admin_client.post(reverse("account_edit", args=[account.pk]), {**FIELDS, "password": ""})
    account.refresh_from_db()
    assert choose.smtp_settings(account).password == "a secret"


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("host", "http://smtp.example.com/", "smtp.example.com"),
        ("host", "169.254.169.254", "No mail server has such an address"),
        ("port", "70000", "1 to 65535"),
        ("port", "443", "Port 443 is not for sending mail"),
        ("default_from", "not an address", "news@example.com"),
        ("from_domains", "example.com, nonsense", "nonsense"),
        ("max_connections", "0", "1 to 100"),
        ("name", "", "required"),
    ],
)
def test_each_mistake_is_named(admin_client, workspace, field, value, words):
    page = admin_client.post(reverse("account_new"), {**FIELDS, field: value})
    assert words in page.content.decode()
    assert not SendingAccount.objects.filter(workspace=workspace).exists()


def test_only_those_who_manage_see_accounts(editor_client, outsider_client, workspace):
    account = accounts.ensure_sandbox(workspace)
    assert editor_client.get(reverse("account_list")).status_code == 403
    for name in ("account_edit", "account_delete"):
        assert outsider_client.get(reverse(name, args=[account.pk])).status_code == 404
    assert outsider_client.post(reverse("account_test", args=[account.pk])).status_code == 404


def test_the_sandbox_stays(admin_client, workspace):
    account = accounts.ensure_sandbox(workspace)
    admin_client.post(reverse("account_delete", args=[account.pk]))
    assert SendingAccount.objects.filter(pk=account.pk).exists()
