"""Mail that people wait for goes first, and counts against its account all the same."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from django.core.mail import EmailMessage
from django.utils import timezone

from campaigns import lifecycle
from config.settings import CELERY_TASK_ROUTES
from delivery.limits import direct_mail, throttle
from delivery.models import Claim
from delivery.pipeline import plan
from delivery.pipeline.batch import TimeSlice
from delivery.pipeline.worker import Worker
from delivery.processes import coordination
from delivery.states import ClaimState, MessageState
from delivery.system_mail.email_backend import EmailBackend
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


def work(sender: Worker, seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    sender.work(TimeSlice(until=until, is_over=lambda: False, keep=lambda: None))


def confirm(cast: Cast, address: str) -> None:
    """Send a mail as sign-ups do."""
    mail = EmailMessage("Confirm", "Yes?", from_email="kabar@kopisenja.example", to=[address])
    mail.workspace_id = cast.workspace.pk  # type: ignore[attr-defined]
    assert EmailBackend().send_messages([mail]) == 1


def test_a_confirmation_leaves_while_a_campaign_waits_for_its_limit(
    cast: Cast, server: Recorder, sender: Worker
) -> None:
    sending.make_account(cast.workspace, port=server.port, per_hour=10)
    campaign = sending.planned(cast.workspace, 40)
    work(sender)
    assert len(server.mails()) == 10
    assert Claim.objects.get().state == ClaimState.WAITING
    confirm(cast, "newcomer@x.example")
    assert server.mails()["newcomer@x.example"] == 1
    assert sending.states(campaign)[MessageState.SENT] == 10


def test_what_went_first_is_missing_from_the_campaigns_share(
    cast: Cast, server: Recorder, sender: Worker
) -> None:
    sending.make_account(cast.workspace, port=server.port, per_hour=10)
    for number in range(4):
        confirm(cast, f"newcomer{number}@x.example")
    campaign = sending.planned(cast.workspace, 40)
    work(sender)
    assert sending.states(campaign)[MessageState.SENT] == 6
    assert len(server.mails()) == 10


@pytest.mark.parametrize("limits", [{"per_second": 1}, {"per_minute": 2}, {"per_day": 2}])
def test_any_limit_is_overrun_and_then_waited_out(cast: Cast, limits: dict[str, int]) -> None:
    account = sending.make_account(cast.workspace, **limits)
    with direct_mail.counted(account, 3):
        assert throttle.permits(account.pk, throttle.limits_of(account), 1).permits == 0
    grant = throttle.permits(account.pk, throttle.limits_of(account), 1)
    assert grant.permits == 0
    assert grant.wait > 1.0


def test_without_redis_a_confirmation_goes_all_the_same(
    cast: Cast, server: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_args: object, **_options: object) -> None:
        raise redis.ConnectionError

    monkeypatch.setattr(coordination, "script", lambda _source: away)
    sending.make_account(cast.workspace, port=server.port, per_hour=1)
    confirm(cast, "newcomer@x.example")
    assert server.mails() == {"newcomer@x.example": 1}


def test_single_mails_have_a_queue_that_campaigns_and_imports_do_not_fill() -> None:
    mail = {name for name, route in CELERY_TASK_ROUTES.items() if route["queue"] == "mail"}
    assert mail == {"accounts.tasks.send*", "subscribers.take*"}


def test_two_campaigns_share_an_account_by_turns(
    cast: Cast, server: Recorder, sender: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However large the first is, the second is not kept until it is over."""
    monkeypatch.setattr(plan, "CLAIM_SIZE", 20)
    sending.make_account(cast.workspace, port=server.port)
    large = sending.planned(cast.workspace, 300)
    small = makers.make_campaign(cast.workspace, large.include_lists.get())
    assert lifecycle.schedule(small, at=timezone.now())
    assert plan.begin(small)
    sending.plan_all(small)
    halves: list[tuple[int, int]] = []

    def look() -> bool:
        counts = [sending.states(one).get(MessageState.SENT, 0) for one in (large, small)]
        if not halves and sum(counts) >= 200:
            halves.append((counts[0], counts[1]))
        return False

    sender.work(TimeSlice(until=time.monotonic() + 20, is_over=look, keep=lambda: None))
    assert sending.states(large) == sending.states(small) == {MessageState.SENT: 300}
    ((first, second),) = halves
    assert abs(first - second) <= 60
