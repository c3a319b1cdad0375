"""Why is it not sending? One sentence per cause."""

from datetime import datetime, timedelta

import pytest
import redis
import time_machine
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.roles import Role
from accounts.team import api_keys
from campaigns import lifecycle
from delivery.accounts import breaker
from delivery.health import diagnosis
from delivery.health.causes import Cause
from delivery.models import Claim, Message, SendingAccount
from delivery.pipeline import claim, record, sweep
from delivery.processes import heartbeats
from delivery.transports.protocol import ServerTroubleError, Verdict
from subscribers.states import DomainGroup
from tests.campaigns import makers
from tests.delivery import sending
from tests.people import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def machinery(redis_client: redis.Redis) -> None:
    heartbeats.record(heartbeats.SENDING, "sending@here", processes=2)
    heartbeats.record(heartbeats.BEAT, "here")


def clock(at: datetime | None) -> str:
    assert at is not None
    return diagnosis.clock(at)


def test_draft_scheduled_and_about_to_start(cast: Cast) -> None:
    campaign = makers.make_campaign(cast.workspace, makers.make_list(cast.workspace))
    assert diagnosis.explain(campaign).cause is Cause.DRAFT
    at = timezone.now() + timedelta(hours=1)
    lifecycle.schedule(campaign, at=at)
    found = diagnosis.explain(campaign)
    assert (found.cause, found.until) == (Cause.SCHEDULED, at)
    assert found.sentence == f"Scheduled for {clock(at)} (UTC)."
    campaign.send_at = timezone.now()
    assert diagnosis.explain(campaign).cause is Cause.STARTING


def test_planning_and_sending(cast: Cast) -> None:
    campaign = sending.start(cast.workspace, 3)
    assert diagnosis.explain(campaign).cause is Cause.PLANNING
    sending.plan_all(campaign)
    assert diagnosis.explain(campaign).cause is Cause.SENDING


def test_no_worker_and_no_beat(cast: Cast, redis_client: redis.Redis) -> None:
    campaign = sending.planned(cast.workspace, 3)
    heartbeats.forget(heartbeats.BEAT, "here")
    found = diagnosis.explain(campaign)
    assert (found.cause, found.is_trouble) == (Cause.BEAT_STOPPED, True)
    heartbeats.forget(heartbeats.SENDING, "sending@here")
    found = diagnosis.explain(campaign)
    assert found.cause is Cause.NO_WORKER
    assert found.sentence == "Nothing is sent because no worker is running. Start a worker."
    assert diagnosis.health(cast.workspace).cause is Cause.NO_WORKER


def test_paused_by_whom_and_why(cast: Cast) -> None:
    campaign = sending.planned(cast.workspace, 3)
    lifecycle.pause(campaign, by=cast.editor)
    assert campaign.paused_at is not None
    assert diagnosis.explain(campaign).sentence == f"Paused by Budi at {clock(campaign.paused_at)}."
    lifecycle.resume(campaign)
    lifecycle.pause(campaign, reason="Too many errors.")
    assert diagnosis.explain(campaign).sentence.endswith(": Too many errors.")


def test_a_server_in_trouble_says_since_when_and_when_next(cast: Cast) -> None:
    campaign = sending.planned(cast.workspace, 3)
    account = SendingAccount.objects.get()
    breaker.trip(account, ServerTroubleError("smtp.example.com refuses the password"))
    account.refresh_from_db()
    found = diagnosis.explain(campaign)
    assert found.cause is Cause.BREAKER_OPEN
    assert found.sentence == (
        f"Waiting: smtp.example.com refuses the password since {clock(account.broken_since)};"
        f" next try at {clock(account.retry_at)}."
    )
    assert diagnosis.health(cast.workspace).cause is Cause.BREAKER_OPEN
    breaker.close(account)
    assert diagnosis.explain(campaign).cause is Cause.SENDING
    assert diagnosis.health(cast.workspace).sentence == "Sending normally"


def test_no_sending_account(cast: Cast) -> None:
    campaign = sending.planned(cast.workspace, 3)
    SendingAccount.objects.all().delete()
    assert diagnosis.explain(campaign).cause is Cause.NO_ACCOUNT


def test_throttled_until_when(cast: Cast) -> None:
    campaign = sending.planned(cast.workspace, 3)
    at = timezone.now() + timedelta(minutes=20)
    claim.release(sending.take(campaign), not_before=at, waiting_for="the limit per hour")
    found = diagnosis.explain(campaign)
    assert (found.cause, found.until) == (Cause.THROTTLED, at)
    assert found.sentence == f"Waiting for the limit per hour until {clock(at)}."


def test_waiting_to_retry(cast: Cast) -> None:
    campaign = sending.planned(cast.workspace, 2)
    held = sending.take(campaign)
    record.outcomes(
        sending.writer(campaign),
        [sending.outcome(pk, Verdict.DEFERRED, 451) for pk in sending.messages(campaign)],
    )
    claim.settle(held)
    found = diagnosis.explain(campaign)
    first = Message.objects.order_by("not_before").first()
    assert first is not None
    assert (found.cause, found.count, found.until) == (Cause.RETRYING, 2, first.not_before)


def test_finished_with_and_without_doubt_and_cancelled(cast: Cast) -> None:
    campaign = sending.planned(cast.workspace, 2)
    ids = sending.messages(campaign)
    record.outcomes(
        sending.writer(campaign),
        [*sending.sent(ids[:1]), sending.outcome(ids[1], Verdict.UNKNOWN)],
    )
    Claim.objects.all().delete()
    sweep.finish()
    campaign.refresh_from_db()
    found = diagnosis.explain(campaign)
    assert (found.cause, found.count) == (Cause.UNKNOWN_LEFT, 1)
    from delivery.pipeline import settle

    settle.leave(campaign)
    assert diagnosis.explain(campaign).cause is Cause.FINISHED
    other = sending.planned(cast.other_workspace, 1)
    lifecycle.cancel(other)
    assert diagnosis.explain(other).cause is Cause.CANCELLED


def test_how_fast_it_goes_and_who_asked_us_to_slow_down(cast: Cast) -> None:
    campaign = sending.planned(cast.workspace, 40)
    ids = sending.messages(campaign)
    sending.take(campaign)
    words = "4.7.28 Our system has detected an unusual rate of mail"
    gmail = Message.objects.filter(pk__in=ids, domain_group=DomainGroup.GMAIL).values_list("pk")
    slow = [pk for (pk,) in gmail][:3]
    rest = [pk for pk in ids if pk not in slow][:27]
    record.outcomes(
        sending.writer(campaign),
        [
            *sending.sent(rest),
            *(sending.outcome(pk, Verdict.DEFERRED, 421, "4.7.28", words) for pk in slow),
        ],
    )
    found = diagnosis.explain(campaign, speed=0.5)
    assert (found.cause, found.count) == (Cause.SENDING, 3)
    assert found.sentence == (
        "Sending at 30 a minute. Gmail asked us to slow down, so 3 emails are waiting."
    )


def test_a_reason_keeps_its_author(cast: Cast) -> None:
    campaign = sending.planned(cast.workspace, 3)
    lifecycle.pause(campaign, by=cast.editor, reason="the price is wrong")
    at = clock(campaign.paused_at)
    assert diagnosis.explain(campaign).sentence == f"Paused by Budi at {at}: the price is wrong"


def test_redis_away(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = sending.planned(cast.workspace, 3)

    def away(_kind: str) -> list[str]:
        raise redis.ConnectionError

    monkeypatch.setattr(heartbeats, "alive", away)
    assert diagnosis.explain(campaign).cause is Cause.NO_REDIS


def test_page_health_page_api_and_command_say_the_same(
    cast: Cast, editor_client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    campaign = sending.planned(cast.workspace, 3)
    at = timezone.now() + timedelta(minutes=20)
    claim.release(sending.take(campaign), not_before=at, waiting_for="the limit per hour")
    sentence = "Waiting for the limit per hour until "
    live = editor_client.get(reverse("campaign_live", args=[campaign.pk])).content.decode()
    assert sentence in live
    assert "next send" in live
    assert sentence in editor_client.get(reverse("sending_health")).content.decode()
    key = api_keys.create(cast.workspace, name="Shop", role=Role.ANALYST, by=cast.owner)
    program = Client(headers={"authorization": f"Bearer {key}"})
    found = program.get(f"/api/v1/campaigns/{campaign.pk}").json()
    assert found["cause"] == "throttled"
    assert sentence in found["explanation"]
    call_command("campaign_status", str(campaign.pk))
    assert sentence in capsys.readouterr().out


def test_the_health_page_names_what_is_in_trouble(cast: Cast, editor_client: Client) -> None:
    page = editor_client.get(reverse("sending_health")).content.decode()
    assert "Workers, beat and Redis are at work." in page
    campaign = sending.planned(cast.workspace, 3)
    account = SendingAccount.objects.get()
    breaker.trip(account, ServerTroubleError("smtp.example.com refuses the password"))
    heartbeats.forget(heartbeats.BEAT, "here")
    page = editor_client.get(reverse("sending_health"), {"part": 1}).content.decode()
    assert "beat is not running" in page
    assert "smtp.example.com refuses the password" in page
    assert campaign.name in page


def test_the_last_minute_before_a_start_is_counted_down(cast: Cast) -> None:
    campaign = makers.make_campaign(cast.workspace, makers.make_list(cast.workspace))
    with time_machine.travel(timezone.now(), tick=False):
        lifecycle.schedule(campaign, at=timezone.now() + timedelta(seconds=10))
        found = diagnosis.explain(campaign)
        assert (found.cause, found.count) == (Cause.STARTING, 10)
        assert found.sentence == "Starts in 10 seconds. Until then you can undo it."
        assert diagnosis.is_about_to_start(campaign)
