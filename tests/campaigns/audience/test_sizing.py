"""An audience of many is estimated at once, with its range, and counted without anybody waiting."""

import json
import re

import pytest
from django.core.cache import cache
from django.db import connection
from django.urls import reverse

from campaigns.audience import rule, sizing
from campaigns.audience.chosen import Audience
from campaigns.states import LeftOut
from subscribers.models import MailingList, Segment, Subscriber, Subscription, Suppression
from subscribers.segments import estimating, saving
from subscribers.states import SubscriptionStatus, SuppressionReason
from subscribers.tasks import count_segment
from tests.campaigns.makers import make_campaign
from tests.subscribers.segments.test_estimates import BANDUNG, add, city, clustered, rules

__all__ = ["city", "clustered"]  # fixtures
ASKED = 200


@pytest.fixture(autouse=True)
def _few(monkeypatch):
    """Begin to estimate where there are 500 people, and ask 200 of them: always the same ones."""
    draw = estimating.draw
    always = {"seed": "the same people in every run"}
    monkeypatch.setattr(estimating, "draw", lambda where, **how: draw(where, **how | always))
    monkeypatch.setattr(estimating, "MANY", 500)
    monkeypatch.setattr(estimating, "DRAWN", ASKED)
    monkeypatch.setattr(sizing, "FEW", 100)
    cache.clear()


def join(mailing_list, people, status=SubscriptionStatus.SUBSCRIBED):
    Subscription.objects.bulk_create(
        Subscription(
            workspace=mailing_list.workspace, list=mailing_list, subscriber=person, status=status
        )
        for person in people
    )
    return mailing_list


@pytest.fixture
def weekly(clustered):
    """All 2,500 people; 800 of them have left, 100 are suppressed."""
    people = list(Subscriber.objects.filter(workspace=clustered).order_by("pk"))
    weekly = MailingList.objects.create(workspace=clustered, name="Weekly")
    join(weekly, people[:800], SubscriptionStatus.UNSUBSCRIBED)
    join(weekly, people[800:])
    Suppression.objects.bulk_create(
        Suppression(
            workspace=clustered,
            email_key=person.email_key,
            address_hash=person.address_hash,
            reason=SuppressionReason.BOUNCED,
        )
        for person in people[-100:]
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE subscribers_subscriber, subscribers_subscription")
    return weekly


@pytest.fixture
def bandung(clustered):
    return saving.create(clustered, name="Bandung", rules=rules(BANDUNG))


def visits():
    """Return how many rows of people and subscriptions this transaction has looked at."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(seq_tup_read + idx_tup_fetch) FROM pg_stat_xact_user_tables "
            "WHERE relname IN ('subscribers_subscriber', 'subscribers_subscription')"
        )
        return int(cursor.fetchone()[0])


def holds(found, truth):
    return found.low <= truth <= found.high


def test_every_figure_comes_with_a_range_that_holds_the_truth(weekly):
    chosen = Audience.of(make_campaign(weekly.workspace, weekly))
    truth = rule.count(chosen)
    assert (truth.audience, truth.will_get) == (2_500, 1_600)
    found = sizing.quick(chosen)
    assert isinstance(found, sizing.Estimated)
    assert 100 < found.asked < 300
    assert (found.ranges["audience"].low, found.ranges["audience"].high) == (2_500, 2_500)
    assert holds(found.ranges["will_get"], 1_600)
    assert holds(found.ranges["left_out"], 900)
    assert holds(found.ranges["unsubscribed"], truth.left_out[LeftOut.UNSUBSCRIBED])
    assert holds(found.ranges["suppressed"], truth.left_out[LeftOut.SUPPRESSED])
    assert holds(found.ranges["excluded"], 0)


def test_segments_are_asked_of_the_people_drawn_alone(weekly, bandung):
    campaign = make_campaign(weekly.workspace, weekly)
    campaign.include_segments.add(bandung)
    chosen = Audience.of(campaign)
    before = visits()
    found = sizing.quick(chosen)
    seen = visits() - before
    truth = rule.count(chosen)
    assert isinstance(found, sizing.Estimated)
    assert holds(found.ranges["audience"], truth.audience)
    assert holds(found.ranges["will_get"], truth.will_get)
    assert seen < 12 * ASKED
    before = visits()
    rule.count(chosen)
    assert visits() - before > 4_000  # what nobody waits for


def test_a_small_list_among_many_people_is_counted(weekly):
    people = Subscriber.objects.filter(workspace=weekly.workspace)[:60]
    staff = join(MailingList.objects.create(workspace=weekly.workspace, name="Staff"), people)
    chosen = Audience.of(make_campaign(weekly.workspace, staff))
    before = visits()
    found = sizing.quick(chosen)
    assert visits() - before < 1_000
    assert found.is_exact
    assert found == rule.count(chosen)


def test_people_to_try_the_email_with_are_drawn(weekly, bandung):
    campaign = make_campaign(weekly.workspace, weekly)
    campaign.include_segments.add(bandung)
    before = visits()
    people = sizing.sample(campaign, 20)
    assert visits() - before < 15 * ASKED
    assert len(people) == 20
    assert {person.fields["city"] for person in people} == {"Bandung"}


STEPS = ("campaign_audience", "campaign_audience_count", "campaign_content", "campaign_tracking")


@pytest.mark.parametrize("step", STEPS)
def test_no_page_counts_everybody_before_it_answers(editor_client, weekly, bandung, step):
    campaign = make_campaign(weekly.workspace, weekly)
    campaign.include_segments.add(bandung)
    before = visits()
    chosen = {"include": [weekly.pk], "include_segments": [bandung.pk]}
    page = editor_client.get(reverse(step, args=[campaign.pk]), chosen).content.decode()
    assert visits() - before < 5_000
    assert re.search(r"<strong>about [\d,]+", page)
    assert "Probably " in page
    assert page.count("The exact number is being counted.") == 1  # asked for once


def test_the_number_takes_the_place_of_the_estimate(editor_client, weekly):
    campaign = make_campaign(weekly.workspace, weekly)
    count = reverse("campaign_audience_count", args=[campaign.pk])
    chosen = {"include": [weekly.pk]}
    page = editor_client.get(count, chosen).content.decode()
    # How many are on one list is known.
    assert re.search(r"<strong>about [\d,]+</strong> of 2,500 get it", page)
    (asked,) = re.findall(r'hx-get="([^"]+)" hx-vals=\'([^\']+)\'', page)
    assert asked == (count_address(campaign), '{"exact": "1"}')
    exact = editor_client.get(count, {**chosen, "exact": "1"}).content.decode()
    assert "<strong>1,600</strong> of 2,500 get it" in exact
    assert "being counted" not in exact
    content = editor_client.get(reverse("campaign_bar", args=[campaign.pk])).content.decode()
    assert "<strong>1,600 people</strong> get this" in content
    # It is remembered for the next page.
    page = editor_client.get(reverse("campaign_tracking", args=[campaign.pk])).content.decode()
    assert "<strong>1,600 people</strong>" in page


def count_address(campaign):
    return f"/{campaign.workspace.slug}/campaigns/{campaign.pk}/audience/count/"


def test_without_a_script_the_number_is_a_click_away(editor_client, weekly):
    campaign = make_campaign(weekly.workspace, weekly)
    address = reverse("campaign_audience", args=[campaign.pk])
    page = editor_client.get(address).content.decode()
    assert re.search(r'<noscript>\s*<a [^>]*href="\?exact=1"', page)
    assert "<strong>1,600</strong>" in editor_client.get(address, {"exact": "1"}).content.decode()


def test_what_is_confirmed_is_counted(owner_client, weekly):
    campaign = make_campaign(weekly.workspace, weekly)
    for name in ("campaign_review", "campaign_confirm"):
        page = owner_client.get(reverse(name, args=[campaign.pk])).content.decode()
        assert "1,600" in page
        assert "about " not in re.sub(r"<[^>]*>", "", page).partition("People")[2][:40]


def test_a_rare_audience_is_told_by_its_upper_bound(editor_client, weekly):
    rare = {**BANDUNG, "texts": ["Nowhere"]}
    segment = saving.create(weekly.workspace, name="Rare", rules=rules(rare))
    campaign = make_campaign(weekly.workspace, weekly)
    campaign.include_segments.add(segment)
    found = sizing.quick(Audience.of(campaign))
    assert isinstance(found, sizing.Estimated)
    assert (found.will_get, found.ranges["will_get"].low) == (0, 0)
    page = editor_client.get(reverse("campaign_content", args=[campaign.pk])).content.decode()
    assert re.search(r"<strong>up to [\d,]+ people</strong>", page)
    assert "Nobody would get this campaign." not in page  # not known yet


# --- segments


def saved(client, **values):
    form = {
        "node": ["+1", "2", "-"],
        "match-1": "all",
        "subject-2": "field:city",
        "operator-2": "one_of",
        "value-2-texts": "Bandung",
        "do": "save",
        **values,
    }
    return client.post(reverse("segment_new"), form, follow=True).content.decode()


def test_saving_a_segment_says_about_how_many_and_counts_behind(editor_client, clustered):
    before = visits()
    page = saved(editor_client, name="Bandung")
    assert visits() - before < 5_000
    assert re.search(r"Saved\. About [\d,]+ people fit\.", page)
    assert re.search(r"<strong>about [\d,]+</strong>", page)
    segment = Segment.objects.get()
    assert (segment.count, segment.counted_at) == (None, None)
    listed = editor_client.get(reverse("segment_list"))
    assert "Being counted" in listed.content.decode()
    assert list(saving.due()) == [segment]
    count_segment(segment.pk)
    segment.refresh_from_db()
    assert segment.count == 1_100
    assert not saving.due()


def test_the_number_that_a_page_asks_for_is_remembered(editor_client, clustered):
    saved(editor_client, name="Bandung")
    segment = Segment.objects.get()
    exactly = reverse("segment_exactly")
    given = {"rules": json.dumps(segment.rules), "segment": segment.pk}
    other = {**given, "rules": json.dumps(rules({**BANDUNG, "texts": ["Bogor"]}))}
    editor_client.post(exactly, other)
    segment.refresh_from_db()
    assert segment.count is None  # other rules than those that are stored
    editor_client.post(exactly, given)
    segment.refresh_from_db()
    assert segment.count == 1_100


def test_small_workspaces_are_counted_when_a_segment_is_saved(editor_client, workspace, city):
    add(workspace, range(10, 50), city="Bandung")
    assert "Saved. 40 people match." in saved(editor_client, name="Bandung")
    assert Segment.objects.get().count == 40


def test_a_count_that_comes_after_other_rules_were_saved_is_none_of_theirs(clustered):
    segment = saving.create(clustered, name="Town", rules=rules(BANDUNG))
    counting = Segment.objects.get(pk=segment.pk)
    bogor = rules({**BANDUNG, "texts": ["Bogor"]})
    saving.save(segment, name="Town", description="", rules=bogor)
    saving.recount(counting)
    segment.refresh_from_db()
    assert segment.count is None
    saving.recount(segment)
    segment.refresh_from_db()
    assert segment.count == 1_000
