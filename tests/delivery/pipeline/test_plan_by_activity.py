"""Who is planned by what people did: the same people as were counted, whatever else is sent."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Workspace
from campaigns import lifecycle
from campaigns.audience import rule as audience
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from delivery.models import Dispatch, Message
from delivery.pipeline import plan
from delivery.tracking import engagement
from subscribers.models import MailingList, Subscriber
from subscribers.segments import saving
from tests.campaigns import makers
from tests.delivery import makers as ledger
from tests.delivery import sending
from tests.people import Cast

pytestmark = pytest.mark.django_db

READERS = 6  # reader n opened the newest n of five letters


@pytest.fixture
def news(cast: Cast) -> MailingList:
    sending.make_account(cast.workspace)
    news = makers.make_list(cast.workspace, "News")
    readers = [makers.make_reader(cast.workspace, news, f"p{n}@x.example") for n in range(READERS)]
    for age in range(5, 0, -1):
        sent(cast.workspace, days_ago=age, opened_by=readers[age:], everybody=readers)
    engagement.rebuild()
    return news


def sent(
    workspace: Workspace, *, days_ago: int, opened_by: list[Subscriber], everybody: list[Subscriber]
) -> None:
    at = timezone.now() - timedelta(days=days_ago)
    campaign = Campaign.objects.create(
        workspace=workspace,
        name=f"Letter {days_ago}",
        status=CampaignStatus.SENT,
        started_at=at,
        finished_at=at,
    )
    Dispatch.objects.create(campaign=campaign, workspace=workspace)
    for person in everybody:
        opened = at if person in opened_by else None
        ledger.make_message(campaign, person, attempted_at=at, opened_at=opened)


def make_campaign(workspace: Workspace, news: MailingList, operator: str) -> Campaign:
    rule = {"subject": "activity", "operator": operator, "least": 2, "of_last": 3}
    rules = {"version": 1, "match": "all", "rules": [rule]}
    name = f"{operator} {Campaign.objects.count()}"
    campaign = makers.make_campaign(workspace, news)
    campaign.include_segments.add(saving.create(workspace, name=name, rules=rules))
    return campaign


def begin(campaign: Campaign) -> None:
    assert lifecycle.schedule(campaign, at=timezone.now())
    assert plan.begin(campaign)


def planned(campaign: Campaign) -> list[str]:
    rows = Message.objects.filter(campaign=campaign).order_by("subscriber_id")
    return [row.subscriber.email[:2] for row in rows.select_related("subscriber")]


@pytest.mark.parametrize(
    ("operator", "who"),
    [("opened_of_last", ["p2", "p3", "p4", "p5"]), ("opened_fewer", ["p0", "p1"])],
)
def test_as_many_are_planned_as_the_review_counted(
    cast: Cast, news: MailingList, operator: str, who: list[str]
) -> None:
    """Also when two campaigns begin together."""
    first, second = (make_campaign(cast.workspace, news, operator) for _ in range(2))
    counted = audience.breakdown(first).will_get
    begin(first)
    begin(second)
    sending.plan_all(first)
    sending.plan_all(second)
    assert planned(first) == planned(second) == who
    assert counted == len(who)


def test_a_campaign_that_finishes_meanwhile_changes_no_later_chunk(
    cast: Cast, news: MailingList, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "FIRST_CHUNK", 3)
    monkeypatch.setattr(plan, "CHUNK", 3)
    other = sending.start(cast.workspace, 1)
    campaign = make_campaign(cast.workspace, news, "opened_of_last")
    begin(campaign)
    plan.step(campaign.pk)
    assert lifecycle.finish(other)
    sending.plan_all(campaign)
    assert planned(campaign) == ["p2", "p3", "p4", "p5"]
