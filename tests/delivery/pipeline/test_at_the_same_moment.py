"""Two connections at the same moment: who looks first and writes then must not write wrongly."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from campaigns import lifecycle
from campaigns.drafts import editing
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from delivery.accounts import setup
from delivery.models import Claim, SendingAccount
from delivery.pipeline import claim, next_campaign, record, settle, sweep
from delivery.states import MessageState
from delivery.transports.protocol import Verdict
from subscribers.people import people
from subscribers.privacy import erasure
from tests.campaigns import makers
from tests.delivery import sending
from tests.people import Cast

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("running_services"),
]


@contextmanager
def beside(work: Callable[[], Any]) -> Iterator[list[Any]]:
    """Run work on a connection of its own; what it returned is there at the end."""
    done: list[Any] = []

    def run() -> None:
        try:
            done.append(work())
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            done.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    yield done
    thread.join(30)
    assert not thread.is_alive()


def campaign_in_doubt(cast: Cast) -> Campaign:
    """Nothing is open but one message of which nobody knows."""
    campaign = sending.planned(cast.workspace, 1)
    held = sending.take(campaign)
    (message,) = sending.messages(campaign)
    outcome = sending.outcome(message, Verdict.UNKNOWN)
    record.outcomes(sending.writer(campaign), [outcome])
    claim.settle(held)
    return campaign


def is_offered(campaign: Campaign) -> bool:
    """Whether the campaign's planned messages will be found by a sending process."""
    return campaign.pk in next_campaign.waiting()


def test_a_campaign_does_not_end_while_somebody_sends_again(cast: Cast) -> None:
    campaign = campaign_in_doubt(cast)
    decided, go_on = threading.Event(), threading.Event()

    def send_again() -> int:
        with transaction.atomic():
            count = settle.send_again(Campaign.objects.get(pk=campaign.pk))
            decided.set()
            assert go_on.wait(30)
        return count

    with beside(send_again) as again:
        assert decided.wait(30)
        sweep.finish()  # it sees the ledger as it was, and the row is locked
        go_on.set()
    assert again == [1]
    sweep.finish()
    campaign.refresh_from_db()
    assert campaign.status == CampaignStatus.SENDING
    assert sending.states(campaign) == {MessageState.PLANNED: 1}
    assert is_offered(campaign)


def test_a_campaign_that_was_seen_as_ended_is_looked_at_again(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """*Send again* is committed between the reading and the writing."""
    campaign = campaign_in_doubt(cast)
    finish = sweep._finish

    def after_somebody_sent_again(pk: int) -> bool:
        with beside(lambda: settle.send_again(Campaign.objects.get(pk=pk))) as again:
            pass
        assert again == [1]
        return finish(pk)

    monkeypatch.setattr(sweep, "_finish", after_somebody_sent_again)
    assert sweep.finish() == 0
    campaign.refresh_from_db()
    assert campaign.status == CampaignStatus.SENDING
    assert is_offered(campaign)


def test_sending_again_reopens_what_has_just_ended(cast: Cast) -> None:
    campaign = campaign_in_doubt(cast)
    ended, go_on = threading.Event(), threading.Event()

    def end() -> int:
        with transaction.atomic():
            count = sweep.finish()
            ended.set()
            assert go_on.wait(30)
        return count

    with beside(end) as finished:
        assert ended.wait(30)
        with beside(lambda: settle.send_again(Campaign.objects.get(pk=campaign.pk))) as again:
            go_on.set()
    assert (finished, again) == ([1], [1])
    campaign.refresh_from_db()
    assert campaign.status == CampaignStatus.SENDING
    assert is_offered(campaign)
    assert Claim.objects.filter(campaign=campaign).count() == 1


def test_an_account_stays_when_a_campaign_over_it_begins(cast: Cast) -> None:
    account = sending.make_account(cast.workspace)
    mailing_list = makers.make_list(cast.workspace)
    campaign = makers.make_campaign(cast.workspace, mailing_list, sending_account=account)
    scheduled, go_on = threading.Event(), threading.Event()

    def schedule() -> bool:
        with transaction.atomic():
            won = lifecycle.schedule(campaign, at=timezone.now())
            scheduled.set()
            assert go_on.wait(30)
        return won

    with beside(schedule) as won:
        assert scheduled.wait(30)
        with beside(lambda: setup.delete(account)) as running:
            go_on.set()
    assert (won, running) == ([True], [[campaign.name]])
    assert SendingAccount.objects.filter(pk=account.pk).exists()


def test_a_list_is_not_chosen_while_it_is_deleted(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the campaign would go to fewer lists than somebody saw it saved with."""
    mailing_list = makers.make_list(cast.workspace)
    campaign = makers.make_campaign(cast.workspace, mailing_list)
    campaign.include_lists.clear()
    chosen: list[Any] = []
    allow_erasing = people.allow_erasing

    def choose() -> None:
        try:
            chosen.append(editing.choose_audience(campaign, include=[mailing_list], exclude=[]))
        except IntegrityError as error:
            chosen.append(error)
        finally:
            connection.close()

    def after_somebody_chose_it() -> None:
        choosing.start()
        while choosing.is_alive() and not waits_for_a_lock():
            choosing.join(0.01)
        allow_erasing()

    choosing = threading.Thread(target=choose)
    monkeypatch.setattr(people, "allow_erasing", after_somebody_chose_it)
    erasure.delete_list(mailing_list)
    choosing.join(30)
    assert isinstance(chosen[0], IntegrityError)


def waits_for_a_lock() -> bool:
    """Whether another connection of this database waits for a row."""
    with connection.cursor() as cursor:
        # Else a transaction sees the activity of its first look for ever.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        row = cursor.fetchone()
    return bool(row and row[0])
