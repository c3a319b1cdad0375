"""Sending accounts at work: fail-over, signatures, return paths, ceilings, providers' APIs."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import dkim
import pytest
from django.db import connection
from django.utils import timezone

from accounts.installation import secrets
from campaigns import lifecycle
from campaigns.models import Campaign
from delivery.accounts import account_status, breaker, dkim_keys
from delivery.limits import daily_usage
from delivery.models import Claim, DomainLimit, Message, SendingAccount, WarmUp
from delivery.pipeline import batch, claim, plan, sweep
from delivery.pipeline.batch import TimeSlice
from delivery.pipeline.worker import Worker
from delivery.sandbox import provider_server
from delivery.sandbox.provider_server import ProviderServer, Reply, Request
from delivery.sandbox.smtp_server import RunningServer, running
from delivery.states import ClaimState, DkimAlgorithm, MessageState
from subscribers.models import MailingList
from tests.campaigns import makers
from tests.delivery import sending
from tests.people import Cast

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("redis_client"),
]


@pytest.fixture
def sender() -> Iterator[Worker]:
    sender = Worker(shard=1)
    with sending.threads_ended():
        yield sender
        sender.rest()


def work(
    sender: Worker, seconds: float = 20.0, *, is_over: Callable[[], bool] = lambda: False
) -> None:
    sender.work(TimeSlice(until=time.monotonic() + seconds, is_over=is_over, keep=lambda: None))


def again(cast: Cast, **fields: object) -> Campaign:
    """Send another campaign to the people of the first."""
    campaign = makers.make_campaign(cast.workspace, MailingList.objects.get(), **fields)
    assert lifecycle.schedule(campaign, at=timezone.now())
    assert plan.begin(campaign)
    sending.plan_all(campaign)
    return campaign


def people_of(server: RunningServer) -> set[str]:
    return {mail.envelope_to[0] for mail in server.accepted}


def test_the_second_server_carries_on_when_the_first_goes_down(cast: Cast, sender: Worker):
    with running() as first, running() as second:
        sending.make_account(cast.workspace, name="First", port=first.port, position=0)
        sending.make_account(cast.workspace, name="Second", port=second.port, position=1)
        early = sending.planned(cast.workspace, 40)
        work(sender)
        assert len(first.accepted) == 40
        assert not second.accepted
        first.go_down()
        late = again(cast)
        work(sender)
        assert len(people_of(second)) == len(second.accepted) == 40
        assert sending.states(early) == {MessageState.SENT: 40}
        assert sending.states(late) == {MessageState.SENT: 40}
        broken = SendingAccount.objects.get(name="First")
        assert "127.0.0.1" in broken.broken_reason
        first.come_back()
        SendingAccount.objects.filter(pk=broken.pk).update(retry_at=broken.broken_since)
        last = again(cast)
        work(sender)
        assert len(first.accepted) == 80
    assert sending.states(last) == {MessageState.SENT: 40}
    broken.refresh_from_db()
    assert broken.broken_since is None
    assert broken.last_trouble
    used = daily_usage.by_account(SendingAccount.objects.all())
    assert {day.account.name: day.sent for day in used.values()} == {"First": 80, "Second": 40}


def test_the_order_decides_and_can_be_changed(cast: Cast, sender: Worker):
    with running() as first, running() as second:
        sending.make_account(cast.workspace, name="First", port=first.port, position=0)
        lower = sending.make_account(cast.workspace, name="Second", port=second.port, position=1)
        assert account_status.move(lower, up=True)
        assert not account_status.move(lower, up=True)
        sending.planned(cast.workspace, 5)
        work(sender)
        assert (len(first.accepted), len(second.accepted)) == (0, 5)


@pytest.mark.parametrize(
    "algorithms", [[DkimAlgorithm.RSA], [DkimAlgorithm.RSA, DkimAlgorithm.ED25519]]
)
def test_mail_is_signed_by_every_active_key_of_its_domain(cast: Cast, sender: Worker, algorithms):
    keys = [
        dkim_keys.generate(cast.workspace, domain="kopisenja.example", algorithm=algorithm)
        for algorithm in algorithms
    ]
    for key in keys:
        assert dkim_keys.activate(key)
    records = {f"{key.record_name}.".encode(): dkim_keys.record_text(key) for key in keys}
    with running(keep_body=True) as server:
        sending.make_account(cast.workspace, port=server.port)
        sending.planned(cast.workspace, 2, from_email="sari@kopisenja.example")
        work(sender)
        bodies = [mail.body for mail in server.accepted]
    assert len(bodies) == 2
    for body in bodies:
        data = body.encode("latin-1").replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        assert data.count(b"DKIM-Signature:") == len(keys)
        head = data.partition(b"\r\n\r\n")[0].replace(b"\r\n ", b"")
        assert head.count(b"list-unsubscribe:list-unsubscribe-post") == len(keys)
        for number in range(len(keys)):
            checked = dkim.DKIM(data)
            assert checked.verify(
                idx=number, dnsfunc=lambda name, **_options: records[bytes(name)].encode()
            )


def test_a_change_of_keys_holds_from_the_next_claim_on(cast: Cast, sender: Worker):
    old, new = (
        dkim_keys.generate(cast.workspace, domain="kopisenja.example", algorithm="ed25519")
        for _ in range(2)
    )
    with running(keep_body=True) as server:
        sending.make_account(cast.workspace, port=server.port)
        for key in (None, old, new):
            if key is None:
                sending.planned(cast.workspace, 1, from_email="sari@kopisenja.example")
            else:
                assert dkim_keys.activate(key)
                again(cast, from_email="sari@kopisenja.example")
            work(sender)
        bodies = [mail.body for mail in server.accepted]
    assert "DKIM-Signature" not in bodies[0]
    assert f"s={old.selector};" in bodies[1]
    assert f"s={new.selector};" in bodies[2]
    assert f"s={old.selector};" not in bodies[2]


def test_another_workspaces_key_signs_nothing_here(cast: Cast, sender: Worker):
    key = dkim_keys.generate(cast.other_workspace, domain="kopisenja.example", algorithm="ed25519")
    dkim_keys.activate(key)
    with running(keep_body=True) as server:
        sending.make_account(cast.workspace, port=server.port)
        sending.planned(cast.workspace, 1, from_email="sari@kopisenja.example")
        work(sender)
        assert "DKIM-Signature" not in server.accepted[0].body


def test_every_mail_has_a_return_address_of_its_own(cast: Cast, sender: Worker):
    with running() as server:
        account = sending.make_account(
            cast.workspace, port=server.port, verp=True, return_path_domain="bounce.example.com"
        )
        campaign = sending.planned(cast.workspace, 3)
        work(sender)
        paths = {mail.envelope_to[0]: mail.envelope_from for mail in server.accepted}
        assert len(set(paths.values())) == 3
        for path in paths.values():
            assert path.startswith("bounce+")
            assert path.endswith("@bounce.example.com")
        SendingAccount.objects.filter(pk=account.pk).update(verp=False)
        again(cast, from_email="sari@kopisenja.example")
        work(sender)
        assert {mail.envelope_from for mail in server.accepted[3:]} == {"sari@kopisenja.example"}
    assert sending.states(campaign) == {MessageState.SENT: 3}


def test_a_warm_up_day_is_never_exceeded_and_the_rest_waits(cast: Cast, sender: Worker):
    with running() as server:
        account = sending.make_account(cast.workspace, port=server.port)
        WarmUp.objects.create(
            account=account, starts_on=daily_usage.today(account), ceilings=[25, 50]
        )
        campaign = sending.planned(cast.workspace, 40)
        work(sender, 3)
        assert len(server.accepted) == 25
        assert sending.states(campaign) == {MessageState.SENT: 25, MessageState.PLANNED: 15}
        claim = Claim.objects.get(state=1)
        assert claim.waiting_for == "today's ceiling of the warm-up plan"
        stands = account_status.of_account(SendingAccount.objects.get(pk=account.pk))
        assert stands.today.sent == 25
        assert stands.waits_for == "today's ceiling of the warm-up plan"
        assert stands.next_slot.replace(second=0, microsecond=0) == stands.warm_up.ends_at
        WarmUp.objects.update(starts_on=daily_usage.today(account).replace(year=2020))
        Claim.objects.update(not_before=None)
        work(sender)
        assert sending.states(campaign) == {MessageState.SENT: 40}


def test_people_at_a_provider_that_takes_few_a_minute_get_a_claim_of_their_own(
    cast: Cast, sender: Worker
):
    with running() as server:
        account = sending.make_account(cast.workspace, port=server.port)
        limit = DomainLimit.objects.create(account=account, domain_group=1, per_minute=60)
        campaign = sending.planned(cast.workspace, 80)
        words = "the limit towards a mailbox provider"
        waits = Claim.objects.filter(state=ClaimState.WAITING, waiting_for=words)
        sent = Message.objects.filter(state=MessageState.SENT)
        others = sent.exclude(domain_group=1)
        work(sender, is_over=lambda: others.count() == 60 and waits.exists())
        assert others.count() == 60
        assert 2 <= sent.filter(domain_group=1).count() <= 20
        [rest] = Claim.objects.filter(state=ClaimState.WAITING)
        assert rest.domain_group == 1
        assert rest.waiting_for == words
        assert rest.not_before is not None
        waiting = Message.objects.filter(campaign=campaign, state=MessageState.PLANNED)
        assert set(waiting.values_list("pk", flat=True)) <= set(rest.messages)
        limit.delete()
        Claim.objects.update(not_before=None)
        work(sender)
        assert sending.states(campaign) == {MessageState.SENT: 80}
        assert len(server.accepted) == len(people_of(server)) == 80


@pytest.fixture
def provider(settings) -> Iterator[ProviderServer]:
    settings.OWN_PROVIDERS = ["127.0.0.1"]
    with provider_server.running() as server:
        yield server


def provider_account(cast: Cast, server: ProviderServer, **fields: object) -> SendingAccount:
    values = {
        "name": "SendGrid",
        "kind": "anymail",
        "provider": "sendgrid",
        "options": {"api_url": server.url},
        "encrypted_password": secrets.encrypt(json.dumps({"api_key": "key"})),
        "max_connections": 6,
    }
    return SendingAccount.objects.create(workspace=cast.workspace, **(values | fields))


def test_a_campaign_goes_over_a_providers_api(cast: Cast, sender: Worker, provider):
    provider_account(cast, provider)
    campaign = sending.planned(cast.workspace, 50)
    work(sender)
    assert sweep.finish() == 1
    assert sending.states(campaign) == {MessageState.SENT: 50}
    assert sending.tallies(campaign) == sending.ledger(campaign)
    asked = [request.json["personalizations"][0]["to"][0]["email"] for request in provider.requests]
    assert len(asked) == len(set(asked)) == 50
    assert Message.objects.exclude(provider_id=None).count() == 50


def test_a_provider_that_asks_to_wait_gets_time_and_nobody_twice(
    cast: Cast, sender: Worker, provider
):
    usual, count = provider_server.usual(), iter(range(10_000))

    def at_times(request: Request) -> Reply:
        if next(count) % 15 == 14:
            return Reply(status=429, headers={"Retry-After": "1"}, body={"m": "Slow down, please"})
        return usual(request)

    provider.answer = at_times
    provider_account(cast, provider)
    with running() as other:
        sending.make_account(cast.workspace, name="Other", port=other.port, position=1)
        campaign = sending.planned(cast.workspace, 60)
        work(sender, 30)
        assert not other.accepted  # patience is no trouble: nobody stands in
    assert sending.states(campaign) == {MessageState.SENT: 60}
    account = SendingAccount.objects.get(name="SendGrid")
    assert "asks us to send more slowly" in account.last_trouble


@pytest.mark.parametrize("stopped_after", [1.0, 60.0])
def test_an_answer_may_take_longer_than_the_lease(
    cast: Cast, sender: Worker, provider, monkeypatch: pytest.MonkeyPatch, stopped_after: float
):
    monkeypatch.setattr(claim, "LEASE", timedelta(seconds=1))
    monkeypatch.setattr(batch, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(batch, "RENEW_SECONDS", 0.2)
    provider.answer = provider_server.usual(3.0)
    provider_account(cast, provider)
    campaign = sending.planned(cast.workspace, 2)
    taken_over: list[int] = []

    def look() -> None:
        taken_over.append(sweep.recover())
        connection.close()

    sweeper = threading.Timer(2.5, look)
    sweeper.start()
    began = time.monotonic()
    sender.work(
        TimeSlice(
            until=began + 10,
            is_over=lambda: time.monotonic() - began > stopped_after,
            keep=lambda: None,
        )
    )
    sweeper.join()
    assert taken_over == [0]
    assert sending.states(campaign) == {MessageState.SENT: 2}


def test_a_refused_key_opens_the_breaker_and_the_next_account_stands_in(
    cast: Cast, sender: Worker, provider
):
    provider.answer = lambda _request: Reply(status=401, body={"m": "Invalid API key"})
    account = provider_account(cast, provider)
    with running() as other:
        sending.make_account(cast.workspace, name="Other", port=other.port, position=1)
        campaign = sending.planned(cast.workspace, 20)
        work(sender)
        assert len(other.accepted) == 20
    assert sending.states(campaign) == {MessageState.SENT: 20}
    account.refresh_from_db()
    assert breaker.is_open(account)
    assert account.broken_reason == ("SendGrid rejects our key or its permissions: Invalid API key")


def test_no_more_mails_to_a_mailbox_provider_are_under_way_than_allowed_over_all_workers(
    cast: Cast, sender: Worker, provider
):
    provider.answer = provider_server.usual(0.02)
    account = provider_account(cast, provider, max_connections=16)
    for group in range(4):  # where everybody's mail goes
        DomainLimit.objects.create(account=account, domain_group=group, connections=1)
    campaign = sending.planned(cast.workspace, 1200)
    other = Worker(shard=2)

    def work_too() -> None:
        work(other, 60)
        other.rest()
        connection.close()

    second = threading.Thread(target=work_too)
    second.start()
    work(sender, 60)
    sender.rest()  # as a task does: what it held is the other's
    second.join()
    assert sending.states(campaign) == {MessageState.SENT: 1200}
    assert len(provider.requests) == 1200
    assert provider.most_open <= 4
