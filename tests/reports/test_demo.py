"""The demo workspace: believable, consistent to the last count, and gone without a trace."""

import pytest
from django.urls import reverse

from accounts.models import User, Workspace
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from delivery.figures import ledgers
from delivery.models import Event, EventTally, Message, MessageTally
from delivery.states import AgentClass, EventKind, MessageState
from reports.campaign.engagement import engagement
from reports.demo import load, scale
from reports.models import WorkspaceDay
from reports.workspace import removal
from subscribers.models import ConsentEvent, Subscriber, SubscriberTally, Subscription

PEOPLE = 400


@pytest.fixture
def demo(db):
    owner = User.objects.create_superuser("ayu@kopisenja.example", "x")
    return load.load(owner=owner, subscribers=PEOPLE)


def test_it_has_what_every_screen_needs(demo):
    statuses = list(Campaign.objects.filter(workspace=demo).values_list("status", flat=True))
    assert statuses.count(CampaignStatus.SENT) >= 2
    assert statuses.count(CampaignStatus.DRAFT) == 1
    assert statuses.count(CampaignStatus.SCHEDULED) == 1
    assert Subscriber.objects.filter(workspace=demo).count() == PEOPLE
    assert SubscriberTally.objects.get(workspace=demo).count == PEOPLE
    assert WorkspaceDay.objects.filter(workspace=demo).count() == 366


def test_its_tallies_equal_its_ledger(demo):
    for campaign in Campaign.objects.filter(workspace=demo, status=CampaignStatus.SENT):
        ledger = ledgers.of(campaign)
        messages = Message.objects.filter(campaign=campaign)
        assert ledger.audience == messages.count()
        for state in MessageState:
            assert ledger.count(state) == messages.filter(state=state).count()
        acted = engagement([campaign.pk])[campaign.pk]
        assert acted.opens == messages.filter(opened_at__isnull=False).count()
        assert acted.clicks == messages.filter(clicked_at__isnull=False).count()
        assert acted.unsubscribes == messages.filter(unsubscribed_at__isnull=False).count()


def test_every_click_of_a_person_has_an_open_before_it(demo):
    clicked = Message.objects.filter(clicked_at__isnull=False)
    assert clicked.exists()
    assert not [m for m in clicked if m.opened_at is None or m.opened_at > m.clicked_at]


def test_everybody_agreed_before_they_were_written_to(demo):
    mailed = Message.objects.exclude(state=MessageState.SKIPPED).values_list(
        "subscriber_id", flat=True
    )
    confirmed = set(
        ConsentEvent.objects.filter(kind="confirmed").values_list("subscriber_id", flat=True)
    )
    assert set(mailed) <= confirmed


def test_it_goes_without_a_trace(demo):
    removal.remove(demo)
    assert not Workspace.objects.filter(pk=demo.pk).exists()
    for model in (Subscriber, Subscription, ConsentEvent, Message, MessageTally, Event):
        assert not model._base_manager.exists(), model


def test_a_large_synthetic_workspace_is_consistent(db):
    owner = User.objects.create_superuser("ayu@kopisenja.example", "x")
    workspace = scale.load(owner=owner, subscribers=500, messages=1200)
    assert Subscriber.objects.filter(workspace=workspace).count() == 500
    assert Message.objects.count() == 1200
    assert sum(t.count for t in MessageTally.objects.all()) == 1200
    opened = EventTally.objects.filter(kind=EventKind.OPENED, agent=AgentClass.HUMAN)
    assert sum(t.unique for t in opened) == Message.objects.filter(opened_at__isnull=False).count()


@pytest.mark.parametrize("name", ["home", "campaign_list", "report_list", "search"])
def test_pages_show_the_demo(demo, signed_in, name):
    client = signed_in(User.objects.get())
    assert client.get(reverse(name), {"q": "brew"}).status_code == 200


def test_the_demo_is_removed_with_one_click(demo, signed_in):
    client = signed_in(User.objects.get())
    assert client.get(reverse("demo_remove")).status_code == 405
    client.post(reverse("demo_remove"))
    assert not Workspace.objects.filter(pk=demo.pk).exists()


def test_reports_and_live_pages(demo, signed_in):
    client = signed_in(User.objects.get())
    for campaign in Campaign.objects.filter(workspace=demo):
        for name in ("campaign_live", "campaign_report", "campaign_recipients"):
            answer = client.get(reverse(name, args=[campaign.pk]), follow=False)
            assert answer.status_code in (200, 302), (name, campaign)
    sent = Campaign.objects.filter(workspace=demo, status=CampaignStatus.SENT).first()
    for state in ("skipped", "failed", "opened", "not_opened"):
        answer = client.get(reverse("campaign_report", args=[sent.pk]), {"state": state})
        assert answer.status_code == 200
    lines = b"".join(client.get(reverse("campaign_export", args=[sent.pk])).streaming_content)
    assert lines.decode().count("\r\n") == Message.objects.filter(campaign=sent).count() + 1
