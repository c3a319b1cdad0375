"""The pages of sending accounts: providers' forms, order, warm-up plans, what a list tells."""

import json
from datetime import timedelta

import pytest
from django.urls import reverse

from accounts.installation import secrets
from delivery.limits import daily_usage, throttle, warm_up
from delivery.models import DomainLimit, SendingAccount, WarmUp
from delivery.sandbox.provider_server import Reply, running
from delivery.states import Provider
from delivery.system_mail import account_trial
from delivery.transports import choose
from delivery.transports.protocol import Verdict
from tests.delivery.sending import make_account

BASE = {"name": "Mine", "max_connections": "6", "default_from": "news@kopisenja.example"}


def new(provider: Provider) -> str:
    return f"{reverse('account_new')}?provider={provider}"


def account_of(provider: Provider, workspace, **fields) -> SendingAccount:
    values = {
        "name": provider.label,
        "kind": "anymail",
        "provider": provider,
        "encrypted_password": secrets.encrypt(json.dumps({"api_key": "old key"})),
    }
    return SendingAccount.objects.create(workspace=workspace, **(values | fields))


@pytest.mark.parametrize("provider", list(Provider))
def test_each_provider_is_asked_for_what_it_needs(admin_client, provider):
    page = admin_client.get(new(provider)).content.decode()
    assert f"Connect {provider.label}" in page
    assert 'type="password"' in page
    refused = admin_client.post(new(provider), BASE).content.decode()
    assert "This field is required" in refused
    assert not SendingAccount.objects.exists()


def test_keys_are_encrypted_and_never_shown(admin_client, workspace):
    fields = {"provider_api_key": "key-12345", "provider_sender_domain": "mg.kopisenja.example"}
    admin_client.post(new(Provider.MAILGUN), {**BASE, **fields, "provider_region": "eu"})
    account = SendingAccount.objects.get(workspace=workspace)
    assert account.options == {"sender_domain": "mg.kopisenja.example", "region": "eu"}
    assert b"key-12345" not in bytes(account.encrypted_password)
    found = choose.provider_settings(account)
    assert found.arguments["api_key"] == "key-12345"
    assert found.spec.arguments(found.arguments)["api_url"] == "https://api.eu.mailgun.net/v3/"
    page = admin_client.get(reverse("account_edit", args=[account.pk])).content.decode()
    assert "key-12345" not in page
    changes = {**BASE, **fields, "provider_api_key": "", "provider_region": "us"}
    admin_client.post(reverse("account_edit", args=[account.pk]), changes)
    account.refresh_from_db()
    assert choose.provider_settings(account).arguments["api_key"] == "key-12345"
    assert account.options["region"] == "us"


@pytest.mark.parametrize(
    ("url", "is_right"),
    [
        ("https://postal.example.com", True),
        ("http://postal.example.com", False),
        ("https://postal.example.com/path", False),
        ("https://user@postal.example.com", False),
        ("file:///etc/passwd", False),
    ],
)
def test_only_an_own_postal_has_an_address_of_its_own(admin_client, url, is_right):
    fields = {**BASE, "provider_api_url": url, "provider_api_key": "k"}
    admin_client.post(new(Provider.POSTAL), fields)
    assert SendingAccount.objects.exists() == is_right
    options = SendingAccount.objects.values_list("options", flat=True)
    assert not is_right or options[0]["api_url"] == url


def test_a_stored_key_goes_to_no_other_server(admin_client, workspace):
    account = account_of(
        Provider.POSTAL, workspace, options={"api_url": "https://postal.example.com"}
    )
    fields = {**BASE, "provider_api_url": "https://elsewhere.example", "provider_api_key": ""}
    page = admin_client.post(reverse("account_edit", args=[account.pk]), fields)
    assert "it was stored for another server" in page.content.decode()
    account.refresh_from_db()
    assert account.options == {"api_url": "https://postal.example.com"}


def test_no_other_provider_takes_an_address(admin_client, workspace):
    fields = {**BASE, "provider_api_key": "k", "provider_region": "us"}
    admin_client.post(
        new(Provider.SENDGRID), {**fields, "provider_api_url": "https://evil.example"}
    )
    assert SendingAccount.objects.get().options == {"region": "us"}


def test_new_accounts_begin_with_what_their_kind_wants(admin_client):
    page = admin_client.get(reverse("account_new")).content.decode()
    assert 'name="lanes_1" value="5"' in page
    assert "A new SMTP account starts with" in page
    page = admin_client.get(new(Provider.RESEND)).content.decode()
    assert 'name="per_second" value="2"' in page
    assert 'name="lanes_1" value' not in page


def test_limits_by_mailbox_provider_are_kept_and_taken_away(admin_client, workspace):
    account = account_of(Provider.SENDGRID, workspace)
    path = reverse("account_edit", args=[account.pk])
    fields = {**BASE, "provider_region": "us"}
    admin_client.post(path, {**fields, "lanes_1": "3", "limit_2": "60", "lanes_2": "4"})
    rows = DomainLimit.objects.values_list("domain_group", "per_minute", "connections")
    assert sorted(rows) == [(1, None, 3), (2, 60, 4)]
    admin_client.post(path, {**fields, "lanes_1": "3"})
    assert list(DomainLimit.objects.values_list("domain_group", flat=True)) == [1]


def test_a_return_address_for_each_mail_needs_its_domain(admin_client, workspace):
    account = make_account(workspace)
    path = reverse("account_edit", args=[account.pk])
    fields = {
        **BASE,
        "host": "127.0.0.1",
        "port": "2525",
        "tls": "none",
        "messages_per_connection": "50",
        "idle_seconds": "12",
        "verp": "on",
    }
    assert "Name the domain" in admin_client.post(path, fields).content.decode()
    admin_client.post(path, {**fields, "return_path_domain": "Bounce.KopiSenja.Example"})
    account.refresh_from_db()
    assert (account.verp, account.return_path_domain) == (True, "bounce.kopisenja.example")
    assert choose.smtp_settings(account).idle_seconds == 12


def test_accounts_change_places(admin_client, workspace):
    names = ("One", "Two", "Three")
    rows = [make_account(workspace, name=name, position=i) for i, name in enumerate(names)]
    admin_client.post(reverse("account_move", args=[rows[2].pk]), {"direction": "up"})
    admin_client.post(reverse("account_move", args=[rows[0].pk]), {"direction": "down"})
    found = SendingAccount.objects.order_by("position").values_list("name", flat=True)
    assert list(found) == ["Three", "One", "Two"]


def test_the_list_asks_the_same_number_of_questions(
    admin_client, workspace, django_assert_num_queries
):
    def make(number: int) -> None:
        account = make_account(workspace, name=f"N{number}", per_day=100, position=number)
        daily_usage.note(account, {Verdict.SENT: 7})
        WarmUp.objects.create(
            account=account, starts_on=daily_usage.today(account), ceilings=[10, 20]
        )

    make(1)
    admin_client.get(reverse("account_list"))
    with django_assert_num_queries(10):
        page = admin_client.get(reverse("account_list")).content.decode()
    assert "ceiling: 10" in page
    make(2)
    make(3)
    with django_assert_num_queries(10):
        admin_client.get(reverse("account_list"))


def test_the_page_says_when_the_next_mail_may_go_and_what_decides(admin_client, workspace):
    account = make_account(workspace, per_hour=3)
    throttle.permits(account.pk, throttle.limits_of(account), 3)
    page = admin_client.get(reverse("account_edit", args=[account.pk])).content.decode()
    assert "decided by the limit per hour" in page


def test_a_plan_is_started_changed_and_ended(admin_client, workspace):
    account = make_account(workspace)
    path = reverse("account_warm_up", args=[account.pk])
    assert "200  280  390" in admin_client.get(path).content.decode()
    other = admin_client.get(path, {"first": "1000", "growth": "100", "days": "3"})
    assert "1000  2000  4000" in other.content.decode()
    assert not WarmUp.objects.exists()
    day = daily_usage.today(account)
    admin_client.post(path, {"starts_on": day.isoformat(), "ceilings": "1,000 2000\n4000"})
    account = SendingAccount.objects.get()
    assert account.warm_up.ceilings == [1000, 2000, 4000]
    [limit] = throttle.limits_of(account)
    assert (limit.permits, limit.kind) == (1000, "until")
    assert "day 1 of 3" in admin_client.get(path).content.decode()
    admin_client.post(reverse("account_warm_up_end", args=[account.pk]))
    assert not WarmUp.objects.exists()


@pytest.mark.parametrize(
    ("ceilings", "words"), [("100 many", "“many”"), ("0 100", "“0”"), ("5 " * 91, "90 days")]
)
def test_a_wrong_plan_is_named(admin_client, workspace, ceilings, words):
    account = make_account(workspace)
    fields = {"starts_on": "2026-11-25", "ceilings": ceilings}
    page = admin_client.post(reverse("account_warm_up", args=[account.pk]), fields)
    assert words in page.content.decode()
    assert not WarmUp.objects.exists()


def test_a_plan_begins_and_ends_by_itself_in_the_workspaces_days(workspace):
    workspace.time_zone = "Asia/Jakarta"
    account = make_account(workspace)
    today = daily_usage.today(account)
    plan = WarmUp(account=account, starts_on=today, ceilings=[10, 20])
    found = warm_up.stand(account, plan)
    assert (found.number, found.ceiling) == (1, 10)
    assert found.ends_at.utcoffset() == timedelta(hours=7)
    plan.starts_on = today + timedelta(days=1)
    assert warm_up.stand(account, plan).ceiling == 0
    plan.starts_on = today - timedelta(days=2)
    assert warm_up.stand(account, plan).ceiling is None


def test_a_test_mail_tells_what_a_provider_says(workspace, settings, redis_client):
    settings.OWN_PROVIDERS = ["127.0.0.1"]
    with running() as server:
        account = account_of(Provider.SENDGRID, workspace, options={"api_url": server.url})
        result = account_trial.send(
            account, address="sari@kopisenja.example", by=account.workspace.members.first()
        )
        assert result.arrived
        assert result.sentence.startswith("SendGrid accepted the email for sari@kopisenja.example")
        server.answer = lambda _request: Reply(status=401, body={"m": "Wrong API key"})
        result = account_trial.send(
            account, address="sari@kopisenja.example", by=account.workspace.members.first()
        )
    assert not result.arrived
    assert result.sentence.endswith("Wrong API key")
    assert "Check the key" in result.way_out
