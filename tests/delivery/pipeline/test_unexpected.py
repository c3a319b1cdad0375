"""Something unexpected at any step of sending: nobody gets it twice, nobody is lost."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.db import OperationalError
from django.utils.module_loading import import_string

from campaigns.states import CampaignStatus
from delivery.models import Claim, Message, SendingAccount
from delivery.pipeline import sweep, worker
from delivery.pipeline.batch import TimeSlice
from delivery.pipeline.prepare import Prepared
from delivery.pipeline.worker import Worker
from delivery.states import MessageState, Reason
from delivery.transports.protocol import Outgoing
from tests.delivery import sending
from tests.faults.conftest import Recorder
from tests.people import Cast

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("redis_client"),
]
PEOPLE = 120


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Recorder]:
    server = Recorder(tmp_path / "mails.log")
    server.start("slow=0.002")
    yield server
    server.stop()


@pytest.fixture
def sender(monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    monkeypatch.setattr(worker, "FAILED_SECONDS", 0.2)
    sender = Worker(shard=1)
    yield sender
    sender.rest()


def fail_once(
    monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, error: BaseException, *, at: int
) -> list[int]:
    """Have a function raise at its call number ``at``, before it does anything."""
    real, calls = getattr(owner, name), [0]

    def fails(*args: Any, **kwargs: Any) -> Any:
        calls[0] += 1
        if calls[0] == at:
            raise error
        return real(*args, **kwargs)

    monkeypatch.setattr(owner, name, fails)
    return calls


def work_until(sender: Worker, is_done: Callable[[], bool], *, seconds: float = 90) -> None:
    until = time.monotonic() + seconds
    while not is_done():
        assert time.monotonic() < until
        sender.work(
            TimeSlice(
                until=time.monotonic() + 2, is_over=is_done, keep=lambda: sweep.recover() and None
            )
        )
        sweep.finish()


def is_finished(campaign: int) -> bool:
    return not Claim.objects.filter(campaign=campaign).exclude(state=3).exists()


@pytest.mark.parametrize(
    ("where", "name", "error", "at"),
    [
        ("delivery.transports.smtp.run.Run", "_serve", RuntimeError("transport"), 60),
        ("delivery.transports.smtp.run.Run", "_hand_over", RuntimeError("transport"), 20),
        ("delivery.transports.smtp.run.Run", "_fill", MemoryError(), 30),
        ("delivery.transports.smtp.session.Session", "hand_over", RuntimeError("transport"), 30),
        ("delivery.transports.smtp.transport.SmtpTransport", "send", RuntimeError("transport"), 1),
        ("delivery.pipeline.prepare", "render", MemoryError(), 40),
        ("delivery.pipeline.journal.Journal", "announce", RuntimeError("journal"), 40),
        ("delivery.pipeline.journal.Journal", "confirm", RuntimeError("journal"), 30),
        ("delivery.pipeline.journal.Journal", "settle", RuntimeError("journal"), 40),
        ("delivery.pipeline.journal.JournalConnection", "open", redis.ConnectionError(), 1),
        ("delivery.pipeline.batch.HandOver", "note", RuntimeError("note"), 40),
        ("delivery.pipeline.batch.HandOver", "flush", RuntimeError("flush"), 1),
        ("delivery.pipeline.account_sender.AccountSender", "_finish", OperationalError("gone"), 1),
        ("delivery.pipeline.account_sender.AccountSender", "_share", RuntimeError("share"), 1),
        ("delivery.limits.gate.Gate", "give_back", RuntimeError("permits"), 1),
    ],
)
def test_an_error_at_any_step_loses_nobody(  # noqa: PLR0913, PLR0917
    cast: Cast,
    server: Recorder,
    sender: Worker,
    monkeypatch: pytest.MonkeyPatch,
    redis_client: redis.Redis,
    where: str,
    name: str,
    error: BaseException,
    at: int,
) -> None:
    account = sending.make_account(cast.workspace, port=server.port, max_connections=2)
    campaign = sending.planned(cast.workspace, PEOPLE)
    calls = fail_once(monkeypatch, import_string(where), name, error, at=at)
    work_until(sender, lambda: is_finished(campaign.pk))
    assert calls[0] >= at
    mails = server.mails()
    assert max(mails.values()) == 1
    states = sending.states(campaign)
    unknown = states.pop(MessageState.UNKNOWN, 0)
    assert unknown <= account.max_connections
    assert states == {MessageState.SENT: PEOPLE - unknown}
    assert sending.tallies(campaign) == sending.ledger(campaign)
    assert len(mails) >= PEOPLE - unknown
    campaign.refresh_from_db()
    assert campaign.status == CampaignStatus.SENT
    sender.rest()
    journals = list(redis_client.scan_iter("warta:journal*"))
    # An opened one that no claim has used may lie there, with nothing but its header.
    assert all(redis_client.llen(key) == 1 for key in journals)
    assert SendingAccount.objects.get().broken_since is None


def test_a_person_whose_mail_can_never_be_made_is_skipped_and_the_others_get_theirs(
    cast: Cast, server: Recorder, sender: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    sending.make_account(cast.workspace, port=server.port)
    campaign = sending.planned(cast.workspace, 30)
    poisoned = sending.messages(campaign)[7]
    real = Prepared.mails_of

    def mails_of(self: Prepared, due: Any) -> Any:
        make = real(self, due)

        def mail(one: Any) -> Outgoing:
            if one.message_id == poisoned:
                raise RecursionError("too deep")
            return make(one)

        return mail

    monkeypatch.setattr(Prepared, "mails_of", mails_of)
    work_until(sender, lambda: is_finished(campaign.pk))
    assert sending.ledger(campaign) == {
        (MessageState.SENT, Reason.NONE): 29,
        (MessageState.SKIPPED, Reason.RENDER_ERROR): 1,
    }
    skipped = Message.objects.select_related("reply").get(pk=poisoned)
    assert str(skipped.reply) == ("Something in this person's values can't be put into an email.")


def test_a_slow_account_holds_nobody_else_up(
    cast: Cast, server: Recorder, sender: Worker, tmp_path: Path
) -> None:
    tarpit = Recorder(tmp_path / "slow.log")
    tarpit.start("slow=0.5")
    try:
        sending.make_account(cast.workspace, port=tarpit.port, max_connections=2)
        sending.make_account(cast.other_workspace, port=server.port)
        sending.planned(cast.workspace, 400)
        healthy = sending.planned(cast.other_workspace, 400)
        work_until(sender, lambda: is_finished(healthy.pk))
        assert sending.states(healthy) == {MessageState.SENT: 400}
        assert 0 < len(tarpit.mails()) < 400
    finally:
        tarpit.stop()
