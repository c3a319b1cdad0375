"""Sending accounts as they are set up."""

import pytest
from django.urls import reverse

from accounts.workspaces import workspaces
from delivery.accounts import setup
from delivery.models import DomainLimit, SendingAccount
from delivery.states import TransportKind
from delivery.transports import choose
from delivery.transports.protocol import ServerTroubleError
from delivery.transports.smtp.settings import Tls

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
    setup.follow_settings()
    account = SendingAccount.objects.get(name="SMTP_URL")
    assert account.workspace == cast.workspace
    found = choose.smtp_settings(account)
    assert (found.host, found.port, found.tls) == ("mail.example.com", 2525, Tls.NONE)
    assert (found.username, found.password) == ("us@er", "p:ass")
    assert setup.sender_of(account) == "News <news@example.com>"
    stored = bytes(account.encrypted_password)
    setup.follow_settings()
    assert bytes(SendingAccount.objects.get().encrypted_password) == stored
    settings.SMTP_URL = ""
    setup.follow_settings()
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


# The address of a cloud's metadata, as connections understand it, and others nobody mails through.
NO_MAIL_SERVERS = [
    "169.254.169.254",
    "169.254.169.254.",
    "2852039166",
    "0xa9fea9fe",
    "0xA9.0xFE.0xA9.0xFE",
    "0251.0376.0251.0376",
    "169.254.43518",
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "fe80::1",
    "fd00:ec2::254",
    "0.0.0.0",
    "0",
    "::",
    "224.0.0.1",
]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("host", "http://smtp.example.com/", "smtp.example.com"),
        *(("host", host, "No mail server has such an address") for host in NO_MAIL_SERVERS),
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
    account = setup.ensure_sandbox(workspace)
    assert editor_client.get(reverse("account_list")).status_code == 403
    for name in ("account_edit", "account_delete"):
        assert outsider_client.get(reverse(name, args=[account.pk])).status_code == 404
    assert outsider_client.post(reverse("account_test", args=[account.pk])).status_code == 404


def test_the_sandbox_stays(admin_client, workspace):
    account = setup.ensure_sandbox(workspace)
    admin_client.post(reverse("account_delete", args=[account.pk]))
    assert SendingAccount.objects.filter(pk=account.pk).exists()


@pytest.fixture
def stored(admin_client, workspace) -> SendingAccount:
    admin_client.post(reverse("account_new"), FIELDS)
    return SendingAccount.objects.get(workspace=workspace)


def submit(client, account: SendingAccount, **changes: str) -> str:
    path = reverse("account_edit", args=[account.pk])
    fields = {**FIELDS, "password": "", **changes}
    page = client.post(path, {name: value for name, value in fields.items() if value != "off"})
    return str(page.content.decode())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("host", "smtp.elsewhere.example"),
        ("port", "2525"),
        ("tls", "implicit"),
        ("verify_certificate", "off"),
        ("username", "somebody"),
    ],
)
def test_a_stored_password_goes_nowhere_else(admin_client, stored, field, value):
    before = SendingAccount.objects.values().get()
    assert "Enter the password again" in submit(admin_client, stored, **{field: value})
    assert SendingAccount.objects.values().get() == before
    assert not submit(admin_client, stored, **{field: value, "password": "given again"})
    stored.refresh_from_db()
    assert choose.smtp_settings(stored).password == "given again"


def test_who_signs_in_no_more_leaves_no_password(admin_client, stored):
    assert not submit(admin_client, stored, username="", host="relay.example.com")
    stored.refresh_from_db()
    assert bytes(stored.encrypted_password) == b""


def test_no_password_without_tls_but_on_this_machine(admin_client, stored):
    plain = {"tls": "none", "password": "given again"}
    assert "could read the password" in submit(admin_client, stored, **plain)
    assert not submit(admin_client, stored, **plain, host="127.0.0.1")
    stored.refresh_from_db()
    assert choose.smtp_settings(stored).password == "given again"
    stored.host = "smtp.example.com"  # by whatever way it came there
    with pytest.raises(ServerTroubleError, match="without TLS"):
        choose.smtp_settings(stored)


def test_the_settings_account_is_changed_in_the_settings(admin_client, workspace, settings):
    settings.SMTP_URL = "smtp://news:secret@mail.example.com:587/"
    setup.follow_settings()
    account = SendingAccount.objects.get(workspace=workspace)
    page = admin_client.get(reverse("account_edit", args=[account.pk])).content.decode()
    assert "SMTP_URL describes this account" in page
    assert reverse("account_delete", args=[account.pk]) not in page
    changes = {"host": "127.0.0.1", "tls": "none", "name": "Mine", "username": "me"}
    assert not submit(admin_client, account, **changes, password="mine", per_second="7")
    admin_client.post(reverse("account_delete", args=[account.pk]))
    account.refresh_from_db()
    found = choose.smtp_settings(account)
    assert (account.name, found.host, found.tls) == ("SMTP_URL", "mail.example.com", Tls.STARTTLS)
    assert (found.username, found.password, account.per_second) == ("news", "secret", 7)


def test_nobody_takes_the_settings_accounts_name(admin_client, workspace):
    page = admin_client.post(reverse("account_new"), {**FIELDS, "name": "SMTP_URL"})
    assert "The settings use this name" in page.content.decode()
    assert not SendingAccount.objects.filter(workspace=workspace).exists()
