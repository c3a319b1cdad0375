"""One sending process against a real mail server: pauses, errors, limits, turns, trouble."""

import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import redis
from django.utils import timezone

from accounts.models import Workspace
from campaigns import lifecycle
from campaigns.audience.chosen import Audience
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from delivery.models import Claim, Dispatch, Message, SendingAccount
from delivery.pipeline import claim, plan, sweep
from delivery.pipeline.batch import TimeSlice
from delivery.pipeline.worker import Worker
from delivery.sandbox.smtp_server import running
from delivery.states import ClaimState, MessageState, Reason
from subscribers.consent import suppression
from subscribers.models import MailingList, Subscriber
from subscribers.states import SuppressionReason
from tests.campaigns import makers
from tests.delivery import sending
from tests.faults.conftest import Recorder
from tests.people import Cast

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("redis_client"),
]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Recorder]:
    server = Recorder(tmp_path / "mails.log")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def sender() -> Iterator[Worker]:
    sender = Worker(shard=1)
    with sending.threads_ended():
        yield sender
        sender.rest()


def work(
    sender: Worker, seconds: float = 20.0, is_over: Callable[[], bool] = lambda: False
) -> bool:
    return sender.work(
        TimeSlice(until=time.monotonic() + seconds, is_over=is_over, keep=lambda: None)
    )


def account(workspace: Workspace, server: Recorder, **fields: object) -> SendingAccount:
    return sending.make_account(workspace, port=server.port, **fields)


def test_everybody_gets_one_mail_and_the_campaign_ends(
    cast: Cast, server: Recorder, sender: Worker
) -> None:
    account(cast.workspace, server)
    campaign = sending.planned(cast.workspace, 300)
    assert not work(sender)
    assert sweep.finish() == 1
    assert server.mails() == {f"reader{number}@example.net": 1 for number in range(300)}
    assert sending.states(campaign) == {MessageState.SENT: 300}
    assert sending.tallies(campaign) == sending.ledger(campaign)
    assert set(Message.objects.values_list("content_version", "attempts")) == {(1, 1)}


def test_who_is_suppressed_after_planning_gets_nothing(
    cast: Cast, server: Recorder, sender: Worker
) -> None:
    account(cast.workspace, server)
    campaign = sending.planned(cast.workspace, 6)
    reasons = list(SuppressionReason)[:3]
    for number, reason in enumerate(reasons):
        email = f"reader{number}@example.net"
        assert suppression.suppress(cast.workspace, email=email, reason=reason)
    assert not work(sender)
    assert server.mails() == {f"reader{number}@example.net": 1 for number in range(3, 6)}
    assert sending.ledger(campaign) == {
        (MessageState.SENT, Reason.NONE): 3,
        (MessageState.SKIPPED, Reason.SUPPRESSED): 3,
    }


def test_refused_addresses_fail_and_are_suppressed(
    cast: Cast, server: Recorder, sender: Worker
) -> None:
    server.start("refuse=10")
    account(cast.workspace, server)
    campaign = sending.planned(cast.workspace, 50)
    work(sender)
    assert sending.ledger(campaign) == {
        (MessageState.SENT, Reason.NONE): 45,
        (MessageState.FAILED, Reason.ADDRESS_INVALID): 5,
    }
    assert cast.workspace.suppressions.count() == 5


def test_a_pause_acts_inside_a_claim(cast: Cast, server: Recorder, sender: Worker) -> None:
    server.start("slow=0.05")
    account(cast.workspace, server, max_connections=2)
    campaign = sending.planned(cast.workspace, 400)
    paused: list[bool] = []

    def pause_soon() -> bool:
        if not paused and len(server.mails()) > 10:
            paused.append(lifecycle.pause(Campaign.objects.get(pk=campaign.pk)))
        return False

    work(sender, is_over=pause_soon)
    assert paused == [True]
    states = sending.states(campaign)
    assert states[MessageState.SENT] == len(server.mails()) < 100
    assert Claim.objects.get().state == ClaimState.WAITING
    campaign.refresh_from_db()
    server.start()
    assert lifecycle.resume(campaign)
    work(sender)
    assert sending.states(campaign) == {MessageState.SENT: 400}
    assert max(server.mails().values()) == 1


def test_one_persons_render_error_skips_that_person(
    cast: Cast, server: Recorder, sender: Worker
) -> None:
    account(cast.workspace, server)
    campaign = sending.planned(cast.workspace, 50)
    Subscriber.objects.filter(email="reader7@example.net").update(
        email=f"reader@{'ü' * 70}.example"
    )
    work(sender)
    assert sending.ledger(campaign) == {
        (MessageState.SENT, Reason.NONE): 49,
        (MessageState.SKIPPED, Reason.RENDER_ERROR): 1,
    }
    assert Dispatch.objects.get().render_errors == 1
    skipped = Message.objects.select_related("reply").get(state=MessageState.SKIPPED)
    assert str(skipped.reply) == "The address can't be written to: no such domain can exist."


def test_many_render_errors_pause_the_campaign_and_skip_nobody(
    cast: Cast, server: Recorder, sender: Worker
) -> None:
    account(cast.workspace, server)
    campaign = sending.planned(cast.workspace, 60)
    for person in Subscriber.objects.all():
        person.email = f"reader{person.pk}@{'ü' * 70}.example"
        person.save()
    work(sender)
    campaign.refresh_from_db()
    assert campaign.status == CampaignStatus.PAUSED
    assert campaign.pause_reason.startswith("The emails of 20 people could not be filled in")
    dispatch = Dispatch.objects.get()
    assert dispatch.unfilled_at == campaign.paused_at
    assert dispatch.unfilled_subscriber in set(Subscriber.objects.values_list("pk", flat=True))
    assert sending.states(campaign) == {MessageState.PLANNED: 60}


def test_a_limit_gives_the_claim_back_with_a_time(
    cast: Cast, server: Recorder, sender: Worker
) -> None:
    account(cast.workspace, server, per_hour=30)
    campaign = sending.planned(cast.workspace, 100)
    assert work(sender) is False  # it did not sleep the limit out, until its time was over
    assert len(server.mails()) == 30
    row = Claim.objects.get()
    assert (row.state, row.waiting_for) == (ClaimState.WAITING, "the limit per hour")
    assert row.not_before is not None
    assert sending.tallies(campaign) == sending.ledger(campaign)


def test_a_rate_is_kept(cast: Cast, server: Recorder, sender: Worker) -> None:
    account(cast.workspace, server, per_second=40)
    campaign = sending.planned(cast.workspace, 160)
    work(sender, seconds=60)
    assert sending.states(campaign) == {MessageState.SENT: 160}
    times = server.mail_times
    for first, beyond in zip(times, times[40:], strict=False):
        assert beyond - first >= 1.0  # in the server's own log: no second has more


def test_no_more_people_are_read_than_may_be_written_to(
    cast: Cast, server: Recorder, sender: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, read = claim.read, Counter[int]()

    def counted(held: claim.Held, audience: Audience, *, limit: int | None = None) -> claim.Found:
        found = real(held, audience, limit=limit)
        read.update(due.message_id for due in found.due)
        return found

    monkeypatch.setattr(claim, "read", counted)
    account(cast.workspace, server, per_second=40)
    sending.planned(cast.workspace, 100)
    work(sender, seconds=60)
    assert len(server.mails()) == 100
    assert read.total() == 100


def test_twenty_campaigns_share_a_limit(cast: Cast, server: Recorder, sender: Worker) -> None:
    """Whenever one looks, none has had more than one turn more than any other."""
    account(cast.workspace, server, per_second=80)
    campaigns = [sending.planned(cast.workspace, 24)]
    for number in range(19):
        other = makers.make_campaign(
            cast.workspace, MailingList.objects.get(), name=f"Other {number}"
        )
        assert lifecycle.schedule(other, at=timezone.now())
        assert plan.begin(other)
        sending.plan_all(other)
        campaigns.append(other)

    def have_had(mails: int) -> bool:
        return server.mails().total() >= mails

    looked_at = 0
    for share in (100, 200, 300):
        work(sender, seconds=60, is_over=partial(have_had, share))
        sent = [sending.states(campaign).get(MessageState.SENT, 0) for campaign in campaigns]
        looked_at = sum(sent)
        assert max(sent) - min(sent) <= 17  # a turn at this limit: a fifth of a second's worth
    assert 300 <= looked_at < 480


def test_campaigns_take_turns_at_an_account(
    cast: Cast, server: Recorder, sender: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "CLAIM_SIZE", 20)
    account(cast.workspace, server)
    first = sending.planned(cast.workspace, 200)
    second = makers.make_campaign(cast.workspace, MailingList.objects.get(), name="Second")
    assert lifecycle.schedule(second, at=timezone.now())
    assert plan.begin(second)
    sending.plan_all(second)
    campaigns = first, second
    work(sender, is_over=lambda: len(server.mails()) > 150)
    sent = [sending.states(campaign).get(MessageState.SENT, 0) for campaign in campaigns]
    assert 150 < sum(sent) < 400
    assert abs(sent[0] - sent[1]) <= 20


def test_no_account_waits_for_anothers_campaign(
    cast: Cast, server: Recorder, sender: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "CLAIM_SIZE", 20)
    server.start("slow=1")
    account(cast.workspace, server)
    slow = sending.planned(cast.workspace, 400)
    with running() as quick:
        sending.make_account(cast.other_workspace, port=quick.port)
        other = sending.planned(cast.other_workspace, 200)
        over = [MessageState.SENT]
        work(sender, seconds=60, is_over=lambda: list(sending.states(other)) == over)
        assert sending.states(other) == {MessageState.SENT: 200}
    assert sending.states(slow)[MessageState.PLANNED] > 0


def test_a_server_in_trouble_is_left_alone_and_nobody_fails(
    cast: Cast, server: Recorder, sender: Worker
) -> None:
    server.stop()
    relay = account(cast.workspace, server)
    campaign = sending.planned(cast.workspace, 20)
    work(sender, seconds=3)
    relay.refresh_from_db()
    assert relay.broken_since is not None
    assert relay.retry_at is not None
    assert relay.broken_reason
    assert sending.states(campaign) == {MessageState.PLANNED: 20}
    server.start()
    SendingAccount.objects.update(retry_at=relay.broken_since)
    work(sender)
    mended = SendingAccount.objects.get()
    assert (mended.broken_since, mended.trouble_count) == (None, 0)
    assert sending.states(campaign) == {MessageState.SENT: 20}


def test_a_server_that_was_in_trouble_is_tried_over_one_connection(
    cast: Cast, sender: Worker
) -> None:
    with running() as server:
        now = timezone.now()
        trouble = {"broken_since": now, "retry_at": now, "trouble_count": 1}
        sending.make_account(cast.workspace, port=server.port, max_connections=4, **trouble)
        campaign = sending.planned(cast.workspace, 20)
        work(sender)
        assert server.server.session_count == 1
    assert sending.states(campaign) == {MessageState.SENT: 20}
    assert SendingAccount.objects.get().broken_since is None


def test_the_next_account_stands_in(cast: Cast, server: Recorder, sender: Worker) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        sending.make_account(cast.workspace, name="Down", port=nobody.getsockname()[1], position=0)
        account(cast.workspace, server, name="Up", position=1)
        campaign = sending.planned(cast.workspace, 20)
        work(sender)
    assert sending.states(campaign) == {MessageState.SENT: 20}
    assert SendingAccount.objects.get(name="Down").broken_since is not None


def test_a_flushed_redis_in_the_middle_loses_nothing(
    cast: Cast, server: Recorder, sender: Worker, redis_client: redis.Redis
) -> None:
    server.start("slow=0.01")
    account(cast.workspace, server)
    campaign = sending.planned(cast.workspace, 300)
    flushed: list[int] = []

    def flush_sometimes() -> bool:
        if len(server.mails()) > 50 * (1 + len(flushed)):
            redis_client.flushdb()
            flushed.append(1)
        return False

    work(sender, is_over=flush_sometimes)
    assert flushed
    assert sending.states(campaign) == {MessageState.SENT: 300}
    assert max(server.mails().values()) == 1
