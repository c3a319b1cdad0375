"""Segments narrow: consent always comes from a list."""

import pytest
from django.db.models import Q
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Workspace
from campaigns import lifecycle
from campaigns.audience import rule
from campaigns.audience.chosen import Audience
from campaigns.audience.rule import Breakdown
from campaigns.checks import preflight
from campaigns.models import Campaign
from campaigns.states import CampaignStatus, LeftOut
from delivery.models import SendingAccount
from subscribers.fields import usage
from subscribers.models import MailingList, Segment
from subscribers.states import SubscriptionStatus
from tests.campaigns.makers import (
    make_campaign,
    make_list,
    make_reader,
    make_subscriber,
    subscribe,
    suppress,
)
from tests.campaigns.segmenting import MakeSegment, make_segment

__all__ = ["make_segment"]  # a fixture


@pytest.fixture
def news(workspace: Workspace) -> MailingList:
    """Ani and Beni of Bandung, Cici of Bogor, and Dedi of Bandung who has left."""
    news = make_list(workspace, "News")
    for name, city in (("ani", "Bandung"), ("beni", "Bandung"), ("cici", "Bogor")):
        make_reader(workspace, news, f"{name}@x.example", first_name=name, last_name=city)
    gone = make_subscriber(workspace, "dedi@x.example", first_name="dedi", last_name="Bandung")
    subscribe(gone, news, status=SubscriptionStatus.UNSUBSCRIBED)
    return news


def test_an_included_segment_narrows_the_lists(
    workspace: Workspace, news: MailingList, make_segment: MakeSegment
) -> None:
    campaign = make_campaign(workspace, news)
    campaign.include_segments.add(make_segment(workspace, "Bandung", Q(last_name="Bandung")))
    assert rule.breakdown(campaign) == Breakdown(
        audience=3, will_get=2, left_out={LeftOut.UNSUBSCRIBED: 1}
    )
    assert [person.first_name for person in rule.sample(campaign, 5)] == ["ani", "beni"]


def test_several_included_segments_take_whoever_is_in_any(
    workspace: Workspace, news: MailingList, make_segment: MakeSegment
) -> None:
    campaign = make_campaign(workspace, news)
    for name in ("ani", "cici"):
        campaign.include_segments.add(make_segment(workspace, name, Q(first_name=name)))
    assert rule.breakdown(campaign) == Breakdown(audience=2, will_get=2)


def test_an_excluded_segment_leaves_people_out(
    workspace: Workspace, news: MailingList, make_segment: MakeSegment
) -> None:
    campaign = make_campaign(workspace, news)
    campaign.exclude_segments.add(make_segment(workspace, "Bogor", Q(last_name="Bogor")))
    assert rule.breakdown(campaign) == Breakdown(
        audience=4, will_get=2, left_out={LeftOut.EXCLUDED: 1, LeftOut.UNSUBSCRIBED: 1}
    )
    assert [person.first_name for person in rule.sample(campaign, 5)] == ["ani", "beni"]


def test_a_segment_alone_means_all_lists_in_use_and_never_people_of_none(
    workspace: Workspace, news: MailingList, make_segment: MakeSegment
) -> None:
    tea = make_list(workspace, "Tea")
    make_reader(workspace, tea, "eka@x.example", last_name="Bandung")
    old = make_list(workspace, "Old")
    make_reader(workspace, old, "fani@x.example", last_name="Bandung")
    MailingList.objects.filter(pk=old.pk).update(archived_at=timezone.now())
    make_subscriber(workspace, "nolist@x.example", last_name="Bandung")
    campaign = make_campaign(workspace)
    campaign.include_segments.add(make_segment(workspace, "Bandung", Q(last_name="Bandung")))
    assert rule.breakdown(campaign) == Breakdown(
        audience=4, will_get=3, left_out={LeftOut.UNSUBSCRIBED: 1}
    )
    assert set(rule.lists_of(campaign)) == {news, tea}


def test_values_with_percent_signs_and_none_at_all_stay_values(
    workspace: Workspace, news: MailingList, make_segment: MakeSegment
) -> None:
    make_reader(workspace, news, "odd@x.example", first_name="%s 100%% '; --", last_name="%(now)s")
    campaign = make_campaign(workspace, news)
    odd = Q(first_name__startswith="%s 100%%", last_name="%(now)s")
    campaign.include_segments.add(make_segment(workspace, "Odd", odd))
    campaign.exclude_segments.add(make_segment(workspace, "Never", Q(pk__in=[])))
    assert rule.breakdown(campaign) == Breakdown(audience=1, will_get=1)


def test_a_segment_of_another_workspace_is_nobody(
    workspace: Workspace,
    other_workspace: Workspace,
    news: MailingList,
    make_segment: MakeSegment,
) -> None:
    theirs = make_segment(other_workspace, "Theirs", Q())
    chosen = Audience.choosing([news], [], workspace=workspace.pk, include_segments=[theirs])
    assert rule.count(chosen) == Breakdown()


def test_rules_that_can_not_be_read_block_and_count_nobody(
    workspace: Workspace, news: MailingList, make_segment: MakeSegment
) -> None:
    campaign = make_campaign(workspace, news)
    broken = Segment.objects.create(workspace=workspace, name="Broken")
    campaign.include_segments.add(broken)
    assert rule.breakdown(campaign) == Breakdown()
    assert rule.sample(campaign, 3) == []
    found = [finding.text for finding in preflight.findings(campaign) if finding.blocks]
    assert "The rules of the segment “Broken” can't be read any more." in found


def test_an_empty_segment_is_warned_about(
    workspace: Workspace, news: MailingList, make_segment: MakeSegment
) -> None:
    campaign = make_campaign(workspace, news)
    campaign.exclude_segments.add(make_segment(workspace, "Nobody", Q(first_name="nobody")))
    found = [finding.text for finding in preflight.findings(campaign) if finding.warns]
    assert "Nobody is in the segment “Nobody” now." in found


def test_a_copy_keeps_the_segments(workspace: Workspace, news: MailingList) -> None:
    campaign = make_campaign(workspace, news)
    inside = Segment.objects.create(workspace=workspace, name="In")
    outside = Segment.objects.create(workspace=workspace, name="Out")
    campaign.include_segments.add(inside)
    campaign.exclude_segments.add(outside)
    copy = lifecycle.duplicate(campaign)
    assert Audience.of(copy).include_segments == (inside.pk,)
    assert Audience.of(copy).exclude_segments == (outside.pk,)


@pytest.mark.parametrize(
    ("status", "holds"),
    [(status, status not in {"sent", "cancelled"}) for status in CampaignStatus],
)
def test_a_campaign_that_is_not_over_holds_its_segment(
    workspace: Workspace,
    status: CampaignStatus,
    holds: bool,  # noqa: FBT001 - a table's column
) -> None:
    segment = Segment.objects.create(workspace=workspace, name="Bandung")
    campaign = make_campaign(workspace, status=status)
    campaign.exclude_segments.add(segment)
    (place,) = usage.of_segment(segment)
    assert (place.kind_name, place.name, place.holds) == ("Campaign", "Panen", holds)
    assert place.url == reverse("campaign_open", args=[campaign.pk])


def test_the_editor_counts_and_saves_segments(
    editor_client: Client, workspace: Workspace, news: MailingList, make_segment: MakeSegment
) -> None:
    SendingAccount.objects.create(workspace=workspace, name="Provider", kind="smtp")
    bandung = make_segment(workspace, "Bandung", Q(last_name="Bandung"))
    ani = make_segment(workspace, "Ani", Q(first_name="ani"))
    campaign = make_campaign(workspace, news)
    chosen = {"include_segments": [bandung.pk], "exclude_segments": [ani.pk]}
    count = reverse("campaign_audience_count", args=[campaign.pk])
    text = editor_client.get(count, {"include": [news.pk], **chosen}).content.decode()
    assert "<strong>1</strong> of 3 gets it" in text
    path = reverse("campaign_audience", args=[campaign.pk])
    assert editor_client.post(path, chosen, headers={"X-Autosave": "1"}).status_code == 204
    stored = Audience.of(campaign)
    assert stored.include_segments == (bandung.pk,)
    assert stored.exclude_segments == (ani.pk,)
    assert stored.include == (news.pk,)  # no list ticked: all lists
    page = editor_client.get(path).content.decode()
    assert page.count("checked") == 2
    review = editor_client.get(reverse("campaign_review", args=[campaign.pk])).content.decode()
    assert "<dt>Only people in</dt><dd>Bandung</dd>" in review
    assert Campaign.objects.get(pk=campaign.pk).include_lists.count() == 0


def test_a_segment_of_another_workspace_can_not_be_chosen(
    editor_client: Client, workspace: Workspace, other_workspace: Workspace, news: MailingList
) -> None:
    theirs = Segment.objects.create(workspace=other_workspace, name="Theirs")
    campaign = make_campaign(workspace, news)
    path = reverse("campaign_audience", args=[campaign.pk])
    answer = editor_client.post(
        path, {"include_segments": [theirs.pk]}, headers={"X-Autosave": "1"}
    )
    assert answer.status_code == 422


def test_suppressed_people_of_a_segment_are_left_out(
    workspace: Workspace, news: MailingList, make_segment: MakeSegment
) -> None:
    suppress(make_reader(workspace, news, "eka@x.example", last_name="Bogor"))
    campaign = make_campaign(workspace, news)
    campaign.include_segments.add(make_segment(workspace, "Bogor", Q(last_name="Bogor")))
    assert rule.breakdown(campaign) == Breakdown(
        audience=2, will_get=1, left_out={LeftOut.SUPPRESSED: 1}
    )
