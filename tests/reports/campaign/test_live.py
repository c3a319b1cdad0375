"""A campaign's page while it is sent: the figures agree, and the estimate says what is known."""

from datetime import timedelta

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone

from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from delivery.models import Dispatch, MessageTally, SendingAccount, SendMinute
from delivery.states import MessageState, Reason
from reports.campaign import live
from subscribers.states import DomainGroup


@pytest.fixture
def now():
    with time_machine.travel("2026-05-04T10:00:30+00:00", tick=False):
        yield timezone.now()


@pytest.fixture
def sending(workspace, now):
    """30 s old: 2,000 of 10,000 confirmed are sent, 3,000 are planned so far, 100 are left out."""
    account = SendingAccount.objects.create(workspace=workspace, name="Provider", kind="smtp")
    campaign = Campaign.objects.create(
        workspace=workspace,
        name="Panen",
        status=CampaignStatus.SENDING,
        started_at=now - timedelta(seconds=30),
        expected=10_000,
    )
    Dispatch.objects.create(workspace=workspace, campaign=campaign, account=account)
    for state, reason, count in (
        (MessageState.SENT, 0, 2_000),
        (MessageState.PLANNED, 0, 3_000),
        (MessageState.SKIPPED, Reason.SUPPRESSED, 100),
    ):
        MessageTally.objects.create(
            campaign=campaign,
            domain_group=DomainGroup.OTHER,
            state=state,
            reason=reason,
            count=count,
        )
    SendMinute.objects.create(
        campaign=campaign, domain_group=DomainGroup.OTHER, minute=now.replace(second=0), sent=2_000
    )
    return campaign


def test_while_people_are_counted_the_estimate_is_for_all_who_were_confirmed(sending, now):
    found = live.now(sending)
    assert found.is_counting
    assert found.messages_per_second == pytest.approx(2_000 / 30, abs=0.1)
    assert found.time_left == timedelta(seconds=round(8_000 / found.messages_per_second))
    Dispatch.objects.update(planning_done_at=now)
    assert live.now(sending).time_left == timedelta(seconds=round(3_000 / (2_000 / 30)))


def test_seconds_are_not_promised(sending, now, owner_client):
    Dispatch.objects.update(planning_done_at=now)
    page = owner_client.get(reverse("campaign_live", args=[sending.pk])).content.decode()
    assert "under a minute" in page
    MessageTally.objects.filter(state=MessageState.PLANNED).update(count=30_000)
    page = owner_client.get(reverse("campaign_live", args=[sending.pk])).content.decode()
    assert "8 min" in page


def test_the_first_seconds_say_nothing_about_the_rest(sending, now):
    Campaign.objects.update(started_at=now - timedelta(seconds=5))
    sending.refresh_from_db()
    assert live.now(sending).time_left is None


def test_what_was_sent_is_told_of_those_who_are_to_get_it(sending, now, owner_client):
    Dispatch.objects.update(planning_done_at=now)
    page = owner_client.get(reverse("campaign_live", args=[sending.pk])).content.decode()
    assert "<strong>2,000</strong> <span>of 5,000</span>" in page
    MessageTally.objects.filter(state=MessageState.SENT).update(count=5_000)
    MessageTally.objects.filter(state=MessageState.PLANNED).update(count=0)
    page = owner_client.get(reverse("campaign_live", args=[sending.pk])).content.decode()
    assert "<strong>5,000</strong> <span>of 5,000</span>" in page  # all of them, at the end
