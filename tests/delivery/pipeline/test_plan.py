"""Planning: one row per person, left out with a reason, restartable, fenced."""

from datetime import timedelta

import pytest
from django.utils import timezone

from campaigns import lifecycle
from campaigns.audience.rule import breakdown
from campaigns.states import CampaignStatus
from delivery.models import Claim, Dispatch, Message
from delivery.pipeline import plan, prepare
from delivery.public import message_link, unsubscribing
from delivery.states import MessageState, Reason
from subscribers.models import Segment, Subscription
from subscribers.states import ConsentSource, SubscriptionStatus
from tests.campaigns import makers
from tests.delivery import sending
from tests.people import Cast

pytestmark = pytest.mark.django_db


def test_everybody_has_one_row_and_those_left_out_say_why(cast: Cast) -> None:
    workspace = cast.workspace
    news, tea, staff = (makers.make_list(workspace, name) for name in ("News", "Tea", "Staff"))
    sending.make_account(workspace)
    ani = makers.make_reader(workspace, news, "ani@x.example")
    makers.subscribe(ani, tea)
    makers.subscribe(
        makers.make_subscriber(workspace, "beni@x.example"),
        news,
        status=SubscriptionStatus.UNSUBSCRIBED,
    )
    makers.subscribe(
        makers.make_subscriber(workspace, "cici@x.example"),
        tea,
        status=SubscriptionStatus.UNCONFIRMED,
    )
    makers.suppress(makers.make_reader(workspace, tea, "dedi@x.example"))
    makers.subscribe(makers.make_reader(workspace, news, "eka@x.example"), staff)
    makers.make_reader(workspace, staff, "fani@x.example")
    campaign = makers.make_campaign(workspace, news, tea)
    campaign.exclude_lists.set([staff])
    before = breakdown(campaign)
    assert lifecycle.schedule(campaign, at=timezone.now())
    assert plan.begin(campaign)
    sending.plan_all(campaign)
    assert sending.ledger(campaign) == {
        (MessageState.PLANNED, Reason.NONE): 1,
        (MessageState.SKIPPED, Reason.UNSUBSCRIBED): 1,
        (MessageState.SKIPPED, Reason.UNCONFIRMED): 1,
        (MessageState.SKIPPED, Reason.SUPPRESSED): 1,
        (MessageState.SKIPPED, Reason.EXCLUDED): 1,
    }
    assert sending.tallies(campaign) == sending.ledger(campaign)
    assert (before.audience, before.will_get) == (5, 1)


def test_chunks_and_claims(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "FIRST_CHUNK", 5)
    monkeypatch.setattr(plan, "CHUNK", 25)
    monkeypatch.setattr(plan, "CLAIM_SIZE", 10)
    campaign = sending.start(cast.workspace, 42)
    steps = []
    while not (progress := plan.step(campaign.pk)).is_done:
        steps.append(progress.rows)
    assert [*steps, progress.rows] == [5, 25, 12]
    sizes = [
        Message.objects.filter(pk__gte=row.first_message, pk__lte=row.last_message).count()
        for row in Claim.objects.order_by("pk")
    ]
    assert sizes == [5, 10, 10, 5, 10, 2]
    assert plan.step(campaign.pk) == plan.Progress(is_done=True)
    assert sum(sending.tallies(campaign).values()) == 42


def test_people_who_join_after_the_start_are_not_in_the_audience(cast: Cast) -> None:
    campaign = sending.start(cast.workspace, 3)
    newcomer = makers.make_reader(
        cast.workspace, campaign.include_lists.get(), "newcomer@x.example"
    )
    sending.plan_all(campaign)
    assert not Message.objects.filter(campaign=campaign, subscriber=newcomer).exists()


def test_a_campaign_begins_once_and_only_when_due(cast: Cast) -> None:
    mailing_list = makers.make_list(cast.workspace)
    campaign = makers.make_campaign(cast.workspace, mailing_list)
    lifecycle.schedule(campaign, at=timezone.now() + timedelta(hours=1))
    assert plan.due() == []
    assert not plan.begin(campaign)
    campaign.send_at = timezone.now()
    campaign.save()
    assert plan.due() == [campaign]
    assert plan.begin(campaign)
    assert not plan.begin(campaign)
    assert Dispatch.objects.filter(campaign=campaign).count() == 1


def test_a_paused_campaign_is_still_planned_a_cancelled_one_not(cast: Cast) -> None:
    campaign = sending.start(cast.workspace, 3)
    lifecycle.pause(campaign)
    assert plan.unfinished() == [campaign.pk]
    sending.plan_all(campaign)
    assert sending.states(campaign) == {MessageState.PLANNED: 3}
    other = sending.start(cast.workspace.__class__.objects.create(name="Other", slug="other"), 3)
    lifecycle.cancel(other)
    assert plan.unfinished() == []
    assert plan.step(other.pk).rows == 0
    other.refresh_from_db()
    assert other.status == CampaignStatus.CANCELLED


def test_a_list_that_is_made_after_the_beginning_is_none_of_the_campaigns(cast: Cast) -> None:
    workspace = cast.workspace
    news = makers.make_list(workspace, "News")
    sending.make_account(workspace)
    people = [makers.make_reader(workspace, news, f"p{n}@x.example") for n in range(2)]
    campaign = makers.make_campaign(workspace)
    rules = {"version": 1, "match": "all", "rules": []}
    segment = Segment.objects.create(workspace=workspace, name="Everybody", rules=rules)
    campaign.include_segments.add(segment)
    assert lifecycle.schedule(campaign, at=timezone.now())
    assert plan.begin(campaign)
    later = makers.make_list(workspace, "Later")
    makers.subscribe(people[0], later)
    while not plan.step(campaign.pk).is_done:
        pass
    campaign.refresh_from_db()
    prepared = prepare.prepare(campaign)
    assert prepared.audience.include == (news.pk,)
    letter = Message.objects.get(subscriber=people[0])
    reader = message_link.of_message(letter.pk)
    assert unsubscribing.leave(reader, source=ConsentSource.ONE_CLICK) == (news.pk,)
    assert Subscription.objects.get(list=later).status == "subscribed"
